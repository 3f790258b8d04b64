"""The reference implementation of this project, as tests/reference_answers.py asks it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reference_answers import FUNCTIONS


def answer(function, input):
    if function not in FUNCTIONS:
        raise NotImplementedError(function)
    return FUNCTIONS[function](**input)
