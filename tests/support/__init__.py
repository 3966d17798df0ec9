"""What the tests share: servers, programs, browsers, tokens and waiting."""
