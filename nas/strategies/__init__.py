"""Search strategies, one file each; ``STRATEGIES`` is their registry."""

from nas.strategies.strategy import STRATEGIES, History, Strategy, strategy

__all__ = ["STRATEGIES", "History", "Strategy", "strategy"]
