"""Sums over blocks of rows: data that need not fit in memory, or lie on other machines.

The NLL and its gradient, Hessian and Hessian-vector product are sums over the data points, and so
sums over blocks of them. Each block goes through the function that a whole data set goes through,
and what is added is small. `total` does that for any iterable of blocks, `Blocks` cuts a memory
map into them; `distributed.Blocks` are chunks on Dask workers, to which the function goes instead.
`estimation.newton` and `estimation.multinomial` fit to any of these.

A block is ``(X_b, y_b)`` or ``(X_b, y_b, sample_weight_b)``. The results are added in the order
of the blocks: the sum is the same in every run.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments
from reference_impl.arguments import AnyArray, Array
from reference_impl.engine import sums
from reference_impl.engine.sums import Parts
from reference_impl.quiet import quiet

Block = tuple[Any, ...]
BlockFunction = Callable[..., Any]

_BLOCK_BYTES = 2**24  # large beside the cost of a call, small beside any memory


class Elsewhere(Protocol):
    """Blocks that are not here: the function goes to them, and the results come back in order."""

    n: int  # columns of X

    def map(self, function: Callable[[Block, str], Parts], /) -> Iterator[Parts]:
        """Yield function(block, where), with the place of the block in words."""


Source = Iterable[Block] | Elsewhere


class Blocks:
    """X and y as blocks of rows; a memory map is read block by block, in every pass anew.

    ``np.load("X.npy", mmap_mode="r")`` and ``np.memmap`` give memory maps. A block is a view of
    one, so that the memory in use does not depend on N.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Design matrix, one data point a row. Neither an array nor a memory map is copied.
    y : array_like, shape (N,)
        Labels.
    sample_weight : array_like, shape (N,), optional
        Weights s_i >= 0.
    rows : int, optional
        Rows of a block; as many as fill 16 MiB with float64, if not given.

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type or shape. Values are checked when their block is used.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine import streaming
    >>> blocks = streaming.Blocks(np.ones((5, 1)), [0, 1, 1, 1, 0], rows=2)
    >>> [len(y) for _, y in blocks]
    [2, 2, 1]
    """

    def __init__(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        rows: int | None = None,
    ) -> None:
        matrix = _array("X", X)
        require_matrix(matrix.shape)
        if rows is None:
            rows = max(1, _BLOCK_BYTES // (8 * matrix.shape[1]))
        self.rows = arguments.count("rows", rows)
        self.arrays = [matrix]
        for name, column in columns(y, sample_weight).items():
            self.arrays.append(_array(name, column))
            require_length(name, self.arrays[-1].shape, matrix.shape)

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self._starts())

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks, from the first row on."""
        for start in self._starts():
            yield tuple(array[start : start + self.rows] for array in self.arrays)

    def _starts(self) -> range:
        return range(0, len(self.arrays[0]), self.rows)


