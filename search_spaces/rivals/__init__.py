"""Light networks of other people, one file each, to be trained beside a front: the hosts of presets without slots.

Each is a torch module of its own, ``(in_channels, out_channels)`` with the background among the outputs, and named as a
network that is not a host is: ``python:search_spaces.rivals.MODULE.CLASS``. One that exists in 3D takes
``spatial_dims``. Lengths of an image are multiples of 32; ``hosts/outside.py`` pads to that. Written from the papers;
each file says what only the authors' code tells.
"""
