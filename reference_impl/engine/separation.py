"""Separation: whether a maximum likelihood estimate exists, decided exactly and proved.

Write the margin rows of the data as m_r: (2 y_i - 1) x_i for labels 0 and 1, and for classes
0..K-1 one row for each data point i and each wrong class a, m_ia.W = x_i.(w_{y_i} - w_a), with
w_0 = 0. The NLL never rises along a direction d with m_r.d >= 0 for every r. By Tucker's theorem
on systems of linear inequalities there are always d and multipliers lambda with

    m_r.d >= 0,    lambda_r >= 0,    sum_r lambda_r m_r = 0,    lambda_r + m_r.d > 0    for all r.

Because sum_r lambda_r (m_r.d) = 0, exactly one of lambda_r and m_r.d is positive. The rows with
lambda_r > 0 have margin zero along every direction that separates, so those with m_r.d > 0 are
all that can be separated. The pair (d, lambda) thus proves each of the three verdicts:

overlap (d = 0; Stiemke's lemma)
    sum_r lambda_r m_r = 0 with all lambda_r > 0: the NLL has a minimiser.
complete separation (lambda = 0; Gordan's theorem)
    all m_r.d > 0: the NLL falls to zero, which it never reaches.
quasi-complete separation
    the NLL falls to the minimum of what is left when the separated rows are taken away.

Let C be the cone of all directions without a negative margin and U its span: the directions along
which all rows with lambda_r > 0 have margin zero, because d lies inside C relative to them. Along
every sequence of weights whose NLL tends to its infimum the margins of the separated rows tend to
infinity, while the weights converge up to a vector of U. So coefficient k

- converges to the same value on every sequence ("finite") if u_k = 0 for every u in U;
- tends to +inf on every sequence ("+inf") if it is not finite and u_k >= 0 for every u in C: by
  the lemma of Farkas, u_k is then a combination with positive coefficients of margins m_r.u of
  separated rows;
- tends to -inf in the same way ("-inf") if u_k <= 0 for every u in C;
- otherwise goes wherever the sequence takes it ("undetermined").

Floating-point numbers are fractions with a power of two below, so everything is decided in
integers. A linear program in floating point says where to look; the pivots in integers that
follow end with a proof, however wrong the program was.

Sources: Albert and Anderson, Biometrika 71, 1984 (the three cases); Santner and Duffy, Biometrika
73, 1986 (classes, and what can be separated); Konis, Linear programming algorithms for detecting
separated data, Oxford 2007 (the linear program); Tucker, Dual systems of homogeneous linear
relations, 1956; Schrijver, Theory of Linear and Integer Programming, 1986, theorem 7.1 (the
pivots).
"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog

from reference_impl import arguments
from reference_impl.arguments import AnyArray, Array
from reference_impl.quiet import quiet

Integers = NDArray[np.object_]  # Python integers, which have no largest
Indices = NDArray[np.intp]

PATIENCE = 50  # pivots for each row of a basis before the rule that cannot run in circles
SMALL = 1000  # entries of the margin rows up to which pivots from anywhere beat a program


@dataclass(frozen=True, eq=False)
class Verdict:
    """Whether labels are separated, with the proof that `proves` checks.

    Attributes
    ----------
    kind : str
        "overlap", "quasi-complete" or "complete".
    direction : object array of int, shape (n,); for classes (K, n), its row 0 zero
        d, coprime: no margin is negative, and as many as possible are positive. Zero for overlap.
    multipliers : object array of int, shape (N,); for classes (N, K), zero at the class y_i
        lambda >= 0, coprime: sum_r lambda_r m_r = 0, and lambda_r > 0 exactly where the margin
        along d is zero. Points of weight zero have multiplier zero.
    separated : bool array, shape of `multipliers`
        Where the margin along d is positive.
    limits : str array, shape of `direction`
        What becomes of each coefficient (for classes, of w_a - w_0) as the NLL tends to its
        infimum: "finite", "+inf", "-inf" or "undetermined".

    Examples
    --------
    >>> from reference_impl.engine import separation
    >>> verdict = separation.binary([[-1.0], [1.0]], [0, 1])
    >>> verdict.kind, verdict.direction.tolist(), verdict.separated.tolist()
    ('complete', [1], [True, True])
    """

    kind: str
    direction: Integers
    multipliers: Integers
    separated: NDArray[np.bool_]
    limits: NDArray[np.str_]


class SeparationError(ValueError):
    """The data are separated, so that no maximum likelihood estimate exists.

    Attributes
    ----------
    direction : float64 array, shape (n,); for classes (K, n)
        The direction with largest entry 1, rounded.
    complete : bool
        Whether the separation is complete.
    verdict : Verdict or None
        The proof, in integers; None for blocks of data, whose margins along the direction are
        positive beyond rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.engine import separation
    >>> error = separation.SeparationError(np.array([1.0]), complete=True)
    >>> error.complete, error.direction.tolist()
    (True, [1.0])
    """

    def __init__(
        self, direction: Array, complete: bool, verdict: Verdict | None = None, note: str = ""
    ) -> None:
        self.direction, self.complete, self.verdict = direction, complete, verdict
        self._note = note
        kind, sign = ("completely", ">") if complete else ("quasi-completely", ">=")
        margin = "(2 y_i - 1) x_i.d" if direction.ndim == 1 else "x_i.(d_y - d_a)"
        shown = np.array2string(direction, precision=6, threshold=10, separator=", ")
        shown = " ".join(shown.split())
        fates = "" if verdict is None else f" {_fates(verdict.limits)}."
        super().__init__(
            f"the data are {kind} separated, so that no maximum likelihood estimate exists: "
            f"{margin} {sign} 0 for every data point with d = {shown}.{fates}{note} "
            f"Remedies: a penalty > 0, more data, fewer or other columns of X, or Firth's method"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Go from one process to another."""
        return type(self), (self.direction, self.complete, self.verdict, self._note)

    @classmethod
    def proved(cls, verdict: Verdict, note: str = "") -> "SeparationError":
        """Return the error that a verdict proves."""
        return cls(_unit(verdict.direction), verdict.kind == "complete", verdict, note)


