"""Tests of the Google Cloud world: by the wire, and by Google's own clients."""
