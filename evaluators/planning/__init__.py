"""How a task is worked, from what its training cases look like: ``facts`` measures them, ``rules`` decides."""
