"""Time and memory of one forward and backward pass."""
