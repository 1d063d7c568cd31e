"""What is installed: tools that make parts of the image."""
