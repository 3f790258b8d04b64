"""Layers and losses as people write them: wrong ones with the truth about them, and right ones."""

from . import activations, linear, logistic, losses, norms, state, structure

FAMILIES = {
    "activations": activations,
    "linear": linear,
    "losses": losses,
    "norms": norms,
    "structure": structure,
    "logistic": logistic,
    "state": state,
}
RIGHT = [entry for family in FAMILIES.values() for entry in family.RIGHT]
UNDECIDED = state.UNDECIDED
WRONG = [entry for family in FAMILIES.values() for entry in family.WRONG]
