"""Matrix notation, given its meaning entry by entry; shapes that disagree are refused.

A matrix expression is written and displayed as such. What it means is said by one function,
``entry``, which turns it into a term of the index calculus; whatever is proved of a matrix
expression is proved of its entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from derivations.language import terms
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Delta,
    Dimension,
    Index,
    ShapeError,
    Term,
    Written,
    term,
    total,
)

ONE = Dimension("1", "")
Shape = tuple[Dimension, Dimension]


class Matrix:
    """Operators shared by all matrix expressions; ``A * B`` is the entrywise product."""

    __slots__ = ()

    def __matmul__(self, other: Matrix) -> Matrix:
        left = self.factors if isinstance(self, Dot) else (self,)
        return Dot((*left, other))

    def __add__(self, other: Matrix) -> Matrix:
        left = self.parts if isinstance(self, Plus) else (self,)
        return Plus((*left, other))

    def __sub__(self, other: Matrix) -> Matrix:
        left = self.parts if isinstance(self, Plus) else (self,)
        return Plus((*left, Minus(other)))

    def __neg__(self) -> Matrix:
        return Minus(self)

    def __mul__(self, other: Matrix) -> Matrix:
        left = self.factors if isinstance(self, Hadamard) else (self,)
        return Hadamard((*left, other))

    def __rmul__(self, other: Term | int) -> Matrix:
        return Scaled(term(other), self)

    @property
    def T(self) -> Matrix:
        """The transpose."""
        return Transpose(self)


@dataclass(frozen=True)
class Whole(Matrix):
    """An array or a named quantity as a whole; ``first`` fixes its leading indices (a row)."""

    of: Array | Definition
    first: tuple[Index, ...] = ()

    def __post_init__(self) -> None:
        rest = len(self.of.dimensions) - len(self.first)
        if rest not in (1, 2):
            raise ShapeError(f"{self.of.name}: {rest} free dimensions are no vector or matrix")


@dataclass(frozen=True)
class Dot(Matrix):
    """The matrix product."""

    factors: tuple[Matrix, ...]

    def __post_init__(self) -> None:
        for left, right in zip(self.factors, self.factors[1:], strict=False):
            if shape(left)[1] != shape(right)[0]:
                raise ShapeError(
                    f"a product of {shown(shape(left))} and {shown(shape(right))}: "
                    f"{shape(left)[1].name} columns meet {shape(right)[0].name} rows"
                )


@dataclass(frozen=True)
class Plus(Matrix):
    """The sum of matrices of one shape."""

    parts: tuple[Matrix, ...]

    def __post_init__(self) -> None:
        same_shape("a sum", self.parts)


@dataclass(frozen=True)
class Minus(Matrix):
    """The negative of a matrix."""

    inner: Matrix


@dataclass(frozen=True)
class Scaled(Matrix):
    """A scalar times a matrix."""

    factor: Term
    inner: Matrix


@dataclass(frozen=True)
class Hadamard(Matrix):
    """The entrywise product of matrices of one shape."""

    factors: tuple[Matrix, ...]

    def __post_init__(self) -> None:
        same_shape("an entrywise product", self.factors)


@dataclass(frozen=True)
class Transpose(Matrix):
    """The transpose."""

    inner: Matrix


@dataclass(frozen=True)
class Diagonal(Matrix):
    """The diagonal matrix of a column vector."""

    vector: Matrix

    def __post_init__(self) -> None:
        if shape(self.vector)[1] != ONE:
            raise ShapeError(f"diag: expected a column, got {shown(shape(self.vector))}")


@dataclass(frozen=True)
class Ones(Matrix):
    """A column of ones."""

    dimension: Dimension


@dataclass(frozen=True)
class Each(Matrix):
    """A function of a scalar applied to every entry."""

    function: Definition
    inner: Matrix


@dataclass(frozen=True)
class Kronecker(Matrix):
    """The Kronecker product: its rows and its columns are pairs of indices."""

    left: Matrix
    right: Matrix


@dataclass(frozen=True)
class Total(Matrix):
    """The sum of matrices over an index."""

    index: Index
    inner: Matrix


@dataclass(frozen=True)
class Gradient(Matrix):
    """The derivatives of a scalar by every entry of an array, in the array's shape."""

    of: Term
    by: Array


@dataclass(frozen=True)
class Hessian(Matrix):
    """The second derivatives of a scalar by the entries of a vector, or of a matrix (in pairs)."""

    of: Term
    by: Array


@dataclass(frozen=True)
class Jacobian(Matrix):
    """The derivatives of a vector quantity (rows) by a vector (columns)."""

    of: Definition
    by: Array


def shape(matrix: Matrix) -> Shape:
    """Return rows and columns; a vector is a column."""
    match matrix:
        case Whole(of, first):
            rest = of.dimensions[len(first) :]
            return (rest[0], rest[1] if len(rest) == 2 else ONE)
        case Dot(factors):
            return shape(factors[0])[0], shape(factors[-1])[1]
        case Plus(parts) | Hadamard(parts):
            return shape(parts[0])
        case Minus(inner) | Scaled(_, inner) | Each(_, inner):
            return shape(inner)
        case Transpose(inner):
            rows, columns = shape(inner)
            return columns, rows
        case Diagonal(vector):
            return shape(vector)[0], shape(vector)[0]
        case Ones(dimension):
            return dimension, ONE
        case Gradient(_, by):
            return shape(Whole(by))
        case Hessian(_, by):
            rows = by.dimensions[0] if len(by.dimensions) == 1 else both(*by.dimensions)
            return rows, rows
        case Kronecker(left, right):
            return both(shape(left)[0], shape(right)[0]), both(shape(left)[1], shape(right)[1])
        case Total(_, inner):
            return shape(inner)
        case Jacobian(of, by):
            return of.dimensions[-1], by.dimensions[-1]
    raise TypeError(f"no shape for {type(matrix).__name__}")


