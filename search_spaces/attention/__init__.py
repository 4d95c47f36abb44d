"""Attention mechanisms, one file each; ``MECHANISMS`` is their registry."""

from search_spaces.attention.mechanism import INPUTS, MECHANISMS, Mechanism, MechanismEntry, mechanism

__all__ = ["INPUTS", "MECHANISMS", "Mechanism", "MechanismEntry", "mechanism"]
