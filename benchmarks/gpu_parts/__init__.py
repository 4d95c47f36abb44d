"""The parts of the GPU kit, one a file.

Each has ``measure(setting, until)``, which yields what it has found so far, plain data, whenever there is more, and
stops in time; and ``page(found)``, the same in Markdown.
"""
