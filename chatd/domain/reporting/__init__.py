"""Reports: what one is about, to whom it goes, and who is told what of it."""
