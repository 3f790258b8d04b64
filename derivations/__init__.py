"""Logistic regression and backpropagation, derived for all sizes, each step proved by machine."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from derivations.language.statement import Statement

READING_ORDER = (
    "sigmoid", "logistic", "softmax", "identification",
    "linear", "activations", "log_softmax", "nll", "backpropagation", "conventions",
)  # fmt: skip


def statements() -> dict[str, Statement]:
    """Return every statement by its id, in reading order.

    An id says where a statement stands: ``logistic.nll_gradient`` is the attribute
    ``nll_gradient`` of the module ``derivations.logistic``.
    """
    from derivations.language.statement import Statement

    return {
        f"{concept}.{name}": value
        for concept in READING_ORDER
        for name, value in vars(importlib.import_module(f"derivations.{concept}")).items()
        if isinstance(value, Statement)
    }
