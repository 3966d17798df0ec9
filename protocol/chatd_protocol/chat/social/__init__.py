"""What reaches beyond one conversation: what people do about each other."""