@dataclass(frozen=True)
class Shown:
    """Blocks that show how far each pass is: ``Shown(blocks, tqdm.tqdm)``.

    Parameters
    ----------
    blocks : iterable of blocks
        Over which several passes can be made.
    progress : callable
        Wraps the blocks in each pass, such as ``tqdm.tqdm`` or ``rich.progress.track``.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine import streaming
    >>> blocks = streaming.Blocks(np.ones((5, 1)), [0, 1, 1, 1, 0], rows=2)
    >>> len(list(streaming.Shown(blocks, list)))
    3
    """

    blocks: Iterable[Block]
    progress: Callable[[Iterable[Block]], Iterable[Block]]

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks, and show it."""
        return iter(self.progress(self.blocks))


def total(function: BlockFunction, w: ArrayLike, blocks: Source, *direction: Any) -> Any:
    """Return sum_b function(w, X_b, y_b), the value of `function` on all rows together.

    Parameters
    ----------
    function : callable
        ``nll``, ``nll_gradient``, ``nll_and_gradient``, ``nll_hessian`` or ``nll_hvp`` of either
        room, or a function of the same arguments that is a sum over rows.
    w : array_like, shape (n,), or (K, n) for softmax
        Coefficients.
    blocks : iterable of (X_b, y_b) or (X_b, y_b, sample_weight_b), or distributed.Blocks
        One pass is made over it, so that it may be a generator, or be wrapped to show progress.
    *direction : array_like, shape of w
        The direction, for ``nll_hvp``.

    Returns
    -------
    What `function` returns: float64, float64 array, or a tuple of them

    Raises
    ------
    TypeError, ValueError
        As `function` does, with the block that is wrong; if there is no block or no weight > 0;
        for a sum beyond 1.8e308.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine import logistic, streaming
    >>> blocks = streaming.Blocks(np.ones((5, 1)), [0, 1, 1, 1, 0], rows=2)
    >>> streaming.total(logistic.nll_gradient, [0.0], blocks).tolist()
    [-0.5]
    """
    return add(parts(function, w, blocks, *direction))


def parts(
    function: BlockFunction, w: ArrayLike, blocks: Source, *direction: Any
) -> Iterator[Parts]:
    """Yield, for each block, its weight and the results of `function` on it.

    Parameters and errors are those of `total`.

    Examples
    --------
    >>> from reference_impl.engine import logistic, streaming
    >>> blocks = streaming.Blocks([[1.0], [3.0]], [0, 1], rows=1)
    >>> found = streaming.parts(logistic.nll_gradient, [0.0], blocks)
    >>> [float(result[0]) for _, result in found]
    [0.5, -1.5]
    """
    of_block = partial(_of_block, function, arguments.finite("w", w), direction)
    if _elsewhere(blocks):
        yield from blocks.map(of_block)
        return
    first_row = 0
    for index, block in enumerate(_iterated(blocks)):
        yield of_block(block, place(index, first_row))
        first_row += len(block[0])


def add(summands: Iterable[Parts]) -> Any:
    """Return the sum of what `parts` yields, without the weights, in the form of the function.

    Raises
    ------
    ValueError
        If there is no block or no weight > 0, and for a sum beyond 1.8e308.

    Examples
    --------
    >>> from reference_impl.engine import logistic, streaming
    >>> blocks = streaming.Blocks([[1.0], [3.0]], [0, 1], rows=1)
    >>> streaming.add(streaming.parts(logistic.nll_gradient, [0.0], blocks)).tolist()
    [-1.0]
    """
    try:
        weight, *results = sums.add(summands)
    except StopIteration:
        raise ValueError("blocks: expected at least one block, given none") from None
    if weight == 0:
        raise ValueError("sample_weight: expected at least one weight > 0, given all zero")
    for result in results:
        arguments.representable("the sum over the blocks", result)
    return tuple(results) if len(results) > 1 else results[0]


def column_names(X: Any) -> tuple[str, ...] | None:
    """Return the names of the columns of a table, None for what has none.

    Examples
    --------
    >>> import pandas as pd
    >>> from reference_impl.engine import streaming
    >>> streaming.column_names(pd.DataFrame({"one": [1.0], "x": [2.0]}))
    ('one', 'x')
    """
    return tuple(map(str, X.columns)) if hasattr(X, "columns") else None


def columns_of(blocks: Source) -> tuple[int, tuple[str, ...] | None]:
    """Return n and the names of the columns, from a look at the first of several blocks.

    Over the blocks several passes can be made.

    Raises
    ------
    TypeError, ValueError
        For blocks that allow one pass only, for none, and for what is no iterable.

    Examples
    --------
    >>> from reference_impl.engine import streaming
    >>> streaming.columns_of([([[1.0, 2.0]], [0])])
    (2, None)
    """
    if _elsewhere(blocks):
        return blocks.n, None
    if isinstance(blocks, Iterator):
        raise TypeError(
            f"blocks: expected blocks over which several passes can be made, such as a list or "
            f"Blocks, given {type(blocks).__name__}, which is empty after one"
        )
    for block in _iterated(blocks):
        X = _parts(block)[0]
        return int(arguments.design_matrix(X).shape[1]), column_names(X)
    raise ValueError("blocks: expected at least one block, given none")


def columns(y: Any, sample_weight: Any) -> dict[str, Any]:
    """Return what stands beside X, by name.

    Examples
    --------
    >>> from reference_impl.engine import streaming
    >>> streaming.columns([0, 1], None)
    {'y': [0, 1]}
    """
    return {"y": y} if sample_weight is None else {"y": y, "sample_weight": sample_weight}


def require_matrix(shape: tuple[int, ...]) -> None:
    """Refuse a shape of X that is not that of a matrix, or of an empty one.

    Examples
    --------
    >>> from reference_impl.engine import streaming
    >>> streaming.require_matrix((3, 1)) is None
    True
    """
    if len(shape) != 2 or 0 in shape:
        raise ValueError(
            f"X: expected a matrix of shape (N, n) with N >= 1 rows and n >= 1 columns, "
            f"given shape {shape}"
        )


def require_length(name: str, shape: tuple[int, ...], like: tuple[int, ...]) -> None:
    """Refuse the shape of a column that does not fit that of X.

    Examples
    --------
    >>> from reference_impl.engine import streaming
    >>> streaming.require_length("y", (2,), (3, 1))
    Traceback (most recent call last):
    ...
    ValueError: y: expected shape (3,) for X of shape (3, 1), given shape (2,)
    """
    if shape != like[:1]:
        raise ValueError(
            f"{name}: expected shape {like[:1]} for X of shape {like}, given shape {shape}"
        )


def place(index: int, first_row: int) -> str:
    """Say in words where a block is.

    Examples
    --------
    >>> from reference_impl.engine import streaming
    >>> streaming.place(1, 100)
    'in block 1 (from row 100)'
    """
    return f"in block {index} (from row {first_row})"


def _of_block(
    function: BlockFunction, w: Array, direction: tuple[Any, ...], block: Block, where: str
) -> Parts:
    """Return the weight of a block and the results of `function` on it; `where` is for errors."""
    try:
        X, y, s = _parts(block)
        weight = None if s is None else arguments.finite("sample_weight", s)
        absent = weight is not None and not weight.any()
        if absent:  # other blocks may have weight; the function would refuse, and checks the rest
            weight = np.ones_like(weight)
        result = quiet(function)(w, X, y, *direction, sample_weight=weight)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{error}, {where}") from error
    results = result if isinstance(result, tuple) else (result,)
    if absent:
        return np.float64(0), *(0 * value for value in results)
    return np.float64(len(y) if weight is None else weight.sum()), *results


def _elsewhere(blocks: Source) -> TypeGuard[Elsewhere]:
    return hasattr(blocks, "map") and not hasattr(blocks, "__iter__")


def _iterated(blocks: Any) -> Iterator[Block]:
    try:
        return iter(blocks)
    except TypeError:
        raise TypeError(
            f"blocks: expected an iterable of (X_b, y_b) or (X_b, y_b, sample_weight_b), "
            f"given {type(blocks).__name__}"
        ) from None


def _parts(block: Any) -> tuple[Any, Any, Any]:
    if not isinstance(block, tuple | list) or len(block) not in (2, 3):
        length = f" of length {len(block)}" if isinstance(block, tuple | list) else ""
        raise TypeError(
            f"blocks: expected (X_b, y_b) or (X_b, y_b, sample_weight_b), "
            f"given {type(block).__name__}{length}"
        )
    if isinstance(block[0], Real):
        raise TypeError(
            "blocks: expected (X_b, y_b) or (X_b, y_b, sample_weight_b), given a row of numbers: "
            "of a matrix X the labels y are missing"
        )
    return block[0], block[1], block[2] if len(block) == 3 else None


def _array(name: str, value: ArrayLike) -> AnyArray:
    return value if isinstance(value, np.ndarray) else arguments.real(name, value)
