"""A statement in the forms that people take: mathematics, code, data."""
