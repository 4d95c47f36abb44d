"""Parts of host networks that several hosts are made of, one idea a file."""
