"""The derived statements as an oracle: evaluated with as many digits as a design asks for."""

import importlib

from derivations.proof import digits as evaluation


def table(statement, arrays, digits=50, chain=0):
    """Evaluate the result of the statement with this id; `arrays` by their names in notation.

    Of a statement that says several things, `chain` counts which is meant.
    """
    concept, name = statement.split(".")
    found = getattr(importlib.import_module(f"derivations.{concept}"), name)
    if not chain:
        return evaluation.table(found.result, arrays, digits=digits)
    said = found.chains[chain]
    return evaluation.table(said.last, arrays, digits=digits, at=said.at)
