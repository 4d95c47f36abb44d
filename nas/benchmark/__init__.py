"""Tables of what many architectures scored, recorded once, and searches that are replayed from them."""
