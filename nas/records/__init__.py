"""What a run leaves on disk while it goes on: trials in a journal, its cases, who holds it, how long it took."""