def both(first: Dimension, second: Dimension) -> Dimension:
    """Return the dimension of pairs of indices."""
    return Dimension(f"{first.name} {second.name}", "")


def shown(pair: Shape) -> str:
    """Return a shape as text."""
    return f"{pair[0].name} x {pair[1].name}"


def same_shape(what: str, parts: Sequence[Matrix]) -> None:
    """Refuse parts of different shapes."""
    shapes = [shape(part) for part in parts]
    if len(set(shapes)) != 1:
        raise ShapeError(f"{what} of {' and '.join(map(shown, shapes))}: expected one shape")


def entry(matrix: Matrix, at: Sequence[Index] = ()) -> Term:
    """Return the entry of a matrix at a row and a column; a dimension of size one takes no index.

    Raises
    ------
    ShapeError
        When an index does not run over the dimension that it stands for.
    """
    match matrix:
        case Total(index, inner):
            if index in at:  # the row and the index of the sum have one letter
                apart = {i: Index(f"{i.name}\0", i.dimension) for i in at}
                return terms.reindex(
                    entry(matrix, tuple(apart.values())), {new: old for old, new in apart.items()}
                )
            return total(index, terms.rename_bound(entry(inner, at), frozenset({index})))
        case Kronecker(left, right):
            (a, k, b, l) = at
            return entry(left, (a, b)) * entry(right, (k, l))
        case Hessian(of, by) if len(by.dimensions) == 2:
            (a, k, b, l) = at
            return D(D(terms.rename_bound(of, frozenset(at)), by[a, k]), by[b, l])
    rows, columns = shape(matrix)
    wanted = tuple(d for d in (rows, columns) if d != ONE)
    terms.check_sorts("entry", wanted, tuple(at))
    places = list(at)
    row = places.pop(0) if rows != ONE else None
    column = places.pop(0) if columns != ONE else None
    return entry_at(matrix, row, column)


def entry_at(matrix: Matrix, row: Index | None, column: Index | None) -> Term:
    """Return the entry at a row and a column, where None stands for the only one."""
    here = tuple(i for i in (row, column) if i is not None)
    match matrix:
        case Whole(of, first):
            return of[(*first, *here)]
        case Dot(factors):
            if len(factors) == 1:
                return entry_at(factors[0], row, column)
            left, right = Dot(factors[:-1]), factors[-1]
            inner = shape(left)[1]
            if inner == ONE:
                return entry_at(left, row, None) * entry_at(right, None, column)
            return contracted(left, right, row, column, inner)
        case Plus(parts):
            return terms.Add(tuple(entry_at(p, row, column) for p in parts))
        case Minus(inner):
            return -entry_at(inner, row, column)
        case Scaled(factor, inner):
            return factor * entry_at(inner, row, column)
        case Hadamard(factors):
            return terms.Mul(tuple(entry_at(f, row, column) for f in factors))
        case Transpose(inner):
            return entry_at(inner, column, row)
        case Diagonal(vector):
            assert row is not None and column is not None
            return Delta(row, column) * entry_at(vector, row, None)
        case Ones():
            return term(1)
        case Each(function, inner):
            return function(entry_at(inner, row, column))
        case Gradient(of, by):
            return D(terms.rename_bound(of, frozenset(here)), by[here])
        case Hessian(of, by):
            assert row is not None and column is not None
            return D(D(terms.rename_bound(of, frozenset(here)), by[row]), by[column])
        case Jacobian(of, by):
            assert row is not None and column is not None
            return D(of[row], by[column])
    raise TypeError(f"no entries for {type(matrix).__name__}")


def contracted(
    left: Matrix, right: Matrix, row: Index | None, column: Index | None, inner: Dimension
) -> Term:
    """Return the sum over the inner index of a matrix product, under a fresh index."""
    nowhere = Index("", inner)
    before, after = entry_at(left, row, nowhere), entry_at(right, nowhere, column)
    here = frozenset(i for i in (row, column) if i is not None)
    index = inner.fresh(here | terms.all_indices(before) | terms.all_indices(after))
    return total(index, entry_at(left, row, index) * entry_at(right, index, column))


@dataclass(frozen=True)
class Scalar(Written):
    """A 1 x 1 matrix expression as a term; it means its entry."""

    matrix: Matrix

    @cached_property
    def meaning(self) -> Term:
        """The only entry of the matrix."""
        return entry(self.matrix)


def use_matrices(matrix: Matrix) -> list[Array | Definition]:
    """Return the arrays and named quantities that a matrix expression shows."""
    match matrix:
        case Whole(of, _):
            return [of]
        case Dot(parts) | Plus(parts) | Hadamard(parts):
            return [found for part in parts for found in use_matrices(part)]
        case Minus(inner) | Transpose(inner) | Diagonal(inner) | Scaled(_, inner) | Each(_, inner):
            return use_matrices(inner)
        case Kronecker(left, right):
            return use_matrices(left) + use_matrices(right)
        case Total(_, inner):
            return use_matrices(inner)
        case Gradient(_, by) | Hessian(_, by) | Jacobian(_, by):
            return [by]
    return []
