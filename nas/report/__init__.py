"""A run as one page that a browser opens by itself: the front, every network in detail, effects, failures."""
