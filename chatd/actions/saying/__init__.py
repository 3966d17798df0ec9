"""What people say, from the words they write to what is stored of them."""
