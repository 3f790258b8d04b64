"""What a layer is: three rules and a Jacobian, for data points that are rows.

A layer maps z (N x in: one data point a row) to z' (N x out), row by row. With more axes, such as
N x T x in, all but the last count data points, and z' has them, too. A cost layer maps z to one
number, the sum over the data points; that number counts as an array of shape (). So one convention
covers both: ``delta`` has the shape of ``forward(z)``, and ``backward(z, delta)`` has the shape of
z. For a cost layer that starts a backward pass, delta = dC/dC = 1.

The layers here say all three rules at once, as their *pullback* at z: the value, and a function
that takes delta back to the delta of z and, when asked, to the gradients of the parameters. What
they share is remembered in between, and nothing is computed that nobody asks for. The second order
is the pullback differentiated along a direction, `pullback_along`. Any object with ``forward``,
``backward`` and ``parameter_gradient`` is a layer too, and may have either of these two besides.

A layer keeps nothing between calls and never writes to an array that it is given.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import reduce, wraps
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference_impl import arguments
from reference_impl.arguments import Array
from reference_impl.quiet import quiet, short_buffer

OneArray = TypeVar("OneArray", bound=NDArray[Any])

Gradients = dict[str, Array]
# delta at the output -> delta at the input, and the gradients of the parameters when they are asked
Back = Callable[[Array], tuple[Array, Callable[[], Gradients]]]
# delta and its change at the output -> the changes of delta at the input and of the gradients
BackAlong = Callable[[Array, Array], tuple[Array, Gradients]]
# a layer at z -> the value, and how to come back; likewise along a direction
Pullback = Callable[[Any, Array], tuple[Array, Back]]
PullbackAlong = Callable[[Any, Array, Array, Mapping[str, Array]], tuple[Array, BackAlong]]


class Layer(Protocol):
    """The three rules of a layer z -> z' = f(z; theta); any class with these methods is one.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.activations import Sigmoid
    >>> Sigmoid().jacobian(np.zeros((1, 2))).tolist()
    [[[0.25, 0.0], [0.0, 0.25]]]
    """

    def forward(self, z: Array, /) -> Array:
        """RULE 1: z' = f(z; theta)."""

    def backward(self, z: Array, delta: Array, /) -> Array:
        """RULE 2: dC/dz_u = sum_v delta_v dz'_v/dz_u for each data point, delta = dC/dz'."""

    def parameter_gradient(self, z: Array, delta: Array, /) -> Gradients:
        """RULE 3: dC/dtheta = sum_i sum_u delta_u(i) dz'_u(i)/dtheta.

        The keys are the names of the layer's parameters (its attributes), each gradient has the
        shape of its parameter, and a layer without parameters returns an empty dictionary.
        """

    def jacobian(self, z: Array, /) -> Array:
        """J_uv = dz'_u/dz_v for each data point: N x out x in (out = 1 for a cost layer)."""


class Differentiable(Protocol):
    """A layer by its pullback; the arguments have been checked.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.activations import Sigmoid
    >>> value, back = Sigmoid().pullback(np.zeros((1, 2)))
    >>> delta, gradients = back(np.ones((1, 2)))
    >>> delta.tolist(), gradients()
    ([[0.25, 0.25]], {})
    """

    def pullback(self, z: Array, /) -> tuple[Array, Back]:
        """Return forward(z), and RULES 2 and 3 at z as one function of delta."""


# ------------------------------------------- the four methods of a layer, from its pullback


@quiet
def forward(layer: Differentiable, z: ArrayLike) -> Array:
    """RULE 1, for z of shape (..., in).

    Examples
    --------
    >>> from reference_impl.activations import Sigmoid
    >>> from reference_impl.layer import forward
    >>> forward(Sigmoid(), [[0.0]]).tolist()
    [[0.5]]
    """
    return layer.pullback(points("z", z))[0]


