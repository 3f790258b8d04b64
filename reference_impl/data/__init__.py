"""Data sets that examples and tests use, as CSV files with their sources."""

from importlib import resources

import numpy as np
from numpy.typing import NDArray

from reference_impl.arguments import Array


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
    """
    with resources.files(__name__).joinpath("spector.csv").open(encoding="utf-8") as file:
        table = np.loadtxt(file, delimiter=",", comments="#", skiprows=7)
    X = np.column_stack([np.ones(len(table)), table[:, :3]])
    return X, table[:, 3].astype(np.int64), ("intercept", "gpa", "tuce", "psi")
