"""NLL, gradient, Hessian and Hessian-vector product against three oracles that share nothing.

The oracles: plain loops at 50 digits; differences of the plain-loop NLL, extrapolated by
Richardson; the derived statement at 50 digits. Tolerances: with exact z the error of p is 2 to 4
ulp, of a sum of N <= 5 products less than 8; full-mantissa designs add the rounding of z = X w.
"""

import compare
import derived
import designs
import loops
import numpy as np
import pytest
import vectors
from hypothesis import given, strategies as st
from rooms import WithoutNumba

from reference_impl import logistic as reference, sigmoid
from reference_impl.engine import logistic as engine, streaming

each_room = pytest.mark.parametrize(
    "room",
    [reference, engine, WithoutNumba(engine)],
    ids=["reference", "engine", "engine without numba"],
)
each_design = pytest.mark.parametrize("design", designs.LOGISTIC, ids=str)
unweighted = pytest.mark.parametrize(
    "design", [design for design in designs.LOGISTIC if design.s is None], ids=str
)


def verify(statement, oracle, design, actual, expected):
    if getattr(design, "s", None) is not None:
        statement = "logistic.weighted"
    compare.check(actual, expected, statement=statement, oracle=oracle, case=str(design), ulp=16)


def arguments(design):
    return design.w, design.X, design.y


def loop(design, function, *more):
    return loops.at(design.digits, function, *arguments(design), *more, design.s)


def differences(design, function, *more):
    return loops.differences(design.digits, function, (*arguments(design), *more, design.s), 0)


def statement(design, name, chain=0, **more):
    arrays = {"w": design.w, "X": design.X, "y": design.y, **more}
    return derived.table(f"logistic.{name}", arrays, digits=design.digits, chain=chain)


@each_design
@each_room
def test_nll(room, design):
    actual = room.nll(*arguments(design), sample_weight=design.s)
    verify("logistic.nll", "loops", design, actual, loop(design, loops.logistic_nll))


@unweighted
@each_room
def test_nll_derived(room, design):
    verify(
        "logistic.nll",
        "50 digits",
        design,
        room.nll(*arguments(design)),
        statement(design, "nll"),
    )


@each_design
@each_room
def test_nll_gradient(room, design):
    actual = room.nll_gradient(*arguments(design), sample_weight=design.s)
    name = "logistic.nll_gradient"
    verify(name, "loops", design, actual, loop(design, loops.logistic_nll_gradient))
    verify(name, "differences", design, actual, differences(design, loops.logistic_nll))


@unweighted
@each_room
def test_nll_gradient_derived(room, design):
    actual = room.nll_gradient(*arguments(design))
    verify("logistic.nll_gradient", "50 digits", design, actual, statement(design, "nll_gradient"))


@each_design
@each_room
def test_nll_hessian(room, design):
    actual = room.nll_hessian(*arguments(design), sample_weight=design.s)
    name = "logistic.nll_hessian"
    verify(name, "loops", design, actual, loop(design, loops.logistic_nll_hessian))
    verify(name, "differences", design, actual, differences(design, loops.logistic_nll_gradient))
    compare.same(actual, np.ascontiguousarray(actual.T))


@unweighted
@each_room
def test_nll_hessian_derived(room, design):
    actual = room.nll_hessian(*arguments(design))
    verify("logistic.nll_hessian", "50 digits", design, actual, statement(design, "nll_hessian"))


@each_design
@each_room
def test_nll_hvp(room, design):
    directions = [design.v, *np.eye(len(design.w))]
    for v in directions:
        actual = room.nll_hvp(*arguments(design), v, sample_weight=design.s)
        verify("logistic.nll_hvp", "loops", design, actual, loop(design, loops.logistic_nll_hvp, v))


@unweighted
@each_room
def test_nll_hvp_derived(room, design):
    actual = room.nll_hvp(*arguments(design), design.v)
    expected = statement(design, "nll_hvp", v=design.v)
    verify("logistic.nll_hvp", "50 digits", design, actual, expected)


@each_design
@each_room
def test_value_and_gradient_are_those_of_the_single_functions(room, design):
    value, gradient = room.nll_and_gradient(*arguments(design), sample_weight=design.s)
    compare.same(value, room.nll(*arguments(design), sample_weight=design.s))
    compare.same(gradient, room.nll_gradient(*arguments(design), sample_weight=design.s))


@unweighted
@each_room
def test_residual(room, design):
    """Residual, loss and variance, each entry in its own ulp where the logits are exact."""
    z = design.X @ design.w
    variance = [room.nll_hessian([t], [[1.0]], [0])[0, 0] for t in z]
    for chain, actual in enumerate(
        [sigmoid.residuals(z, design.y), sigmoid.losses(z, design.y), np.array(variance)]
    ):
        compare.check(
            actual,
            statement(design, "residual", chain),
            statement="logistic.residual",
            oracle="50 digits",
            case=str(design),
            ulp=8,
            entrywise=True,
        )


