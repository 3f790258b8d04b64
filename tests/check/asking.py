"""An entry of the catalogue put to the doctor, and the cause that it names held against the truth."""

from __future__ import annotations

import re

import numpy as np
from catalogue.entry import Entry, Layer

from reference_impl.check import check, check_layer
from reference_impl.check.report import Report

BUDGET = 60.0  # so that a busy machine changes no answer


def asked(entry: Entry, seed: int = 0) -> Report:
    """What the doctor says of an entry, brought as a user would."""
    brought = entry.brought
    with np.errstate(all="ignore"):
        if isinstance(brought, Layer):
            z = brought.z.copy()
            return check_layer(brought.make(), z, style=brought.style, seed=seed, budget=BUDGET)
        args = [np.copy(a) if isinstance(a, np.ndarray) else a for a in brought.args]
        return check(brought.f, *args, wrt=brought.wrt, seed=seed, budget=BUDGET, **brought.claims)


def causes(report: Report) -> list[str]:
    """The causes that are named, each with its rivals, as text."""
    named = [finding.cause for finding in report.findings if finding.cause]
    return [" / ".join((cause.name, cause.text, *cause.rivals)) for cause in named]


def named(entry: Entry, report: Report) -> str:
    """Whether the cause is "right", "none" is named, or one is "misleading"."""
    texts = causes(report)
    if not all(re.search(entry.cause, text, re.IGNORECASE) for text in texts):
        return "misleading"
    return "right" if texts else "none"
