"""What the trials show: the front, and how sure it is."""
