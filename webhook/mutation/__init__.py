"""From an admission request to a verdict. Pure, total, deterministic, idempotent."""