class RankError(ValueError):
    """The columns of X are linearly dependent, so that no estimate is unique.

    Attributes
    ----------
    dependent : dict
        What `dependent_columns` returns.

    Examples
    --------
    >>> from reference_impl.engine import separation
    >>> X = [[1.0, 2.0], [3.0, 6.0]]
    >>> error = separation.RankError(separation.dependent_columns(X), (2, 2))
    >>> error.dependent
    {1: {0: Fraction(2, 1)}}
    """

    def __init__(self, dependent: dict[int, dict[int, Fraction]], shape: tuple[int, ...]) -> None:
        self.dependent, self._shape = dependent, shape
        relations = [
            f"column {j} = "
            + (" + ".join(f"{_short(c)} * column {k}" for k, c in terms.items()) or "0")
            for j, terms in dependent.items()
        ]
        super().__init__(
            f"X: expected linearly independent columns (rank {shape[1]}), given rank "
            f"{shape[1] - len(dependent)} for shape {shape}: {_listed(relations)}; the estimate "
            f"is not unique; drop dependent columns or use a penalty > 0"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Go from one process to another."""
        return type(self), (self.dependent, self._shape)


@quiet
def binary(X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> Verdict:
    """``logistic.no_mle_when_separable``: decide whether labels 0 and 1 are separated.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Design matrix; its columns may be dependent.
    y : array_like, shape (N,)
        Labels 0 and 1.
    sample_weight : array_like, shape (N,), optional
        Weights s_i >= 0: a point of weight zero does not take part, the others all count alike.

    Returns
    -------
    Verdict

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.engine import separation
    >>> separation.binary([[-1.0], [1.0]], [0, 1]).kind
    'complete'
    >>> separation.binary([[-1.0], [1.0], [-1.0]], [0, 1, 1]).kind
    'overlap'
    >>> separation.binary([[0.0], [1.0], [0.0]], [0, 1, 1]).kind
    'quasi-complete'
    """
    X = arguments.design_matrix(X)
    y = arguments.labels(y, X)
    rows = np.flatnonzero(arguments.weights(sample_weight, X))
    found = _decide((2 * y - 1)[rows, np.newaxis] * X[rows])
    verdict = Verdict(
        found.kind,
        found.direction,
        _spread(found.multipliers, (rows,), (len(X),)),
        _spread(found.separated, (rows,), (len(X),)),
        found.limits,
    )
    return _proved(X, y, verdict, rows)


@quiet
def multinomial(
    X: ArrayLike, y: ArrayLike, K: int, *, sample_weight: ArrayLike | None = None
) -> Verdict:
    """Decide whether labels 0..K-1 are separated: m_ia.W = x_i.(w_{y_i} - w_a), w_0 = 0.

    A class without data points is a class like the others: with a column of ones in X the data
    are then separated, because the weights that make it ever less likely cost nothing.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Design matrix; its columns may be dependent.
    y : array_like, shape (N,)
        Labels 0..K-1.
    K : int
        Number of classes, at least 2.
    sample_weight : array_like, shape (N,), optional
        Weights s_i >= 0: a point of weight zero does not take part, the others all count alike.

    Returns
    -------
    Verdict

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.engine import separation
    >>> separation.multinomial([[1.0], [1.0], [1.0]], [0, 1, 2], 3).kind
    'overlap'
    >>> separation.multinomial([[1.0], [1.0]], [0, 1], 3).kind
    'quasi-complete'
    """
    X = arguments.design_matrix(X)
    K = arguments.count("K", K, least=2)
    y = arguments.labels(y, X, K)
    rows = np.flatnonzero(arguments.weights(sample_weight, X))
    points, wrong = np.nonzero(np.arange(K) != y[rows, np.newaxis])
    points = rows[points]
    # The difference of two unit vectors, without the coordinate of class 0.
    unit = np.eye(K)
    classes = (unit[y[points]] - unit[wrong])[:, 1:]
    M = (classes[:, :, np.newaxis] * X[points, np.newaxis, :]).reshape(len(points), -1)
    found = _decide(M)
    shape, pairs = (K - 1, X.shape[1]), (points, wrong)
    verdict = Verdict(
        found.kind,
        np.vstack([np.zeros(X.shape[1], dtype=object), found.direction.reshape(shape)]),
        _spread(found.multipliers, pairs, (len(X), K)),
        _spread(found.separated, pairs, (len(X), K)),
        np.vstack([np.full(X.shape[1], "finite"), found.limits.reshape(shape)]),
    )
    return _proved(X, y, verdict, rows)


def require_overlap(X: ArrayLike, y: ArrayLike, K: int | None = None) -> None:
    """``logistic.no_mle_when_separable``: refuse labels that are separated.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Design matrix.
    y : array_like, shape (N,)
        Labels 0 and 1; with K, labels 0..K-1.
    K : int, optional
        Number of classes, at least 2.

    Raises
    ------
    SeparationError
        If no maximum likelihood estimate exists.
    TypeError, ValueError
        For arguments of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.engine import separation
    >>> separation.require_overlap([[-1.0], [1.0], [-1.0]], [0, 1, 1]) is None
    True
    """
    verdict = binary(X, y) if K is None else multinomial(X, y, K)
    if verdict.kind != "overlap":
        absent = [f"class {a} has no data" for a in range(K or 0) if not np.any(np.equal(y, a))]
        raise SeparationError.proved(verdict, f" {_listed(absent)}." if absent else "")


def dependent_columns(X: ArrayLike) -> dict[int, dict[int, Fraction]]:
    """Return which columns of X depend on those before them: x_j = sum_k c_jk x_k, exactly.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Design matrix.

    Returns
    -------
    dict
        For each dependent column j the coefficients c_jk that are not zero, by k < j; all k are
        columns that do not depend on earlier ones. The rank of X is n minus the number of keys.

    Raises
    ------
    TypeError, ValueError
        For an argument of a wrong type or shape.

    Examples
    --------
    >>> from reference_impl.engine import separation
    >>> separation.dependent_columns([[1.0, 2.0], [3.0, 6.0]])
    {1: {0: Fraction(2, 1)}}
    >>> separation.dependent_columns([[1.0, 0.0], [0.0, 1.0]])
    {}
    """
    rows, scale = _integers(arguments.design_matrix(X))
    space = _span(rows)
    return {
        j: {
            k: Fraction(-space.dual[k, j], space.dual[j, j])
            * Fraction(2) ** int(scale[j] - scale[k])
            for k in sorted(space.basis)
            if space.dual[k, j]
        }
        for j in space.free
    }


def require_full_rank(X: ArrayLike) -> None:
    """Refuse a design matrix whose columns are linearly dependent, exactly.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Design matrix.

    Raises
    ------
    RankError
        If a column depends on others.
    TypeError, ValueError
        For an argument of a wrong type or shape.

    Examples
    --------
    >>> from reference_impl.engine import separation
    >>> separation.require_full_rank([[1.0, 0.0], [0.0, 1.0]]) is None
    True
    """
    X = arguments.design_matrix(X)
    dependent = dependent_columns(X)
    if dependent:
        raise RankError(dependent, X.shape)


@quiet
def proves(
    X: ArrayLike, y: ArrayLike, verdict: Verdict, *, sample_weight: ArrayLike | None = None
) -> bool:
    """Whether direction and multipliers prove the kind of a verdict, in exact arithmetic.

    It follows the definition and shares no code with the search. `limits` are not looked at.

    Parameters
    ----------
    X : array_like, shape (N, n)
        Design matrix.
    y : array_like, shape (N,)
        Labels 0..K-1, with K = 2 if the direction is a vector.
    verdict : Verdict
        What is to be proved.
    sample_weight : array_like, shape (N,), optional
        Weights s_i >= 0.

    Returns
    -------
    bool

    Raises
    ------
    TypeError, ValueError
        For arguments of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.engine import separation
    >>> X, y = [[-1.0], [1.0]], [0, 1]
    >>> verdict = separation.binary(X, y)
    >>> separation.proves(X, y, verdict), separation.proves(X, [1, 0], verdict)
    (True, False)
    """
    X = arguments.design_matrix(X)
    if not isinstance(verdict, Verdict):
        raise TypeError(f"verdict: expected a Verdict, given {type(verdict).__name__}")
    shape = len(verdict.multipliers), verdict.direction.shape[-1]
    if shape != X.shape:
        raise ValueError(
            f"verdict: expected one on X of shape {X.shape}, given one on a shape {shape}"
        )
    y = arguments.labels(y, X, len(verdict.direction) if verdict.direction.ndim == 2 else 2)
    taking_part = np.flatnonzero(arguments.weights(sample_weight, X))
    return _proves(X, y, verdict, taking_part)


# ------------------------------------------------------------------------------- the check


def _proves(X: Array, y: NDArray[np.int64], verdict: Verdict, taking_part: Indices) -> bool:
    W, multipliers = verdict.direction, verdict.multipliers
    if W.ndim == 1:  # two classes, class 0 with weights zero
        W = np.vstack([np.zeros(len(W), dtype=object), W])
        multipliers = multipliers[:, np.newaxis] * np.ones((1, 2), dtype=object)
    K, n = W.shape
    # Denominators are powers of two: in units of the smallest fraction all floats are integers.
    fractions = [[value.as_integer_ratio() for value in row] for row in X.tolist()]
    unit = max(denominator for row in fractions for _, denominator in row)
    total = [[0] * n for _ in range(K)]
    margins = []
    for i in taking_part.tolist():
        x = [numerator * (unit // denominator) for numerator, denominator in fractions[i]]
        z = [sum(map(int.__mul__, x, row)) for row in W.tolist()]
        for a in range(K):
            if a != y[i]:
                margin, multiplier = z[y[i]] - z[a], multipliers[i, a]
                margins.append(margin)
                # One of them is zero and the other is positive.
                if margin * multiplier != 0 or not margin + multiplier > 0:
                    return False
                if multiplier:
                    for k in range(n):
                        total[y[i]][k] += multiplier * x[k]
                        total[a][k] -= multiplier * x[k]
    if any(map(any, total)):
        return False
    if not any(margins):
        return verdict.kind == "overlap"
    return verdict.kind == ("complete" if all(margins) else "quasi-complete")


def _proved(X: Array, y: NDArray[np.int64], verdict: Verdict, taking_part: Indices) -> Verdict:
    assert _proves(X, y, verdict, taking_part), "the proof of a verdict on separation is wrong"
    return verdict


# ------------------------------------------------------------------------------ the search


@dataclass(frozen=True)
class _Space:
    """Linearly independent rows a_h and the dual vectors c_h: a_h.c_h = 1 and a_j.c_h = 0.

    Attributes
    ----------
    dual : object array of int, shape (n, n)
        det times c_h in column h of `basis`; in a free column a vector that all rows annihilate.
    det : int
        The determinant of the basis up to sign, positive.
    basis : dict
        The number of the row a_h, by h.
    free : list of int
        The other columns.
    """

    dual: Integers
    det: int
    basis: dict[int, int]
    free: list[int]


@dataclass(frozen=True, eq=False)
class _Rows:
    """Margin rows in integers, and the same in floats with largest entry 1."""

    exact: Integers
    floats: Array


def _decide(M: Array) -> Verdict:
    """Return the verdict on the margin rows M (R x n)."""
    exact, scale = _integers(M)
    rows = _rows(exact)
    direction, multipliers, tied = _complementary(rows)
    separated = multipliers == 0
    if _bits(direction) > 4:  # a direction in few digits may serve as well
        shorter = _widest(rows, tied, np.flatnonzero(separated))
        if shorter is not None and _bits(shorter) < _bits(direction):
            direction = shorter
    held, apart = exact[list(tied.basis.values())], np.flatnonzero(separated)
    for k in np.argsort(np.abs(direction)):  # what is not needed is zero
        without = np.where(np.arange(len(direction)) == k, 0, direction)
        if not (held @ without).any() and (_signs(rows, without, apart) > 0).all():
            direction = without
    powers = [1 << int(shift) for shift in scale.max() - scale]
    return Verdict(
        "complete" if separated.all() else "quasi-complete" if separated.any() else "overlap",
        _coprime(direction * np.array(powers, dtype=object)),
        multipliers,
        separated,
        _limits(rows, tied, direction, np.flatnonzero(separated)),
    )


def _complementary(rows: _Rows) -> tuple[Integers, Integers, _Space]:
    """Return d, lambda > 0 just where the margin along d is zero, and a basis of those rows.

    Each round separates more rows from the rest, until the rest can be balanced. If the program
    saw well, it has done all of the first, and named the rows that balance the rest.
    """
    exact = rows.exact
    rest, separated = np.arange(len(exact)), np.arange(0)
    if exact.size > SMALL:
        rest, separated = _parted(rows.floats)
    nothing, space = _span(exact, ()), _span(exact, rest)
    direction = _widest(rows, space, separated)
    if direction is None:
        direction = np.zeros(exact.shape[1], dtype=object)
        rest, space = np.append(rest, separated), _span(exact, separated, space)
    multipliers = np.zeros(len(exact), dtype=object)
    while len(rest):
        missing = -exact[rest].sum(axis=0)
        space, further = _alternative(rows, rest, missing, nothing, space)
        if further is None:  # all rows, and more of those in the basis, add up to zero
            multipliers[rest] = space.det
            added = missing @ space.dual
            for h, row in space.basis.items():
                multipliers[row] += added[h]
            break
        direction = _far_along(rows, direction, further)
        rest = rest[_signs(rows, further, rest) == 0]
        space = _span(exact, rest)
    return direction, _coprime(multipliers), space


def _alternative(
    rows: _Rows, among: Indices, b: Integers, held: _Space, space: _Space
) -> tuple[_Space, Integers | None]:
    """Decide whether b, in the span of the rows, is a combination of them with no coefficient < 0.

    The rows of the basis `held` may have any coefficient; `space` holds them and others. Return a
    basis in which b is such a combination; or a direction c with c.m_r >= 0 for all rows `among`,
    zero for those held, and c.b < 0. The rows of the basis are exchanged one at a time (Schrijver,
    theorem 7.1), at first where most is gained; the rule of the smallest index, which comes later,
    cannot run in circles.
    """
    greedy = PATIENCE * len(space.basis)
    for pivot in itertools.count():
        if pivot == 10:  # the start was a bad one: ask for a better one, once
            _, order = _optimum(rows.floats[among], _unit(b))
            space = _span(rows.exact, among[order], held)
        coefficients = b @ space.dual
        leaving = [h for h in space.basis if coefficients[h] < 0 and h not in held.basis]
        if not leaving:
            break
        key = coefficients.__getitem__ if pivot < greedy else space.basis.__getitem__
        h = min(leaving, key=key)
        c = space.dual[:, h]
        violated = among[_signs(rows, c, among) < 0]
        if len(violated) == 0:
            return space, c
        entering = violated[(rows.floats[violated] @ _unit(c)).argmin()]
        row = int(entering if pivot < greedy else violated.min())
        space = _exchange(space, h, row, rows.exact)
    return space, None


def _span(
    exact: Integers, among: Iterable[int] | None = None, start: _Space | None = None
) -> _Space:
    """Return the first independent rows. The columns of the basis are the first independent ones.

    Start from the unit vectors, which are a basis dual to itself, and let rows take their place;
    or from a space that has rows already.
    """
    n = exact.shape[1]
    space = start or _Space(np.eye(n, dtype=int).astype(object), 1, {}, list(range(n)))
    for row in range(len(exact)) if among is None else among:
        if not space.free:
            break
        products = exact[row] @ space.dual[:, space.free]
        entering = next((h for h, p in zip(space.free, products, strict=True) if p), None)
        if entering is not None:
            space = _exchange(space, entering, int(row), exact)
    return space


def _exchange(space: _Space, h: int, row: int, exact: Integers) -> _Space:
    """Let a row take the place h in the basis; all divisions leave no remainder (Edmonds 1967)."""
    products = exact[row] @ space.dual
    dual = (products[h] * space.dual - np.multiply.outer(space.dual[:, h], products)) // space.det
    dual[:, h] = space.dual[:, h]
    sign = 1 if products[h] > 0 else -1
    free = [j for j in space.free if j != h]
    return _Space(sign * dual, sign * products[h], {**space.basis, h: row}, free)


def _signs(rows: _Rows, c: Integers, among: Indices) -> NDArray[np.int64]:
    """Return the sign of m_r.c for the rows `among`, exactly: in integers where floats may err."""
    unit, floats = _unit(c), rows.floats[among]
    values = floats @ unit
    # Entries are right to half an ulp each, so is every product and every sum.
    error = (len(c) + 4) * np.finfo(float).eps * (np.abs(floats) @ np.abs(unit)) + 1e-300
    signs = np.sign(values).astype(np.int64)
    for place in np.flatnonzero(np.abs(values) <= error):
        value = rows.exact[among[place]] @ c
        signs[place] = (value > 0) - (value < 0)
    return signs


def _far_along(rows: _Rows, direction: Integers, more: Integers) -> Integers:
    """Return 2^q direction + more, with q so large that no margin > 0 along direction is lost."""
    old, new = rows.exact @ direction, rows.exact @ more
    q = max((abs(b) // a for a, b in zip(old, new, strict=True) if a > 0), default=0).bit_length()
    return _coprime(direction * (1 << q) + more)


def _limits(rows: _Rows, tied: _Space, direction: Integers, separated: Indices) -> NDArray[np.str_]:
    """Return what becomes of each coefficient; `direction` lies inside the cone C.

    If u_k has one sign on C, it is that of direction_k; by the lemma of Farkas it has it just if
    the unit vector with this sign is a combination of the rows with no coefficient < 0.
    """
    n, everything = len(direction), np.arange(len(rows.exact))
    cone = _Cone(rows, direction, separated, _even(tied), _span(rows.exact, separated, tied))
    space, near, small = cone.space, _nearest(cone), rows.exact.size <= SMALL
    limits = np.full(n, "undetermined")
    for k in range(n):
        if not cone.U[k].any():
            limits[k] = "finite"
        # Along what X itself annihilates a coefficient can go to either side.
        elif direction[k] and not cone.space.dual[k, cone.space.free].any():
            unit = np.zeros(n, dtype=object)
            unit[k] = 1 if direction[k] > 0 else -1
            signed, near = (None, near) if small else _seen(cone, unit, near)
            if signed is None:
                space = space if small else _span(rows.exact, separated[near], tied)
                space, against = _alternative(rows, everything, unit, tied, space)
                signed = against is None
            if signed:
                limits[k] = "+inf" if direction[k] > 0 else "-inf"
    return limits


@dataclass(frozen=True, eq=False)
class _Cone:
    """The cone C of the directions without a negative margin.

    Attributes
    ----------
    rows : _Rows
    direction : object array of int
        d, inside C.
    separated : array of int
        The numbers of the rows with a positive margin along d; the others are zero on C.
    U : object array of int
        Columns that span what C spans.
    space : _Space
        With a basis of all rows; as few as possible of them are separated.
    """

    rows: _Rows
    direction: Integers
    separated: Indices
    U: Integers
    space: _Space


def _holds(cone: _Cone, b: Integers, among: Indices, coefficients: Array) -> bool:
    """Whether b, in the span of the rows, is proved to be a combination with no coefficient < 0.

    Those that are given for the rows `among` need not be exact: the rows of the basis make up for
    what is missing. Tied rows may get any coefficient, since positive multiples of them add up to
    zero.
    """
    rows = among[coefficients > 0]
    sizes = np.abs(cone.rows.exact[rows]).max(axis=1, initial=1)
    bits = int(sizes.max(initial=1)).bit_length()
    digits = [int(c) << bits for c in np.ldexp(coefficients[coefficients > 0], 64).tolist()]
    found = (np.array(digits, dtype=object) // sizes) @ cone.rows.exact[rows]
    missing = ((b << 64 + bits) - found) @ cone.space.dual
    separated = set(cone.separated.tolist())
    return all(missing[h] >= 0 for h, row in cone.space.basis.items() if row in separated)


# --------------------------------------------------------- where to look, in floating point


def _parted(M: Array) -> tuple[Indices, Indices]:
    """Return the rows that no direction separates, in the order of `_optimum`, and the others."""
    tied = np.arange(len(M))
    while len(tied):
        d, order = _optimum(M[tied], -M[tied].sum(axis=0))
        tied = tied[order]
        rest = tied[M[tied] @ d < 1e-7]  # an error that the program allows
        if len(rest) == len(tied):
            break
        tied = rest
    return tied, np.setdiff1d(np.arange(len(M)), tied)


def _optimum(M: Array, b: Array) -> tuple[Array, Indices]:
    """Return d with the least b.d, M d >= 0 and |d_k| <= 1, and the rows in order of importance.

    Those that hold the optimum in its place come first, by their dual variables. If it is d = 0,
    b is a combination of them. With b = -sum_r m_r this is the program of Konis.
    """
    R, n = M.shape
    program = linprog(b, A_ub=-M, b_ub=np.zeros(R), bounds=(-1, 1), method="highs")
    if program.status != 0:
        return np.zeros(n), np.arange(R)
    return program.x, np.lexsort((M @ program.x, program.ineqlin.marginals))


def _widest(rows: _Rows, tied: _Space, separated: Indices) -> Integers | None:
    """Return a direction with a wide gap in few digits that separates these rows, if one is seen.

    It is the one with max t over m_r.d >= t and d = U g with |g_k| <= 1, where U spans what the
    tied rows annihilate, in as few digits as keep the gap open.
    """
    U = _even(tied)
    margins = rows.floats[separated] @ _unit(U)
    R, n = margins.shape
    if R == 0 or n == 0:
        return None
    program = linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=np.hstack([-margins, np.ones((R, 1))]),
        b_ub=np.zeros(R),
        bounds=(-1, 1),
        method="highs",
    )
    for bits in (4, 8, 16, 32, 53) if program.status == 0 else ():
        direction = U @ _digits(program.x[:n], bits)
        if (_signs(rows, direction, separated) > 0).all():
            return _coprime(direction)
    return None


def _nearest(cone: _Cone) -> Indices:
    """Return the places among the separated rows of those next to d, and of those in the basis."""
    margins = cone.rows.floats[cone.separated] @ _unit(cone.direction)
    held = np.isin(cone.separated, list(cone.space.basis.values()))
    return np.union1d(np.argsort(margins)[: 5 * len(cone.direction)], np.flatnonzero(held))


def _seen(cone: _Cone, b: Integers, near: Indices) -> tuple[bool | None, Indices]:
    """Decide whether b.u >= 0 for every u in C, where b.d > 0; None if it cannot be seen.

    Let p be the sum of the separated rows of the basis and v the least b.u over the u in C with
    p.u = 1. If v < 0, then u attains it and lies in C up to rounding, which a multiple of d makes
    up for. If v > 0, then b - v p is a combination of rows up to rounding, which v p makes up for.
    What is returned has been checked in integers. At v = 0 the two answers touch.

    Of the separated rows only those at the places `near` take part, until others are violated;
    the places are returned with these, in the order of importance.
    """
    U, n = cone.U, cone.U.shape[1]
    M = cone.rows.floats[cone.separated] @ _unit(U)
    held = np.isin(cone.separated, list(cone.space.basis.values()))
    while True:
        program = linprog(
            _unit(U).T @ b.astype(float),
            A_ub=-M[near],
            b_ub=np.zeros(len(near)),
            A_eq=M[held].sum(axis=0)[np.newaxis],
            b_eq=[1.0],
            bounds=(None, None),
            method="highs",
        )
        if program.status != 0:
            return None, near
        weights = -program.ineqlin.marginals
        if program.fun > 0 and _holds(cone, b, cone.separated[near], weights):
            return True, near
        u = U @ _digits(program.x / np.abs(program.x).max(), 53)
        inside = (b @ cone.direction) * 2 * u + abs(b @ u) * cone.direction
        if b @ inside < 0 and (_signs(cone.rows, inside, cone.separated) >= 0).all():
            return False, near
        margins = M @ program.x
        near = near[np.lexsort((margins[near], -weights))]
        worst = np.argsort(margins)[: 2 * n]
        violated = worst[margins[worst] < -1e-9 * np.abs(program.x).max()]
        more = np.setdiff1d(violated, near)
        if len(more) == 0:
            return None, near
        near = np.append(near, more)


def _digits(values: Array, bits: int) -> Integers:
    """Return values 2^bits, rounded to integers."""
    return np.array([int(v) for v in np.rint(np.ldexp(values, bits)).tolist()], dtype=object)


def _even(space: _Space) -> Integers:
    """Return columns that span what all rows of a space annihilate, alike in size."""
    U = space.dual[:, space.free]
    bits = np.array([int(size).bit_length() for size in np.abs(U).max(axis=0, initial=0)], int)
    return U << (bits.max(initial=0) - bits).astype(object)


# ------------------------------------------------------------------------- numbers and words


def _integers(M: Array) -> tuple[Integers, NDArray[np.int64]]:
    """Return M 2^-scale_k 2^q in integers; the powers of two make all columns alike in size."""
    mantissa, exponent = np.frexp(M)
    digits = np.ldexp(mantissa, 53).astype(np.int64)
    exponent = exponent.astype(np.int64) - 53
    zero = digits == 0
    trailing = np.frexp((digits & -digits).astype(float))[1].astype(np.int64) - 1
    trailing[zero] = 0
    scale = exponent.max(axis=0, where=~zero, initial=-1126)  # that of the smallest float
    scale[zero.all(axis=0)] = 0
    shift = exponent + trailing - scale
    least = shift[~zero].min(initial=0)
    shift[zero] = least
    return (digits >> trailing).astype(object) << (shift - least).astype(object), scale + 53


def _rows(exact: Integers) -> _Rows:
    largest = np.abs(exact).max(axis=1, initial=1)
    return _Rows(exact, (exact / largest[:, np.newaxis]).astype(float))


def _unit(c: Integers) -> Array:
    """Return c in floats, divided by its largest entry."""
    return (c / np.abs(c).max(initial=1)).astype(float)


def _bits(values: Integers) -> int:
    return int(np.abs(values).max(initial=0)).bit_length()


def _coprime(values: Integers) -> Integers:
    return values // max(1, math.gcd(*values))


def _spread(values: AnyArray, places: tuple[Indices, ...], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return zeros of a shape with values at places."""
    whole = np.zeros(shape, dtype=values.dtype)
    whole[places] = values
    return whole


def _fates(limits: NDArray[np.str_]) -> str:
    """Say which coefficients are infinite."""
    name = "w" if limits.ndim == 1 else "W"
    found = [
        f"{name}[{', '.join(map(str, place))}] to {limit}"
        for place, limit in np.ndenumerate(limits)
        if limit in ("+inf", "-inf")
    ]
    if not found:
        return "No single coefficient has to be infinite, but some do"
    relative = "" if limits.ndim == 1 else " (relative to class 0)"
    return f"Infinite coefficients{relative}: {_listed(found)}"


def _short(c: Fraction) -> str:
    return f"{Decimal(c.numerator) / c.denominator:.6g}"


def _listed(items: list[str], most: int = 8) -> str:
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more
