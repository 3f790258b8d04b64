"""Data sets that examples and tests use, as CSV files with their sources."""

from importlib import resources

import numpy as np
from numpy.typing import NDArray

from reference_impl.arguments import Array


def students() -> tuple[Array, NDArray[np.int64], tuple[str, ...]]:
    """Return six made-up students: hours of practice, and who passed.

    Returns
    -------
    X : float64 array, shape (6, 2)
        A column of ones, and the hours less 4, their mean.
    y : int64 array, shape (6,)
        1 for those who passed.
    names : tuple of str
        Names of the columns of X.

    Examples
    --------
    >>> from reference_impl import data
    >>> X, y, names = data.students()
    >>> X.shape, y.tolist(), names
    ((6, 2), [0, 0, 1, 0, 1, 1], ('intercept', 'hours'))
    """
    table = _table("students.csv")
    return _with_ones(table[:, :1] - 4), _labels(table[:, 1]), ("intercept", "hours")


def spector() -> tuple[Array, NDArray[np.int64], tuple[str, ...]]:
    """Return the grade data of Spector and Mazzeo (1980): 32 students, three features.

    Returns
    -------
    X : float64 array, shape (32, 4)
        A column of ones, GPA, TUCE and PSI.
    y : int64 array, shape (32,)
        1 where the grade improved.
    names : tuple of str
        Names of the columns of X.

    Examples
    --------
    >>> from reference_impl import data
    >>> X, y, names = data.spector()
    >>> X.shape, int(y.sum()), names
    ((32, 4), 11, ('intercept', 'gpa', 'tuce', 'psi'))
    """
    table = _table("spector.csv")
    return _with_ones(table[:, :3]), _labels(table[:, 3]), ("intercept", "gpa", "tuce", "psi")


def beetles() -> tuple[Array, NDArray[np.int64], Array, tuple[str, ...]]:
    """Return the mortality data of Bliss (1935): eight doses, each twice, with counts as weights.

    Returns
    -------
    X : float64 array, shape (16, 2)
        A column of ones, and the logarithm of the dose.
    y : int64 array, shape (16,)
        0 for the beetles that lived, 1 for those that died.
    s : float64 array, shape (16,)
        How many beetles these are.
    names : tuple of str
        Names of the columns of X.

    Examples
    --------
    >>> from reference_impl import data
    >>> X, y, s, names = data.beetles()
    >>> X.shape, s.sum().item()
    ((16, 2), 481.0)
    """
    dose, total, killed = _table("beetles.csv").T
    X = _with_ones(np.tile(dose, 2)[:, np.newaxis])
    y = np.repeat(np.array([0, 1], dtype=np.int64), len(dose))
    return X, y, np.concatenate([total - killed, killed]), ("intercept", "dose")


def vasoconstriction() -> tuple[Array, NDArray[np.int64], tuple[str, ...]]:
    """Return the data of Finney (1947): 39 tests, two features.

    Returns
    -------
    X : float64 array, shape (39, 3)
        A column of ones, and the logarithms of volume and rate.
    y : int64 array, shape (39,)
        1 where the vessels narrowed.
    names : tuple of str
        Names of the columns of X.

    Examples
    --------
    >>> from reference_impl import data
    >>> X, y, names = data.vasoconstriction()
    >>> X.shape, int(y.sum())
    ((39, 3), 20)
    """
    table = _table("vasoconstriction.csv")
    names = ("intercept", "log volume", "log rate")
    return _with_ones(np.log(table[:, :2])), _labels(table[:, 2]), names


def endometrial() -> tuple[Array, NDArray[np.int64], tuple[str, ...]]:
    """Return the cancer data of Heinze and Schemper (2002): 79 patients, three features.

    All patients with neovasculization have the high grade: the data are separated.

    Returns
    -------
    X : float64 array, shape (79, 4)
        A column of ones, NV, PI and EH.
    y : int64 array, shape (79,)
        1 for the high grade.
    names : tuple of str
        Names of the columns of X.

    Examples
    --------
    >>> from reference_impl import data
    >>> X, y, names = data.endometrial()
    >>> X.shape, set(y[X[:, 1] == 1].tolist())
    ((79, 4), {1})
    """
    table = _table("endometrial.csv")
    return _with_ones(table[:, :3]), _labels(table[:, 3]), ("intercept", "nv", "pi", "eh")


def election() -> tuple[Array, NDArray[np.int64], tuple[str, ...]]:
    """Return the party identification of 944 respondents in 1996: five features, seven classes.

    Returns
    -------
    X : float64 array, shape (944, 6)
        A column of ones, log(population + 0.1), left to right, age, education and income.
    y : int64 array, shape (944,)
        From 0, strong Democrat, to 6, strong Republican.
    names : tuple of str
        Names of the columns of X.

    Examples
    --------
    >>> from reference_impl import data
    >>> X, y, names = data.election()
    >>> X.shape, sorted(set(y.tolist()))
    ((944, 6), [0, 1, 2, 3, 4, 5, 6])
    """
    table = _table("election.csv")
    X = _with_ones(table[:, :5])
    X[:, 1] = np.log(X[:, 1] + 0.1)
    names = ("intercept", "log population", "left to right", "age", "education", "income")
    return X, _labels(table[:, 5]), names


def _table(name: str) -> Array:
    lines = resources.files(__name__).joinpath(name).read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if not line.startswith("#")]
    return np.loadtxt(rows[1:], delimiter=",")


def _with_ones(features: Array) -> Array:
    return np.column_stack([np.ones(len(features)), features])


def _labels(column: Array) -> NDArray[np.int64]:
    return column.astype(np.int64)
