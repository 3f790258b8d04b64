"""Softmax, log-softmax, log-sum-exp, and the NLL with its derivatives, against four oracles.

The oracles are those of test_logistic. With exact logits each probability is within 4 ulp, also
where it is subnormal; the gradient and Hessian add sums of N <= 5 products and K <= 4 classes.
"""

import compare
import derived
import designs
import loops
import numpy as np
import pytest
import vectors
from hypothesis import given, strategies as st
from mpmath import mp
from rooms import WithoutNumba

import derivations.softmax
from derivations.proof import digits as evaluation
from reference_impl import logistic, softmax
from reference_impl.engine import softmax as engine, streaming

each_room = pytest.mark.parametrize(
    "room",
    [softmax, engine, WithoutNumba(engine)],
    ids=["reference", "engine", "engine without numba"],
)
each_design = pytest.mark.parametrize("design", designs.SOFTMAX, ids=str)
unweighted = pytest.mark.parametrize(
    "design", [design for design in designs.SOFTMAX if design.s is None], ids=str
)

FUNCTIONS = {
    "softmax.definition": (softmax.softmax, loops.softmax),
    "log_softmax.forward": (softmax.log_softmax, loops.log_softmax),
}
each_function = pytest.mark.parametrize("statement", FUNCTIONS)


def verify(statement, oracle, design, actual, expected):
    if getattr(design, "s", None) is not None:
        statement = "softmax.weighted"
    compare.check(actual, expected, statement=statement, oracle=oracle, case=str(design), ulp=16)


def logits():
    """Rows of logits by range: all entries of a row are taken as exact."""
    rng = np.random.default_rng(7)
    return {
        "moderate": rng.normal(size=(60, 4)) * 3,
        "two classes": rng.normal(size=(60, 2)) * 10,
        "hundreds": rng.uniform(-350, 350, (60, 3)),
        "hundreds, shifted": rng.uniform(-350, 350, (60, 3)) + 1234.5,
        "subnormal": rng.uniform(-5, 5, (40, 1)) + np.array([0.0, -720.3, -735.2]),
        "nearly equal": 300.0 + rng.normal(size=(40, 4)) * 1e-9,
        "ten classes": rng.normal(size=(20, 10)) * 4,
    }


@each_function
@pytest.mark.parametrize("where", logits())
def test_accuracy(statement, where):
    function, loop = FUNCTIONS[statement]
    z = logits()[where]
    digits = 60 + int(np.ptp(z, axis=1).max() / np.log(10))
    compare.check(
        function(z),
        [loops.at(digits, loop, row) for row in z],
        statement=statement,
        oracle="loops",
        case=where,
        # exp and log1p 1 ulp each, the sum of the others, the quotient or difference 1/2.
        ulp=4,
        entrywise=True,
    )


@pytest.mark.parametrize("K", [100, 300])
def test_sum_of_many_tiny_terms(K):
    """The loss is log(1 + S); both S and what its sum rounds are those of the larger terms."""
    z = np.append(0.0, np.linspace(-720.0, -700.0, K))
    expected = loops.at(400, lambda z: -loops.log_softmax(z)[0], z)
    compare.check(softmax.losses(z[None], [0]), [expected], statement="log_softmax.term_left_out",
                  oracle="loops", case=f"{K} terms", ulp=1, entrywise=True)  # fmt: skip


@pytest.mark.parametrize("where", logits())
def test_logsumexp_accuracy(where):
    """Also where the largest logit and log(1 + S) cancel."""
    z = logits()[where]
    digits = 60 + int(np.ptp(z, axis=1).max() / np.log(10))
    compare.check(
        softmax.logsumexp(z),
        [loops.at(digits, loops.logsumexp, row) for row in z],
        statement="softmax.term_left_out",
        oracle="loops",
        case=where,
        ulp=4,
        entrywise=True,
    )


VECTORS = {
    "softmax.definition": softmax.softmax,
    "log_softmax.forward": softmax.log_softmax,
    "softmax.term_left_out": softmax.logsumexp,
}


