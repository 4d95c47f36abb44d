"""Settings of the whole suite."""

import os

from hypothesis import settings

# Machines differ and are shared: a slow example is not a failure.
settings.register_profile("nas", deadline=None, derandomize=True)
settings.load_profile("nas")

# pytest-xdist tells its workers a width; rich would hold on to it, and tests of narrow terminals set their own.
os.environ.pop("COLUMNS", None)
