"""Who is asking: tokens, the issuers they come from, and their keys."""
