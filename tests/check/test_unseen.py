"""An input that cannot show a slip is named, however right everything looks."""

import numpy as np
import pytest

from reference_impl.activations import ReLU, Tanh
from reference_impl.check import check_layer
from reference_impl.linear import Linear

RNG = np.random.default_rng(4)
Z = RNG.normal(size=(5, 3))
SYMMETRIC = np.array([[1.0, 2.0, 0.5], [2.0, -1.0, 3.0], [0.5, 3.0, 4.0]])


@pytest.mark.parametrize(
    ("layer", "z", "hint"),
    [
        (Tanh(), Z[:1], "z has one row"),
        (Linear(SYMMETRIC), Z, "W is symmetric"),
        (ReLU(), np.abs(Z), "all z > 0"),
        (Tanh(), np.tile(Z[:1], (4, 1)), "all rows of z are equal"),
        (Tanh(), Z[:3], "z has as many rows as columns (3)"),
        (Tanh(), Z * (Z > 0), "z has entries that are 0"),
    ],
)
def test_unseen(layer, z, hint):
    report = check_layer(layer, z)
    assert report.verdict == "right", str(report)
    assert [text.startswith(hint) for text in report.unseen].count(True) == 1


def test_nothing_unseen():
    assert check_layer(Linear(RNG.normal(size=(4, 3))), Z).unseen == ()