@pytest.mark.parametrize("vector", vectors.load(*VECTORS), ids=str)
def test_logit_vectors(vector):
    vector.check(VECTORS[vector.statement](**vector.input), ulp=4, entrywise=True)


@pytest.mark.parametrize("where", ["moderate", "hundreds", "ten classes"])
def test_definition_derived(where):
    for row in logits()[where][:5]:
        digits = 60 + int(np.ptp(row) / np.log(10))
        verify(
            "softmax.definition",
            "50 digits",
            f"{where}, {row.tolist()}",
            softmax.softmax(row),
            derived.table("softmax.definition", {"z": row}, digits=digits),
        )


ENTRYWISE = ["moderate", "hundreds", "subnormal", "nearly equal", "ten classes"]


def check_left_out(name, z, results):
    """Each result of a statement on one row of logits, whichever class is left out."""
    digits = 60 + int(np.ptp(z) / np.log(10))
    for chain, actual in enumerate(results):
        compare.check(
            np.ascontiguousarray(actual),
            derived.table(f"softmax.{name}", {"z": z}, digits=digits, chain=chain),
            statement=f"softmax.{name}",
            oracle="50 digits",
            case=str(z.tolist()),
            ulp=4,
            entrywise=True,
        )


@pytest.mark.parametrize("where", ENTRYWISE)
def test_term_left_out(where):
    """Log-sum-exp and softmax do not depend on the class c; index [a, c] of the second."""
    for z in logits()[where][:3]:
        K = len(z)
        probabilities = np.tile(softmax.softmax(z)[:, np.newaxis], K)
        check_left_out("term_left_out", z, [np.full(K, softmax.logsumexp(z)), probabilities])


@pytest.mark.parametrize("where", ENTRYWISE)
def test_label_left_out(where):
    """Loss and residuals with each class c as the label; the index of the residuals is [a, c]."""
    for z in logits()[where][:3]:
        K = len(z)
        every_label = np.tile(z, (K, 1)), np.arange(K)
        residuals = softmax.residuals(*every_label).T
        own = np.diag(residuals)
        losses = softmax.losses(*every_label)
        check_left_out("label_left_out", z, [losses, own, residuals, own])


def test_hand_worked_logits():
    """softmax(log 1, log 2, log 5) = (1, 2, 5)/8; equal logits give 1/K."""
    for actual, expected in [
        (softmax.softmax([0.0, 0.0]), [0.5, 0.5]),
        (softmax.softmax([7.0] * 4), [0.25] * 4),
        (softmax.softmax(np.log([1.0, 2.0, 5.0])), [0.125, 0.25, 0.625]),
    ]:
        compare.check(
            actual, expected, statement="softmax.definition", oracle="by hand", case="", ulp=2
        )
    compare.check(
        softmax.log_softmax([0.0, 40.0]),
        ["-40.0000000000000000042483542552915889863", "-4.248354255291588986304977844e-18"],
        statement="log_softmax.forward",
        oracle="by hand",
        case="confident",
        ulp=1,
        entrywise=True,
    )
    compare.check(
        softmax.logsumexp([3.0, 3.0]),
        "3.693147180559945309417232121458",
        statement="softmax.term_left_out",
        oracle="by hand",
        case="3 + log 2",
        ulp=1,
    )


def test_limits():
    log2 = np.log(2.0)
    compare.same(softmax.log_softmax([-np.inf, 0.0, 0.0]), np.array([-np.inf, -log2, -log2]))
    compare.same(softmax.softmax([-np.inf, 0.0, 0.0]), np.array([0.0, 0.5, 0.5]))
    compare.same(softmax.softmax([-np.inf, -3.0]), np.array([0.0, 1.0]))
    inf = [[np.inf, 0.0], [-np.inf, -np.inf], [-np.inf, np.inf], [np.inf, np.inf], [-np.inf, 2.0]]
    compare.same(softmax.logsumexp(inf), np.array([np.inf, -np.inf, np.inf, np.inf, 2.0]))
    for function in (softmax.softmax, softmax.log_softmax):
        for z in ([np.inf, 0.0], [-np.inf, -np.inf], [[0.0, 1.0], [np.inf, -np.inf]]):
            with pytest.raises(ValueError, match=r"^z: .*softmax has no limit there"):
                function(z)


