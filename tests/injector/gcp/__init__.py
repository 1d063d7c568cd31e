"""The injector against Google."""
