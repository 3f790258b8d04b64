"""Logistic regression and backpropagation, derived for all sizes, each step proved by machine."""

from __future__ import annotations

import importlib

from derivations.language.matrices import Matrix
from derivations.language.statement import Chain, Statement, Step
from derivations.language.terms import Array, Definition, Term

READING_ORDER = (
    "sigmoid", "logistic", "softmax", "identification",
    "linear", "maps", "activations", "gates", "normalisation", "attention", "composition",
    "log_softmax", "nll", "targets", "backpropagation", "conventions",
)  # fmt: skip


def statements() -> dict[str, Statement]:
    """Return every statement by its id, in reading order.

    An id says where a statement stands: ``logistic.nll_gradient`` is the attribute
    ``nll_gradient`` of the module ``derivations.logistic``.
    """
    return {
        f"{concept}.{name}": value
        for concept in READING_ORDER
        for name, value in vars(importlib.import_module(f"derivations.{concept}")).items()
        if isinstance(value, Statement)
    }


def in_a_notebook(shown: object, **_: object) -> dict[str, str]:
    """Return the forms in which a notebook shows an object: formulas. It imports what prints."""
    notebook = importlib.import_module("derivations.prints.notebook")
    forms: dict[str, str] = notebook.bundle(shown)
    return forms


# The language knows nothing of how it is printed, so this is said here, where both are known.
for kind in (Term, Matrix, Array, Definition, Step, Chain, Statement):
    setattr(kind, "_repr_mimebundle_", in_a_notebook)  # noqa: B010 - a name that Jupyter gives
