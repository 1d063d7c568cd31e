"""Reviews decoded and encoded."""
