"""Tests of webhook.annotations."""
