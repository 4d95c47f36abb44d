"""Settings of the whole suite."""

from hypothesis import settings

# Machines differ and are shared: a slow example is not a failure.
settings.register_profile("nas", deadline=None, derandomize=True)
settings.load_profile("nas")