@quiet
def backward(layer: Differentiable, z: ArrayLike, delta: ArrayLike) -> Array:
    """RULE 2, for delta of the shape of the output.

    Examples
    --------
    >>> from reference_impl.activations import Sigmoid
    >>> from reference_impl.layer import backward
    >>> backward(Sigmoid(), [[0.0]], [[8.0]]).tolist()
    [[2.0]]
    """
    value, back = layer.pullback(points("z", z))
    return back(delta_of(delta, value.shape))[0]


@quiet
def parameter_gradient(layer: Differentiable, z: ArrayLike, delta: ArrayLike) -> Gradients:
    """RULE 3, summed over the data points; the names are those of the layer's attributes.

    Examples
    --------
    >>> from reference_impl.layer import parameter_gradient
    >>> from reference_impl.linear import Linear
    >>> parameter_gradient(Linear([[5.0]]), [[2.0], [3.0]], [[1.0], [1.0]])["W"].tolist()
    [[5.0]]
    """
    value, back = layer.pullback(points("z", z))
    return back(delta_of(delta, value.shape))[1]()


@quiet
def jacobian(layer: Differentiable, z: ArrayLike) -> Array:
    """J_uv = dz'_u/dz_v for each data point, (..., out, in): RULE 2 for each unit delta.

    Raises
    ------
    TypeError
        For a chain or a sum with a layer in which data points meet.

    Examples
    --------
    >>> from reference_impl.layer import jacobian
    >>> from reference_impl.linear import Linear
    >>> jacobian(Linear([[5.0, 7.0]]), [[2.0, 3.0]]).tolist()
    [[[5.0, 7.0]]]
    """
    if rows_meet(layer):
        raise TypeError(
            f"jacobian: expected layers that map row by row; in {type(layer).__name__} there is one "
            f"in which rows meet"
        )
    value, back = layer.pullback(points("z", z))
    if value.shape == ():
        return back(np.ones(()))[0][..., np.newaxis, :]
    units = np.eye(value.shape[-1])
    rows = [back(np.broadcast_to(unit, value.shape))[0] for unit in units]
    return np.stack(rows, axis=-2)


RULES = forward, backward, parameter_gradient, jacobian


def rows_meet(layer: Any) -> bool:
    """Say whether data points meet in a layer, or in one of its layers: ``rows_meet`` is True.

    Such a layer has a ``jacobian`` of its own.

    Examples
    --------
    >>> from reference_impl.backpropagation import Chain
    >>> from reference_impl.layer import rows_meet
    >>> from reference_impl.normalisation import BatchNorm, LayerNorm
    >>> rows_meet(LayerNorm([1.0], [0.0])), rows_meet(Chain([BatchNorm([1.0], [0.0])]))
    (False, True)
    """
    return getattr(layer, "rows_meet", False) or any(map(rows_meet, getattr(layer, "layers", ())))


@quiet
def jacobian_of_rows(layer: Differentiable, z: ArrayLike) -> Array:
    """dz'_iu/dz_jv, (..., N, out, N, in), of a layer in which the N rows of a matrix meet.

    Examples
    --------
    >>> from reference_impl.attention import SelfAttention
    >>> from reference_impl.layer import jacobian_of_rows
    >>> layer = SelfAttention([[0.0]], [[0.0]], [[2.0]], [[1.0, 1.0], [0.0, 1.0]])
    >>> jacobian_of_rows(layer, [[3.0], [5.0]])[:, 0, :, 0].tolist()
    [[1.0, 1.0], [0.0, 2.0]]
    """
    value, back = layer.pullback(points("z", z))
    units = np.eye(math.prod(value.shape[-2:])).reshape(-1, *value.shape[-2:])
    rows = [back(np.broadcast_to(unit, value.shape))[0] for unit in units]
    return np.stack(rows, axis=-3).reshape(*value.shape, *rows[0].shape[-2:])


def none() -> Gradients:
    """Return the gradients of a layer without parameters.

    Examples
    --------
    >>> from reference_impl.layer import none
    >>> none()
    {}
    """
    return {}


