"""Tests of webhook.settings."""
