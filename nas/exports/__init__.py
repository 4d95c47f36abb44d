"""The trained model in hand: a folder that outlives its run, and predictions with it."""
