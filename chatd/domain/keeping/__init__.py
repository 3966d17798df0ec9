"""What those who answer for a school may look at, keep and take away."""
