"""What every deed stands on: the context, facts, decisions, cursors and rates."""
