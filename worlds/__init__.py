"""Simulators that refuse what the real services refuse, and the pod runner."""