def by_rows(pullback: Pullback) -> Pullback:
    """Return the pullback of a layer for any leading axes, from one for a matrix of data points.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.activations import Sigmoid
    >>> Sigmoid().pullback(np.zeros((2, 3, 4)))[0].shape
    (2, 3, 4)
    """

    @wraps(pullback)
    def of_all_axes(layer: Any, z: Array) -> tuple[Array, Back]:
        if z.ndim == 2:
            return pullback(layer, z)
        value, back = pullback(layer, _rows(z))

        def back_to_axes(delta: Array) -> tuple[Array, Callable[[], Gradients]]:
            result, gradients = back(_rows(delta))
            return result.reshape(z.shape), gradients

        return _with_axes(value, z), back_to_axes

    return of_all_axes


BLOCK = 24_576  # numbers: a block, and what is made of it, stay in the cache


def in_blocks(pullback: Pullback) -> Pullback:
    """Return the pullback of a layer that maps each row of a matrix by itself, block by block.

    It has as many outputs as inputs.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.activations import Sigmoid
    >>> Sigmoid().pullback(np.zeros((100_000, 2)))[0].shape
    (100000, 2)
    """

    @wraps(pullback)
    def of_all_rows(layer: Any, z: Array) -> tuple[Array, Back]:
        size = max(1, BLOCK // z.shape[1])
        blocks = [slice(first, first + size) for first in range(0, len(z), size)]
        if len(blocks) == 1:
            return pullback(layer, z)
        value, backs = np.empty_like(z), []
        with short_buffer():
            for block in blocks:
                value[block], back = pullback(layer, z[block])
                backs.append(back)

        def back_in_blocks(delta: Array) -> tuple[Array, Callable[[], Gradients]]:
            result, asked = np.empty_like(z), []
            with short_buffer():
                for block, of_block in zip(blocks, backs, strict=True):
                    result[block], gradients = of_block(delta[block])
                    asked.append(gradients)
            return result, lambda: added(gradients() for gradients in asked)

        return value, back_in_blocks

    return of_all_rows


def added(parts: Iterable[Gradients]) -> Gradients:
    """Return the sum of gradients, parameter by parameter.

    Examples
    --------
    >>> from reference_impl.layer import added
    >>> added([{"W": 1.0}, {"W": 2.0}])
    {'W': 3.0}
    """
    return reduce(lambda a, b: {name: a[name] + b[name] for name in a}, parts)


def along_by_rows(pullback_along: PullbackAlong) -> PullbackAlong:
    """Return the same of a pullback along a direction.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.activations import Sigmoid
    >>> z = np.zeros((2, 3, 4))
    >>> Sigmoid().pullback_along(z, np.ones_like(z), {})[0][0, 0].tolist()
    [0.25, 0.25, 0.25, 0.25]
    """

    @wraps(pullback_along)
    def of_all_axes(
        layer: Any, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        if z.ndim == 2:
            return pullback_along(layer, z, dz, dtheta)
        moved, back = pullback_along(layer, _rows(z), _rows(dz), dtheta)

        def back_to_axes(delta: Array, change: Array) -> tuple[Array, Gradients]:
            result, gradients = back(_rows(delta), _rows(change))
            return result.reshape(z.shape), gradients

        return _with_axes(moved, z), back_to_axes

    return of_all_axes


def _rows(array: Array) -> Array:
    return array.reshape(-1, array.shape[-1]) if array.ndim else array


def _with_axes(value: Array, z: Array) -> Array:
    return value.reshape(*z.shape[:-1], value.shape[-1]) if value.ndim else value


# ---------------------------------------------------------- any layer, also one of a reader's


def pullback(layer: Any, z: Array) -> tuple[Array, Back]:
    """Return the pullback of a layer at z; where its rules are its own, made of them.

    Raises
    ------
    TypeError, ValueError
        For a value, by a rule of the layer's own, that is not an array of finite numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.layer import pullback
    >>> from reference_impl.linear import Linear
    >>> value, back = pullback(Linear([[5.0]]), np.array([[2.0]]))
    >>> value.tolist(), back(np.array([[1.0]]))[0].tolist()
    ([[10.0]], [[5.0]])
    """
    if all(getattr(type(layer), rule.__name__, None) is rule for rule in RULES[:3]):
        value, back = layer.pullback(z)
        return value, back
    value = arguments.finite(f"the output of {type(layer).__name__}", layer.forward(z))
    return value, lambda delta: (
        np.asarray(layer.backward(z, delta)),
        lambda: layer.parameter_gradient(z, delta),
    )


def pullback_along(
    layer: Any, z: Array, dz: Array, dtheta: Mapping[str, Array]
) -> tuple[Array, BackAlong]:
    """Return what differentiating the pullback of a layer along (dz, dtheta) gives.

    That is the change of the value, and a function from delta and its change to those of the
    delta of z and of the gradients.

    Raises
    ------
    TypeError
        For a layer that does not say it.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.layer import pullback_along
    >>> from reference_impl.linear import Linear
    >>> one = np.ones((1, 1))
    >>> pullback_along(Linear([[5.0]]), 2 * one, one, {"W": one})[0].tolist()
    [[7.0]]
    """
    if not hasattr(layer, "pullback_along"):
        raise TypeError(
            f"layers: the second order of {type(layer).__name__} is not known: "
            f"it has no method pullback_along(z, dz, dtheta)"
        )
    change, back = layer.pullback_along(z, dz, dtheta)
    return change, back


def matrix(name: str, value: ArrayLike) -> Array:
    """Return a finite matrix that is not empty, such as N data points, one a row.

    Raises
    ------
    TypeError, ValueError
        As `arguments.finite`, and for another number of dimensions or an empty matrix.

    Examples
    --------
    >>> from reference_impl.layer import matrix
    >>> matrix("z", [[1, 2]]).tolist()
    [[1.0, 2.0]]
    >>> matrix("z", [])
    Traceback (most recent call last):
    ...
    ValueError: z: expected a matrix with at least one row and one column, given shape (0,)
    """
    array = arguments.finite(name, value)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(
            f"{name}: expected a matrix with at least one row and one column, "
            f"given shape {array.shape}"
        )
    return array


def points(name: str, value: ArrayLike) -> Array:
    """Return finite data points: the last axis is one, those before it count them.

    Raises
    ------
    TypeError, ValueError
        As `arguments.finite`, and for fewer than two axes or an empty array.

    Examples
    --------
    >>> from reference_impl.layer import points
    >>> points("z", [[1, 2]]).shape
    (1, 2)
    >>> points("z", [[1, float("nan")]])
    Traceback (most recent call last):
    ...
    ValueError: z: expected numbers, given nan at index (0, 1)
    """
    array = arguments.finite(name, value)
    if array.ndim < 2 or 0 in array.shape:
        raise ValueError(
            f"{name}: expected a matrix with at least one row and one column, or more axes before "
            f"the last, given shape {array.shape}"
        )
    return array


def delta_of(value: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return delta if it is finite and has the shape of the layer's output.

    Raises
    ------
    TypeError, ValueError
        As `arguments.finite`, and for another shape.

    Examples
    --------
    >>> from reference_impl.layer import delta_of
    >>> delta_of([[1.0]], (1, 1)).tolist()
    [[1.0]]
    >>> delta_of([[1.0]], (1, 2))
    Traceback (most recent call last):
    ...
    ValueError: delta: expected the shape of the layer's output, (1, 2), given shape (1, 1)
    """
    delta = arguments.finite("delta", value)
    if delta.shape != shape:
        raise ValueError(
            f"delta: expected the shape of the layer's output, {shape}, given shape {delta.shape}"
        )
    return delta


def read_only(array: OneArray) -> OneArray:
    """Return a copy of an array that nobody can write to.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.layer import read_only
    >>> read_only(np.zeros(2)).flags.writeable
    False
    """
    array = array.copy()
    array.setflags(write=False)
    return array
