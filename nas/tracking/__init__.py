"""Where trials are told of beside the run's folder, one service a file; ``TRACKERS`` is their registry."""

from nas.tracking.tracker import TRACKERS, Tracker, tracker

__all__ = ["TRACKERS", "Tracker", "tracker"]
