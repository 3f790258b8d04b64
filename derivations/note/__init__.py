"""The lecture note row by row: what it prints, and what is right."""
