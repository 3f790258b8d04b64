"""The derived statements as an oracle: evaluated with as many digits as a design asks for."""

import importlib

from derivations.language.statement import DIFFERENTIATE, Chain, Statement, Step
from derivations.proof import digits as evaluation, verification


def table(statement, arrays, digits=50, chain=0, sizes=None):
    """Evaluate the result of the statement with this id; `arrays` by their names in notation.

    Of a statement that says several things, `chain` counts which is meant; `sizes` are those that
    no array in the result has.
    """
    concept, name = statement.split(".")
    found = getattr(importlib.import_module(f"derivations.{concept}"), name)
    if not chain:
        return evaluation.table(found.result, arrays, digits=digits, sizes=sizes)
    said = found.chains[chain]
    return evaluation.table(said.last, arrays, digits=digits, at=said.at, sizes=sizes)


def rejected(statement, wrong, chain=0):
    """Whether verification refutes a result with a mistake in it: one line, any law allowed."""
    concept, name = statement.split(".")
    found = getattr(importlib.import_module(f"derivations.{concept}"), name)
    said = found.chains[chain]
    twin = Chain(said.left, (Step(wrong, DIFFERENTIATE),), said.at)
    return verification.verify(Statement("twin", "", (twin,), found.given)).level == "failed"
