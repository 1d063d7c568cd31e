"""Tests of status and metrics."""
