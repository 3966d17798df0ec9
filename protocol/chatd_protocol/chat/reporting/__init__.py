"""Reports: by whoever saw something, for whoever looks after it."""
