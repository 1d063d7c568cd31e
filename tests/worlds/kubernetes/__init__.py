"""Tests of the simulated API server."""
