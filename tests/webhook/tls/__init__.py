"""The managed certificate."""