@unweighted
@each_room
def test_blocks(room, design):
    """Value, gradient, Hessian and Hessian-vector product as sums over blocks of two rows."""
    w, X, y = arguments(design)
    blocks = streaming.Blocks(X, y, rows=2)
    value, gradient = streaming.total(room.nll_and_gradient, w, blocks)
    hessian = streaming.total(room.nll_hessian, w, blocks)
    product = streaming.total(room.nll_hvp, w, blocks, design.v)
    member = (np.arange(len(X)) // 2 == np.arange(len(blocks))[:, np.newaxis]) * 1.0
    for chain, actual in enumerate([value, gradient, hessian, product]):
        expected = statement(design, "blocks", chain, v=design.v, member=member)
        verify("logistic.blocks", "50 digits", design, actual, expected)


@unweighted
@each_room
def test_column_scaling(room, design):
    """Logits, gradient and Hessian in other units; the factors are powers of two, hence exact."""
    scale = 2.0 ** np.array([-1, 3, 0, 2])[: len(design.w)]
    X, u = design.X * scale, design.w / scale
    for chain, actual in enumerate(
        [X @ u, room.nll_gradient(u, X, design.y), room.nll_hessian(u, X, design.y)]
    ):
        expected = statement(design, "column_scaling", chain, c=scale, u=u)
        verify("logistic.column_scaling", "50 digits", design, actual, expected)


STATEMENTS = ("nll", "nll_gradient", "nll_hessian", "nll_hvp")


@pytest.mark.parametrize(
    "vector", vectors.load(*(f"logistic.{name}" for name in STATEMENTS)), ids=str
)
@each_room
def test_vectors(room, vector):
    function = getattr(room, vector.statement.split(".")[1])
    vector.check(function(**vector.input), ulp=16)


def soft(function, w, X, y):
    """Both are linear in the weights: a label y is the labels 0 and 1, weighted 1 - y and y."""
    zero, one = ([function(w, [x], [label]) for x in X] for label in (0, 1))
    return sum((1 - y_i) * a + y_i * b for y_i, a, b in zip(y, zero, one, strict=True))


@each_room
@pytest.mark.parametrize("N, n", [(1, 2), (2, 3), (5, 3), (3, 3)])
def test_soft_labels(room, N, n):
    """Labels outside [0, 1] and of any sum, so that no use of y in {0, 1} passes."""
    rng = np.random.default_rng(10 * N + n)
    w, X, y = designs.eighths(rng, n), designs.eighths(rng, N, n), designs.eighths(rng, N)
    digits, case = 80, f"soft labels N={N} n={n}"
    for name, loop in [
        ("nll", loops.logistic_nll),
        ("nll_gradient", loops.logistic_nll_gradient),
    ]:
        actual = soft(getattr(room, name), w, X, y)
        verify(f"logistic.{name}", "loops", case, actual, loops.at(digits, loop, w, X, y))


@each_room
@pytest.mark.parametrize("N, n", [(1, 2), (2, 3), (5, 3), (3, 3)])
def test_soft_labels_derived(room, N, n):
    rng = np.random.default_rng(10 * N + n)
    w, X, y = designs.eighths(rng, n), designs.eighths(rng, N, n), designs.eighths(rng, N)
    for name in ("nll", "nll_gradient"):
        expected = derived.table(f"logistic.{name}", {"w": w, "X": X, "y": y}, digits=80)
        actual = soft(getattr(room, name), w, X, y)
        verify(f"logistic.{name}", "50 digits", f"soft labels N={N} n={n}", actual, expected)


@each_room
def test_hand_worked(room):
    """x = (1, 2), w = 0, y = 1: p = 1/2, NLL = log 2, gradient -x/2, Hessian x x^T / 4."""
    data = [0.0, 0.0], [[1.0, 2.0]], [1]
    log2 = "0.693147180559945309417232121458"
    for name, actual, expected in [
        ("logistic.nll", room.nll(*data), log2),
        ("logistic.nll_gradient", room.nll_gradient(*data), [-0.5, -1.0]),
        ("logistic.nll_hessian", room.nll_hessian(*data), [[0.25, 0.5], [0.5, 1.0]]),
        ("logistic.nll_hvp", room.nll_hvp(*data, [4.0, 2.0]), [2.0, 4.0]),
    ]:
        compare.check(
            actual,
            expected,
            statement=name,
            oracle="by hand",
            case="x=(1,2)",
            ulp=1,
            entrywise=True,
        )


@each_room
def test_confident_right_answer_is_not_lost(room):
    """At z = 40 and y = 1 the loss is log(1 + e^-40) and the gradient -sigma(-40), not 0."""
    data = [40.0], [[1.0]], [1]
    for name, actual, expected in [
        ("logistic.nll", room.nll(*data), "4.248354255291588986304977844e-18"),
        (
            "logistic.nll_gradient",
            room.nll_gradient(*data),
            ["-4.248354255291588977280720904e-18"],
        ),
    ]:
        compare.check(actual, expected, statement=name, oracle="by hand", case="z=40", ulp=1)


rows = st.integers(1, 6)
sizes = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)


