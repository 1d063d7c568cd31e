"""The annotation table, and what it makes of a pod: an intent. Pure."""
