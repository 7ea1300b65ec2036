"""What makes many runs at a time."""
