"""Mass messages: who may send to whom, what the sender sees of it, the delivery."""
