"""What is kept for those who answer for a school: the trail of who did what."""
