"""What a layer is: three rules and a Jacobian, for data points that are rows.

A layer maps z (N x in: one data point a row) to z' (N x out), row by row. A cost layer maps it to
one number, the sum over the data points; that number counts as an array of shape (). So one
convention covers both: ``delta`` has the shape of ``forward(z)``, and ``backward(z, delta)`` has
the shape of z. For a cost layer that starts a backward pass, delta = dC/dC = 1.

A layer keeps nothing between calls and never writes to an array that it is given.
"""

from typing import Any, Protocol, TypeVar

from numpy.typing import ArrayLike, NDArray

from reference_impl import arguments
from reference_impl.arguments import Array

AnyArray = TypeVar("AnyArray", bound=NDArray[Any])


class Layer(Protocol):
    """The three rules of a layer z -> z' = f(z; theta); any class with these methods is one."""

    def forward(self, z: Array, /) -> Array:
        """RULE 1: z' = f(z; theta)."""

    def backward(self, z: Array, delta: Array, /) -> Array:
        """RULE 2: dC/dz_u = sum_v delta_v dz'_v/dz_u for each data point, delta = dC/dz'."""

    def parameter_gradient(self, z: Array, delta: Array, /) -> dict[str, Array]:
        """RULE 3: dC/dtheta = sum_i sum_u delta_u(i) dz'_u(i)/dtheta.

        The keys are the names of the layer's parameters (its attributes), each gradient has the
        shape of its parameter, and a layer without parameters returns an empty dictionary.
        """

    def jacobian(self, z: Array, /) -> Array:
        """J_uv = dz'_u/dz_v for each data point: N x out x in (out = 1 for a cost layer)."""


def matrix(name: str, value: ArrayLike) -> Array:
    """Return a finite matrix that is not empty, such as N data points, one a row.

    Raises
    ------
    TypeError, ValueError
        As `arguments.finite`, and for another number of dimensions or an empty matrix.
    """
    array = arguments.finite(name, value)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(
            f"{name}: expected a matrix with at least one row and one column, "
            f"given shape {array.shape}"
        )
    return array


def delta_of(value: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return delta if it is finite and has the shape of the layer's output.

    Raises
    ------
    TypeError, ValueError
        As `arguments.finite`, and for another shape.
    """
    delta = arguments.finite("delta", value)
    if delta.shape != shape:
        raise ValueError(
            f"delta: expected the shape of the layer's output, {shape}, given shape {delta.shape}"
        )
    return delta


def read_only(array: AnyArray) -> AnyArray:
    """Return a copy of an array that nobody can write to."""
    array = array.copy()
    array.setflags(write=False)
    return array
