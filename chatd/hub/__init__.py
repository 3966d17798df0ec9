"""The chat hub: who is connected, what reaches whom, and the methods they call."""
