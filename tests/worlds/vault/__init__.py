"""Tests of the world that stands before OpenBao."""