def test_beyond_the_range():
    """A difference of 2e308: the probability is 0 in float64, its logarithm cannot be held."""
    compare.same(softmax.softmax([1e308, -1e308]), np.array([1.0, 0.0]))
    compare.same(softmax.logsumexp([1e308, -1e308]), np.float64(1e308))
    with pytest.raises(ValueError, match="exceeds the range of float64"):
        softmax.log_softmax([1e308, -1e308])
    W = [[1e308], [-1e308]]
    for room, what in ((softmax, "loss"), (engine, "NLL")):
        compare.same(room.nll(W, [[1.0]], [0]), np.float64(0.0))
        with pytest.raises(ValueError, match=f"^the {what} exceeds the range of float64"):
            room.nll(W, [[1.0]], [1])


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_axis(axis):
    z = np.random.default_rng(3).normal(size=(3, 4, 5))
    rows = np.moveaxis(z, axis, -1)
    for function in (softmax.softmax, softmax.log_softmax):
        expected = np.reshape(
            [function(row) for row in rows.reshape(-1, z.shape[axis])], rows.shape
        )
        compare.check(
            np.ascontiguousarray(np.moveaxis(function(z, axis=axis), axis, -1)),
            expected.tolist(),
            statement="softmax.definition",
            oracle="identity",
            case=f"axis {axis}",
            ulp=2,  # the order in which a sum runs depends on the axis
            entrywise=True,
        )
    assert softmax.logsumexp(z, axis=axis).shape == rows.shape[:-1]


@pytest.mark.parametrize("axis", [None, 1, (0, 2), (-1, 1), (2, 1, 0)], ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("factors", [False, True])
def test_logsumexp_over_axes(axis, keepdims, factors):
    """Each sum by loops, with its place in the result; a factor of zero leaves an entry out."""
    rng = np.random.default_rng(5)
    z = rng.normal(size=(2, 3, 4))
    b = rng.integers(0, 3, size=(3, 4)) if factors else None
    summed = range(3) if axis is None else np.atleast_1d(axis) % 3
    kept = [k for k in range(3) if k not in summed]
    order = (
        np.transpose(z, [*kept, *summed]),
        np.transpose(np.broadcast_to(1 if b is None else b, z.shape), [*kept, *summed]),
    )
    sizes = [z.shape[k] for k in kept]
    rows, weights = (array.reshape(int(np.prod(sizes)), -1).tolist() for array in order)
    expected = [loops.at(60, weighted_logsumexp, *pair) for pair in zip(rows, weights, strict=True)]
    actual = softmax.logsumexp(z, axis=axis, keepdims=keepdims, b=b)
    shape = [1 if k in summed else z.shape[k] for k in range(3)] if keepdims else sizes
    compare.check(
        actual,
        np.array(expected, dtype=object).reshape(shape).tolist(),
        statement="softmax.term_left_out",
        oracle="loops",
        case=f"axis {axis}, factors {factors}",
        ulp=8,
        entrywise=True,
    )


def weighted_logsumexp(z, b):
    return mp.log(sum(factor * mp.exp(entry) for factor, entry in zip(b, z, strict=True)))


@pytest.mark.parametrize("axis", [1, (0, 2), -1])
def test_no_data_points(axis):
    """The sums over what is not empty, none of them."""
    z = np.zeros((2, 3, 0) if axis == 1 else (2, 0, 4))
    assert softmax.logsumexp(z, axis=axis).shape == np.zeros(z.shape).sum(axis=axis).shape
    assert softmax.logsumexp(z, axis=axis, b=2.0, keepdims=True).ndim == 3
    if axis != (0, 2):
        assert softmax.softmax(z, axis).shape == softmax.log_softmax(z, axis).shape == z.shape


def test_logsumexp_of_one_number():
    compare.same(softmax.logsumexp(3.0, axis=None), np.float64(3.0))
    compare.same(softmax.logsumexp([[3.0]], axis=None, keepdims=True), np.array([[3.0]]))
    compare.same(softmax.logsumexp([np.inf, 3.0], b=[0, 1]), np.float64(3.0))
    compare.same(softmax.logsumexp([np.inf, 3.0], b=[1, 0]), np.float64(np.inf))
    compare.same(softmax.logsumexp([np.inf, 3.0], b=[0, 0]), np.float64(-np.inf))
    for wrong, message in [
        ({"z": 3.0}, r"^z: expected at least one dimension, given the number 3.0; use axis=None"),
        ({"z": [3.0], "axis": (0, 0)}, r"^axis: expected each axis once, given \(0, 0\)"),
        ({"z": [3.0], "b": [-1.0]}, r"^b: expected numbers >= 0, given -1 at index 0"),
        ({"z": [3.0], "b": [1.0, 1.0]}, r"^b: expected a shape that broadcasts .* \(1,\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            softmax.logsumexp(**wrong)


@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(-800, 800))
def test_shift_invariance(seed, K, c):
    """Multiples of 1/8 are shifted without rounding, so that nothing at all may change."""
    z = designs.eighths(np.random.default_rng(seed), K, largest=20)
    compare.same(softmax.softmax(z + c), softmax.softmax(z))
    compare.same(softmax.log_softmax(z + c), softmax.log_softmax(z))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8))
