"""What Azure's services say, in our words."""
