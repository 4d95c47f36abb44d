"""Zero-cost scores, one file each: what a network without training promises. ``ZERO_COST`` is their registry."""

from evaluators.zero_cost.score import ZERO_COST, Score, zero_cost, zero_cost_score

__all__ = ["ZERO_COST", "Score", "zero_cost", "zero_cost_score"]
