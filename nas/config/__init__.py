"""What a user writes to launch a search, read and checked whole before anything starts."""
