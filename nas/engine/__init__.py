"""The search itself: what is tried next, on Ray, from launch to the last final."""
