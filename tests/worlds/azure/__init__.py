"""The Azure world refuses what Azure refuses."""
