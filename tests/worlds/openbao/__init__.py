"""Tests of the OpenBao world and of what stands around it."""
