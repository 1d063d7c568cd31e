"""The pod tier: a review over TLS, the real patch, and the patched pod as processes."""
