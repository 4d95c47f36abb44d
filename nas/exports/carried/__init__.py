"""Files that travel with an export, copied as they are: they run where nothing of this package is."""
