"""The derived statements as an oracle: evaluated with as many digits as a design asks for."""

import importlib

from derivations.calculus import digits as evaluation


def table(statement, arrays, digits=50):
    """Evaluate the result of the statement with this id; `arrays` by their names in notation."""
    concept, name = statement.split(".")
    result = getattr(importlib.import_module(f"derivations.{concept}"), name).result
    return evaluation.table(result, arrays, digits=digits)
