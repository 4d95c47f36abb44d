"""What each part of a network costs."""
