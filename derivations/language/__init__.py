"""How mathematics is written: terms, matrices, statements. No statistics is known here."""
