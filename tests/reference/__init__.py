"""Runs cases of the golden form (NAME.json, NAME.npz) through this project's mechanisms.

``python -m tests.reference FOLDER`` compares outputs, input gradients and, in train mode, buffers. What a
reference class corresponds to here is written in ``adapters``, one file per mechanism.
"""
