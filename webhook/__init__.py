"""The admission server. It never sees a secret value and has no cloud client."""
