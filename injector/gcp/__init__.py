"""What Google's APIs say: their errors as ours, and their replies."""
