"""Layers and losses as people write them: wrong ones with the truth about them, and right ones."""

from dataclasses import replace

from . import activations, calculus, linear, logistic, losses, norms, state, structure
from .also import ALSO
from .entry import Entry


def complete(entry: Entry) -> Entry:
    """An entry with what else is a right cause of it."""
    also = ALSO.get(entry.name)
    return replace(entry, cause=f"{entry.cause}|{also}") if also else entry


MODULES = {
    "activations": activations,
    "linear": linear,
    "losses": losses,
    "norms": norms,
    "structure": structure,
    "calculus": calculus,
    "logistic": logistic,
    "state": state,
}
RIGHT = {name: tuple(module.RIGHT) for name, module in MODULES.items()}
WRONG = {name: tuple(map(complete, module.WRONG)) for name, module in MODULES.items()}
UNDECIDED = state.UNDECIDED