def test_logsumexp_bounds(z):
    """max z <= logsumexp z <= max z + log K, up to rounding."""
    value, m = softmax.logsumexp(z), max(z)
    slack = 4 * np.spacing(max(abs(m), 1.0))
    assert m - slack <= value <= m + np.log(len(z)) + slack


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=8))
def test_normalised(z):
    compare.check(
        np.sum(softmax.softmax(z)),
        1,
        statement="softmax.normalised",
        oracle="identity",
        case=str(z),
        ulp=8,
    )


# NLL and its derivatives


def arguments(design):
    return design.W, design.X, design.y


def loop(design, function, *more):
    return loops.at(design.digits, function, design.W, design.X, design.Y, *more, design.s)


def differences(design, function):
    data = design.W, design.X, design.Y, design.s
    return loops.differences(design.digits, function, data, 0)


def statement(design, name, chain=0, **more):
    arrays = {"W": design.W, "X": design.X, "Y": design.Y, **more}
    return derived.table(f"softmax.{name}", arrays, digits=design.digits, chain=chain)


@each_design
@each_room
def test_nll(room, design):
    actual = room.nll(*arguments(design), sample_weight=design.s)
    verify("softmax.nll", "loops", design, actual, loop(design, loops.softmax_nll))


@unweighted
@each_room
def test_nll_derived(room, design):
    actual = room.nll(*arguments(design))
    verify("softmax.nll", "50 digits", design, actual, statement(design, "nll"))


@each_design
@each_room
def test_nll_gradient(room, design):
    actual = room.nll_gradient(*arguments(design), sample_weight=design.s)
    name = "softmax.nll_gradient"
    verify(name, "loops", design, actual, loop(design, loops.softmax_nll_gradient))
    verify(name, "differences", design, actual, differences(design, loops.softmax_nll))


@unweighted
@each_room
def test_nll_gradient_derived(room, design):
    actual = room.nll_gradient(*arguments(design))
    verify("softmax.nll_gradient", "50 digits", design, actual, statement(design, "nll_gradient"))


@each_design
@each_room
def test_nll_hessian(room, design):
    """All four indices against named loops: off-diagonal blocks, and both orders."""
    actual = room.nll_hessian(*arguments(design), sample_weight=design.s)
    name = "softmax.nll_hessian"
    verify(name, "loops", design, actual, loop(design, loops.softmax_nll_hessian))
    compare.same(actual, np.ascontiguousarray(actual.transpose(2, 3, 0, 1)))


