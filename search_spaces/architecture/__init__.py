"""One point of a space: what it is, the network it makes, what it costs; published ones as presets."""
