"""Several tasks searched one after the other, and what holds across them."""
