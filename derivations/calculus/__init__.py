"""The machinery in which derivations are written and verified; it knows no statistics."""
