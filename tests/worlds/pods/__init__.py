"""Tests of the pod runner."""
