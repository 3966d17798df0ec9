"""Where people's words and files lie besides the rows of messages."""
