"""Routes that share no code, each with its own reading of a line; and what they say together."""
