"""What reaches beyond one conversation: contacts, blocks, mass messages."""
