"""``logisticbp conformance``: run the test vectors on an implementation in any language.

`vectors` reads the files, `program` asks a program for its answers, `verdicts` judges them in units
in the last place, `report` tells the result. None of it computes a formula, and none needs NumPy.
"""

from reference_impl.conformance.command import main

__all__ = ["main"]
