"""What messages carry besides their place in a conversation: files, words to find."""