def random_data(seed, N, n):
    rng = np.random.default_rng(seed)
    return designs.eighths(rng, n, largest=2), designs.eighths(rng, N, n), rng.integers(0, 2, N)


@given(seeds, rows, rows, sizes)
@each_room
def test_additive_over_data_points(room, seed, N, M, n):
    """NLL, gradient and Hessian of two data sets together are the sums: neither is a mean."""
    w, X, y = random_data(seed, N + M, n)
    for name in ("nll", "nll_hessian"):
        function = getattr(room, name)
        parts = function(w, X[:N], y[:N]) + function(w, X[N:], y[N:])
        case = f"additivity seed={seed}"
        compare.check(
            function(w, X, y),
            parts.tolist(),
            statement=f"logistic.{name}",
            oracle="identity",
            case=case,
            ulp=32,
        )


@given(seeds, rows, sizes)
@each_room
def test_duplicated_rows_are_weight_two(room, seed, N, n):
    w, X, y = random_data(seed, N, n)
    for name in ("nll", "nll_hessian"):
        function = getattr(room, name)
        twice = function(w, np.repeat(X, 2, axis=0), np.repeat(y, 2))
        weighted = function(w, X, y, sample_weight=np.full(N, 2.0))
        compare.check(
            twice,
            weighted.tolist(),
            statement="logistic.weighted",
            oracle="identity",
            case=f"duplicated rows seed={seed}",
            ulp=32,
        )


@given(seeds, rows, sizes)
@each_room
def test_weights_of_one_change_nothing(room, seed, N, n):
    w, X, y = random_data(seed, N, n)
    for name in ("nll", "nll_gradient", "nll_hessian"):
        function = getattr(room, name)
        compare.same(function(w, X, y, sample_weight=np.ones(N)), function(w, X, y))


@given(seeds, rows, sizes)
@each_room
def test_labels_swapped_are_w_negated(room, seed, N, n):
    """sigma(-z) = 1 - sigma(z): NLL(-w; 1 - y) = NLL(w; y), and the gradient changes its sign."""
    w, X, y = random_data(seed, N, n)
    compare.same(room.nll(-w, X, 1 - y), room.nll(w, X, y))
    compare.same(room.nll_gradient(-w, X, 1 - y) + 0.0, -room.nll_gradient(w, X, y) + 0.0)


@given(seeds, rows, sizes)
@each_room
def test_hessian_is_positive_semidefinite(room, seed, N, n):
    w, X, y = random_data(seed, N, n)
    eigenvalues = np.linalg.eigvalsh(room.nll_hessian(w, X, y))
    assert eigenvalues.min() >= -64 * np.finfo(float).eps * eigenvalues.max()


@each_room
def test_backwards_in_time_nothing_is_kept(room):
    """Calls do not depend on the calls before them."""
    w, X, y = random_data(3, 4, 3)
    first = room.nll_hvp(w, X, y, w)
    room.nll_hvp(2 * w, X[:2], y[:2], w)
    compare.same(room.nll_hvp(w, X, y, w), first)


@pytest.mark.parametrize(
    ("function", "X", "w"),
    [
        ("nll", [[1e200]], [1e200]),  # z = 1e400
        ("nll", [[1e308], [1e308]], [-1.0]),  # a sum of 2e308
        ("nll_gradient", [[1e308]] * 4, [0.0]),
        ("nll_hessian", [[1e200]], [0.0]),
    ],
)
@each_room
def test_beyond_the_range_is_an_error(room, function, X, w):
    with pytest.raises(ValueError, match="exceeds the range of float64"):
        getattr(room, function)(w, X, np.ones(len(X), dtype=int))


@each_room
def test_huge_magnitudes_where_representable(room):
    """x = 1e200, w = 1e-200: z = 1 (rounded); H = x^2 p (1 - p) is beyond the range, H v is not."""
    data = [1e-200], [[1e200]], [1]
    for actual, expected in [
        (room.nll(*data), "0.313261687518222834048995494968"),
        (room.nll_gradient(*data), ["-2.689414213699951220789549948e199"]),
        (room.nll_hvp(*data, [1e-200]), ["1.966119332414818414927741966e199"]),
    ]:
        compare.check(
            actual, expected, statement="logistic.nll", oracle="by hand", case="x=1e200", ulp=16
        )
