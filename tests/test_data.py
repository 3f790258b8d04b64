"""The data sets, entry by entry, beside their files."""

import csv
from importlib import resources

import compare
import numpy as np
import pytest
from mpmath import mp, mpf

from reference_impl import data


def columns(name):
    """The columns of a file, without the comments and the names."""
    text = resources.files("reference_impl.data").joinpath(f"{name}.csv").read_text()
    rows = csv.reader(line for line in text.splitlines() if line[0] != "#")
    return [list(map(float, entries)) for _, *entries in zip(*rows, strict=True)]


@pytest.mark.parametrize(
    ("name", "logs", "added"),
    [("spector", 0, 0), ("endometrial", 0, 0), ("vasoconstriction", 2, 0), ("election", 1, 0.1)],
)
def test_columns_are_those_of_the_file(name, logs, added):
    """Ones, the logarithms of the first features, the others, and the labels."""
    X, y, _ = getattr(data, name)()
    *features, labels = columns(name)
    for found, given in zip(X.T[1 : 1 + logs], features[:logs], strict=True):
        compare.agree(found.tolist(), [mp.log(t + mpf(added)) for t in given], digits=15)
    others = np.delete(X, np.s_[1 : 1 + logs], axis=1)
    compare.same(others, np.transpose([np.ones(len(y)), *features[logs:]]))
    compare.same(y, np.array(labels, dtype=int))


def test_hours_are_counted_from_their_mean():
    X, y, _ = data.students()
    hours, passed = columns("students")
    compare.same(X, np.array([[1.0, t - 4] for t in hours]))
    compare.same(y, np.array(passed, dtype=int))


def test_each_dose_stands_twice():
    """With those that lived, then with those that died."""
    X, y, s, _ = data.beetles()
    doses, beetles, killed = columns("beetles")
    compare.same(X, np.array([[1.0, t] for t in doses + doses]))
    compare.same(y, np.array([0] * 8 + [1] * 8))
    lived = [all - dead for all, dead in zip(beetles, killed, strict=True)]
    compare.same(s, np.array(lived + killed))
