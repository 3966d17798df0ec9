"""Many at once: what one address may ask for, and who is let in when."""
