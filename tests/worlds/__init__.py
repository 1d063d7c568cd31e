"""Tests of the simulated services and of the pod runner."""
