"""Adapters, one file per mechanism; each registers the reference classes that it stands for."""
