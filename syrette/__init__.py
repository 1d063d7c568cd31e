"""The command line that people type."""
