"""The front and networks as pictures."""
