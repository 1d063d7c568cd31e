"""The decision: intents to patches."""
