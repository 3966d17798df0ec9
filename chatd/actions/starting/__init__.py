"""Starting a conversation: who is meant, whether it may be, and what begins."""