@each_design
@each_room
def test_nll_hessian_differences(room, design):
    actual = room.nll_hessian(*arguments(design), sample_weight=design.s)
    # Differences put the variable first: [b, l, a, k]; the Hessian is symmetric.
    expected = differences(design, loops.softmax_nll_gradient)
    verify("softmax.nll_hessian", "differences", design, actual, expected)


@unweighted
@each_room
def test_nll_hessian_derived(room, design):
    actual = room.nll_hessian(*arguments(design))
    verify("softmax.nll_hessian", "50 digits", design, actual, statement(design, "nll_hessian"))


@each_design
@each_room
def test_nll_hvp(room, design):
    K, n = design.W.shape
    basis = np.eye(K * n).reshape(K * n, K, n)
    for V in [design.V, *basis]:
        actual = room.nll_hvp(*arguments(design), V, sample_weight=design.s)
        verify("softmax.nll_hvp", "loops", design, actual, loop(design, loops.softmax_nll_hvp, V))


@unweighted
@each_room
def test_nll_hvp_derived(room, design):
    actual = room.nll_hvp(*arguments(design), design.V)
    verify("softmax.nll_hvp", "50 digits", design, actual, statement(design, "nll_hvp", V=design.V))


@each_design
@each_room
def test_value_and_gradient_are_those_of_the_single_functions(room, design):
    value, gradient = room.nll_and_gradient(*arguments(design), sample_weight=design.s)
    compare.same(value, room.nll(*arguments(design), sample_weight=design.s))
    compare.same(gradient, room.nll_gradient(*arguments(design), sample_weight=design.s))


@unweighted
@each_room
def test_diagonal_blocks(room, design):
    H = room.nll_hessian(*arguments(design))
    actual = np.array([H[a, :, a, :] for a in range(len(H))])
    expected = statement(design, "diagonal_blocks")
    verify("softmax.diagonal_blocks", "50 digits", design, actual, expected)


