"""What is done with the files of messages, and finding what was said."""