@unweighted
@each_room
def test_blocks(room, design):
    """Value, gradient, Hessian and Hessian-vector product as sums over blocks of two rows."""
    W, X, y = arguments(design)
    blocks = streaming.Blocks(X, y, rows=2)
    value, gradient = streaming.total(room.nll_and_gradient, W, blocks)
    hessian = streaming.total(room.nll_hessian, W, blocks)
    product = streaming.total(room.nll_hvp, W, blocks, design.V)
    member = (np.arange(len(X)) // 2 == np.arange(len(blocks))[:, np.newaxis]) * 1.0
    for chain, actual in enumerate([value, gradient, hessian, product]):
        expected = statement(design, "blocks", chain, V=design.V, member=member)
        verify("softmax.blocks", "50 digits", design, actual, expected)


@unweighted
@each_room
def test_smoothness(room, design):
    """norm(R)^2 / 2, what it exceeds the bound by, and what the bound exceeds V^T H V by.

    The bound is K/2 times V^T H V at W = 0; all three count in ulp of the largest, the first.
    """
    K, V = len(design.W), design.V
    curvature, at_zero = (
        (V * room.nll_hvp(W, design.X, design.y, V)).sum()
        for W in (design.W, np.zeros_like(design.W))
    )
    most, bound = ((design.X @ V.T) ** 2).sum() / 2, K / 2 * at_zero
    first, second = derivations.softmax.smoothness.chains
    arrays = {"W": design.W, "X": design.X, "V": V}
    compare.check(
        np.array([most, most - bound, bound - curvature]),
        [
            loops.at(design.digits, half_norm, design.X, V),
            evaluation.table(second.lines[0].expression, arrays, design.digits),
            evaluation.table(first.lines[1].expression, arrays, design.digits),
        ],
        statement="softmax.smoothness",
        oracle="50 digits",
        case=str(design),
        ulp=16,
    )


def half_norm(X, V):
    return sum(loops.dot(x, v) ** 2 for x in X for v in V) / 2


STATEMENTS = ("nll", "nll_gradient", "nll_hessian", "nll_hvp")


@pytest.mark.parametrize(
    "vector", vectors.load(*(f"softmax.{name}" for name in STATEMENTS)), ids=str
)
@each_room
def test_vectors(room, vector):
    vector.check(getattr(room, vector.statement.split(".")[1])(**vector.input), ulp=16)


@each_room
def test_hand_worked(room):
    """x = (1, 2), W = 0, K = 4, y = 2: p = 1/4, NLL = log 4, gradient rows x/4 and -3x/4."""
    data = np.zeros((4, 2)), [[1.0, 2.0]], [2]
    gradient = [[0.25, 0.5], [0.25, 0.5], [-0.75, -1.5], [0.25, 0.5]]
    # p_a ([a = b] - p_b) is 3/16 on the diagonal and -1/16 beside it; V is the first unit row.
    V = np.zeros((4, 2))
    V[0, 0] = 1.0
    hvp = [[3 / 16, 6 / 16]] + [[-1 / 16, -2 / 16]] * 3
    for name, actual, expected in [
        ("softmax.nll", room.nll(*data), "1.38629436111989061883446424292"),
        ("softmax.nll_gradient", room.nll_gradient(*data), gradient),
        ("softmax.nll_hvp", room.nll_hvp(*data, V), hvp),
        ("softmax.nll_hessian", room.nll_hessian(*data)[:, :, 0, 0], hvp),
    ]:
        compare.check(
            actual, expected, statement=name, oracle="by hand", case="W = 0", ulp=1, entrywise=True
        )


@each_room
def test_confident_right_answer_is_not_lost(room):
    """z = (40, 0): loss log(1 + e^-40), residuals -sigma(-40) and sigma(-40), not 0."""
    data = [[40.0], [0.0]], [[1.0]], [0]
    loss, residual = "4.248354255291588986304977844e-18", "4.248354255291588977280720904e-18"
    compare.check(
        room.nll(*data), loss, statement="softmax.nll", oracle="by hand", case="z=40", ulp=1
    )
    compare.check(
        room.nll_gradient(*data),
        [["-" + residual], [residual]],
        statement="softmax.nll_gradient",
        oracle="by hand",
        case="z=40",
        ulp=1,
        entrywise=True,
    )


seeds = st.integers(0, 10**6)
rows = st.integers(1, 6)
columns = st.integers(1, 4)
classes = st.integers(2, 5)


def random_data(seed, N, n, K):
    rng = np.random.default_rng(seed)
    return designs.eighths(rng, K, n, largest=2), designs.eighths(rng, N, n), rng.integers(0, K, N)


@given(seeds, rows, columns)
@each_room
def test_two_classes_are_the_binary_model(room, seed, N, n):
    """w = w_1 - w_0: the NLL is that of the binary model, and the gradient is (-g, g)."""
    W, X, y = random_data(seed, N, n, 2)
    w = W[1] - W[0]
    g = logistic.nll_gradient(w, X, y)
    for name, actual, expected in [
        ("softmax.nll", room.nll(W, X, y), logistic.nll(w, X, y)),
        ("softmax.nll_gradient", room.nll_gradient(W, X, y), np.array([-g, g])),
    ]:
        compare.check(
            actual,
            expected.tolist(),
            statement="softmax.two_class",
            oracle="identity",
            case=f"{name} seed={seed}",
            ulp=64,
        )


@given(seeds, rows, columns, classes)
@each_room
def test_gradients_sum_to_zero(room, seed, N, n, K):
    """The K gradients cancel: their sum is rounding, measured against the sum of magnitudes."""
    W, X, y = random_data(seed, N, n, K)
    G = room.nll_gradient(W, X, y)
    magnitude = 2.0 * np.abs(X).sum(axis=0)  # |p_ia - [y_i = a]| sums to at most 2 over a
    total = G.sum(axis=0)
    compare.check(
        magnitude + total,
        magnitude.tolist(),
        statement="softmax.gradients_sum_to_zero",
        oracle="identity",
        case=f"seed={seed}",
        ulp=4,
    )


@given(seeds, rows, columns, classes)
@each_room
def test_hessian_blocks_sum_to_zero_and_psi_is_in_the_null_space(room, seed, N, n, K):
    W, X, y = random_data(seed, N, n, K)
    H = room.nll_hessian(W, X, y)
    psi = designs.eighths(np.random.default_rng(seed), n)
    largest = np.full((K, n, n), np.abs(H).max())
    compare.check(
        largest + H.sum(axis=2),
        largest.tolist(),
        statement="softmax.hessian_blocks_sum_to_zero",
        oracle="identity",
        case=f"seed={seed}",
        ulp=4,
    )
    compare.same(room.nll_hvp(W, X, y, np.tile(psi, (K, 1))) + 0.0, np.zeros((K, n)))


@given(seeds, rows, rows, columns, classes)
@each_room
def test_additive_over_data_points(room, seed, N, M, n, K):
    W, X, y = random_data(seed, N + M, n, K)
    for name in ("nll", "nll_hessian"):
        function = getattr(room, name)
        parts = function(W, X[:N], y[:N]) + function(W, X[N:], y[N:])
        compare.check(
            function(W, X, y),
            parts.tolist(),
            statement=f"softmax.{name}",
            oracle="identity",
            case=f"additivity seed={seed}",
            ulp=32,
        )


@given(seeds, rows, columns, classes)
@each_room
def test_duplicated_rows_are_weight_two(room, seed, N, n, K):
    W, X, y = random_data(seed, N, n, K)
    for name in ("nll", "nll_hessian"):
        function = getattr(room, name)
        twice = function(W, np.repeat(X, 2, axis=0), np.repeat(y, 2))
        weighted = function(W, X, y, sample_weight=np.full(N, 2.0))
        compare.check(
            twice,
            weighted.tolist(),
            statement="softmax.weighted",
            oracle="identity",
            case=f"{name} seed={seed}",
            ulp=32,
        )


@given(seeds, rows, columns, classes)
@each_room
def test_curvature_is_a_variance(room, seed, N, n, K):
    """V^T H V = sum_i Var_{c ~ p_i}(x_i.V_c) >= 0."""
    W, X, y = random_data(seed, N, n, K)
    eigenvalues = np.linalg.eigvalsh(room.nll_hessian(W, X, y).reshape(K * n, K * n))
    assert eigenvalues.min() >= -64 * np.finfo(float).eps * eigenvalues.max()


@given(seeds, rows, columns, classes)
@each_room
def test_classes_in_another_order(room, seed, N, n, K):
    """Renaming the classes permutes the rows: no class is treated apart."""
    W, X, y = random_data(seed, N, n, K)
    order = np.random.default_rng(seed + 1).permutation(K)
    compare.check(
        room.nll_gradient(W[order], X, np.argsort(order)[y]),
        room.nll_gradient(W, X, y)[order].tolist(),
        statement="softmax.nll_gradient",
        oracle="identity",
        case=f"permutation seed={seed}",
        ulp=32,
    )


def soft_designs():
    for N, n, K in [(1, 2, 3), (2, 3, 4), (5, 3, 2), (3, 3, 3)]:
        rng = np.random.default_rng(100 * N + 10 * n + K)
        Y = designs.eighths(rng, N, K)
        Y[:, -1] = 1 - Y[:, :-1].sum(axis=1)  # exact: all are eighths
        yield {
            "W": designs.eighths(rng, K, n, largest=1),
            "X": designs.eighths(rng, N, n),
            "Y": Y,
        }


@pytest.mark.parametrize("number", range(4))
def test_soft_labels_derived(number):
    """Labels of any sign that sum to one, as the hypothesis says: the statement against loops."""
    design = list(soft_designs())[number]
    for name, function in [
        ("softmax.nll", loops.softmax_nll),
        ("softmax.nll_gradient", loops.softmax_nll_gradient),
        ("softmax.nll_hessian", loops.softmax_nll_hessian),
    ]:
        expected = derived.table(name, design, digits=80)
        exact = loops.at(80, function, *design.values())
        actual = np.array(exact, dtype=float) if isinstance(exact, list) else np.float64(exact)
        verify(name, "50 digits", f"soft labels {number}, loops", actual, expected)
