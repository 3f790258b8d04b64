"""Errors over the whole range against ball arithmetic, and the stored run that the page shows.

The cases are a small part of those of `python -m benchmarks.accuracy`, with another seed.
"""

import functools
import json
import math
from fractions import Fraction

import compare
import loops
import numpy as np
import pytest
from hypothesis import example, given, strategies as st
from mpmath import mp, mpf

from benchmarks import accuracy, exact_values
from benchmarks.conformance import processor
from reference_impl import sigmoid, softmax
from reference_impl.engine import error_free, log_sum_exp

STATEMENTS = {
    "sigmoid": "sigmoid.stable",
    "log_sigmoid": "sigmoid.log_sigmoid",
    "softplus": "sigmoid.softplus",
    "binary_loss": "logistic.residual",
    "binary_residual": "logistic.residual",
    "logsumexp": "softmax.term_left_out",
    "log_softmax": "log_softmax.term_left_out",
    "softmax": "softmax.definition",
    "loss": "log_softmax.term_left_out",
    "residual": "softmax.label_left_out",
}
each_function = pytest.mark.parametrize("name", accuracy.NAMES)


@functools.cache
def inputs():
    """Cases with their exact values; computed once in a process."""
    return accuracy.batches(600, seed=5)


def as_numbers(exact):
    """The exact values as mpmath numbers, nested as the arrays are."""
    entries = zip(exact.nearest.ravel(), exact.rest.ravel(), exact.ulp.ravel(), strict=True)
    with mp.workdps(60):
        numbers = [mpf(float(n)) + mpf(float(r)) * mpf(float(u)) for n, r, u in entries]
    return np.array(numbers, dtype=object).reshape(exact.nearest.shape)


@each_function
def test_accuracy(name):
    for batch in inputs():
        if name in batch.exact:
            compare.check(
                accuracy.ours()[name](*batch.arguments[name]),
                as_numbers(batch.exact[name]),
                statement=STATEMENTS[name],
                oracle="ball arithmetic",
                case=f"{name}, {batch.family}",
                ulp=4,
                entrywise=True,
            )


# --------------------------------------------------------------------- the oracle


def test_balls_agree_with_loops():
    """Two oracles that share nothing: balls by flint, loops by mpmath at 400 digits."""
    rng = np.random.default_rng(8)
    z = np.concatenate([rng.normal(size=(4, 3)) * 8, [[0.0, -700.0, -744.5], [2.0, 2.0, -40.0]]])
    y = np.array([0, 1, 2, 0, 0, 1])
    rows = exact_values.exact(exact_values.rows, z.tolist(), y.tolist())
    lse = exact_values.exact(exact_values.logsumexp, z.tolist())
    for number, (row, label) in enumerate(zip(z, y, strict=True)):
        log_p, p = (loops.at(400, f, row) for f in (loops.log_softmax, loops.softmax))
        with mp.workdps(400):
            expected = [*log_p, *p, *(q - (c == label) for c, q in enumerate(p)), -log_p[label]]
        for actual, value in (
            (rows.nearest[number], expected),
            (lse.nearest[number], loops.at(400, loops.logsumexp, row)),
        ):
            compare.check(
                actual, value, statement="softmax.definition", oracle="loops",
                case=f"balls of {row.tolist()}", ulp=0.5000001, entrywise=True,
            )  # fmt: skip


def test_an_error_is_seen():
    """The neighbour of the nearest float is more than half an ulp away; NaN is infinitely far."""
    z = [0.3, -40.0, -745.1, 30.0]
    exact = exact_values.exact(exact_values.sigmoid, z)
    assert exact.error(exact.nearest).max() <= 0.5
    for neighbour in (0.0, 1.0):
        assert exact.error(np.nextafter(exact.nearest, neighbour)).min() >= 0.5
    assert np.isinf(exact.error(np.full(4, np.nan))).all()


def test_what_is_not_resolved_is_not_a_value():
    def zero_with_a_radius(ball):
        return (ball.exp().log() - ball) * 2**6000

    with pytest.raises(ArithmeticError, match=r"zero_with_a_radius.* is not resolved"):
        exact_values._resolved(zero_with_a_radius, (1e-300,))


# ------------------------------------------- the bounds of Blanchard, Higham and Higham


def test_no_case_exceeds_the_bounds():
    for name, record in accuracy.fractions_of_bounds(inputs()).items():
        assert record["cases"] > 50, name
        assert 0 < record["ours"] <= record["plain"] <= 1, name


def test_a_case_beyond_a_bound_is_seen(monkeypatch):
    """A softmax that loses three digits is above its bound."""
    monkeypatch.setattr(accuracy, "shifted_softmax", lambda z: softmax.softmax(z) * (1 + 1e-11))
    assert accuracy.fractions_of_bounds(inputs())["softmax"]["plain"] > 1


# ------------------------------------------------------------------- the stored run


STORED = json.loads(accuracy.RESULT.read_text())


def test_stored_run_is_complete():
    assert tuple(STORED["functions"]) == accuracy.NAMES
    assert STORED["seed"] == accuracy.SEED
    for record in STORED["functions"].values():
        assert record["cases"] >= 100_000
        assert set(record["worst"]) == set(record["curves"]) == {"ours", *accuracy.PEERS}
        assert {len(curve) for curve in record["curves"].values()} == {len(record["edges"]) - 1}


@each_function
def test_stored_run_is_within_four_ulp(name):
    worst = STORED["functions"][name]["worst"]["ours"]
    assert 0 < worst["ulp"] <= 4
    assert max(filter(None, STORED["functions"][name]["curves"]["ours"])) <= worst["ulp"] * 1.001


@each_function
def test_stored_worst_case_is_found_again(name):
    """The input that is printed has the error that is printed, where it is printed whole.

    Another processor rounds e^z in another way, which may be a better one: the bound is the same.
    """
    worst = STORED["functions"][name]["worst"]["ours"]
    if isinstance(worst["z"], str):
        return
    z, y = [worst["z"]], [worst.get("y", 0)]
    function = exact_values.rows if name in accuracy.ROWS else getattr(exact_values, name)
    uses_label = name in accuracy.ROWS or name.startswith("binary")
    exact = exact_values.exact(function, *((z, y) if uses_label else (z,)))
    arrays = (np.array(z), np.array(y)) if uses_label else (np.array(z),)
    if name in accuracy.ROWS:
        batch = accuracy.row_batch("", *arrays)
        found = batch.errors(accuracy.ours(), name)
    else:
        found = exact.error(accuracy.ours()[name](*arrays))
    least = worst["ulp"] - 1 if processor() == STORED["machine"]["processor"] else 0
    assert least < found.max() < min(worst["ulp"] + 1, 4), (found, worst)


# -------------------------------------------------------------- error-free operations


def exactly(number):
    return Fraction(float(number))


moderate = st.floats(-1e140, 1e140).filter(lambda a: a == 0 or abs(a) > 1e-140)


@given(moderate, moderate)
def test_error_free_operations(a, b):
    """As fractions, result and error are the exact sum, difference and product."""
    x, y = np.array([a]), np.array([b])
    for operation, exact in [
        (error_free.two_sum, exactly(a) + exactly(b)),
        (error_free.two_diff, exactly(a) - exactly(b)),
        (error_free.two_product, exactly(a) * exactly(b)),
    ]:
        (result,), (error,) = operation(x, y)
        assert exactly(result) + exactly(error) == exact, operation.__name__
        assert float(result) == float(exact)


@example([3.0**-k for k in range(1, 40)])  # whose errors have many digits, too
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_two_sums(row):
    """A sum and its error hold twice the digits: what is left without a term is right."""
    total, error = error_free.two_sums(np.array([row]).T)
    exact = sum(map(exactly, row))
    assert total.shape == error.shape == (1,)
    difference = abs(exactly(total[0]) + exactly(error[0]) - exact)
    assert difference <= len(row) * 2 * exact / 2**105 + Fraction(len(row), 2**1070)


def test_exp_in_parts():
    """Five floats hold e^x to 2^-110, more than two floats can."""
    rng = np.random.default_rng(4)
    edges = [0.0, -0.0, -1e-300, -5e-324, -100.0, 1.0, -math.log(2), 0.5 * math.log(2), -1 / 256]
    x = np.concatenate([rng.uniform(-100, 1, 200), rng.uniform(-1, 0.01, 200), edges])
    parts = log_sum_exp.exp_in_parts(x)
    for number, column in zip(x.tolist(), parts.T.tolist(), strict=True):
        exact = loops.at(60, lambda t: mp.exp(t), number)
        with mp.workdps(60):
            assert mp.fabs(mp.fsum(column) / exact - 1) * 2**110 < 1, number


# ------------------------------------------------------------------- particular cases


def check_logsumexp(z, ulp=2):
    exact = exact_values.exact(exact_values.logsumexp, z)
    compare.check(
        softmax.logsumexp(z), as_numbers(exact), statement="softmax.term_left_out",
        oracle="ball arithmetic", case=f"near zero: {z}", ulp=ulp, entrywise=True,
    )  # fmt: skip


def test_logsumexp_near_zero():
    """Logarithms of probabilities: the sum is 1 but for rounding, and that is the result."""
    check_logsumexp([[math.log(0.5)] * 2, [math.log(0.25), math.log(0.75)]])
    check_logsumexp([[math.log(p) for p in (0.1, 0.2, 0.3, 0.4)]])
    check_logsumexp([[-1e-300, -690.775527898214], [-3e-17, -37.5], [-5e-324, -744.0]])


def test_logsumexp_with_nothing_but_decimals():
    """The third logit takes away what the first two leave of 1, down to about 1e-33."""
    half = math.log(0.5)
    beyond = -softmax.logsumexp([np.nextafter(half, -1), half])
    check_logsumexp([[np.nextafter(half, -1), half, float(np.log(beyond))]])
    compare.same(softmax.logsumexp([0.0, -np.inf]), np.float64(0.0))
    compare.same(softmax.logsumexp([-1e-320, -np.inf]), np.float64(-1e-320))


@pytest.mark.parametrize("K", [2, 63, 64, 1000])
def test_many_subnormal_terms(K):
    """Each term is below half of the smallest float, their sum is not."""
    z = np.full((1, K), -745.5)
    z[0, 0] = 0.0
    batch = accuracy.row_batch("", z, np.array([0]))
    for name in (*accuracy.ROWS, "logsumexp"):
        compare.check(
            accuracy.ours()[name](*batch.arguments[name]),
            as_numbers(batch.exact[name]),
            statement=STATEMENTS[name],
            oracle="ball arithmetic",
            case=f"{K} subnormal terms",
            ulp=1,
            entrywise=True,
        )


@pytest.mark.parametrize("K", [2, 5, 63, 64, 300])
def test_rows_do_not_depend_on_their_block(K):
    """A row alone and among more rows than a block holds: the same, bit for bit."""
    N = 2**14 // K + 3
    z = np.random.default_rng(K).normal(size=(N, K)) * 5
    y = np.arange(N) % K
    for where in (slice(0, 1), slice(N - 4, N - 3), slice(N - 1, N)):
        for function in (softmax.softmax, softmax.log_softmax, softmax.logsumexp):
            compare.check(
                function(z)[where], function(z[where]).tolist(), statement="softmax.definition",
                oracle="identity", case=f"K={K}, {where}", ulp=1, entrywise=True,
            )  # fmt: skip
        for function in (softmax.losses, softmax.residuals):
            compare.check(
                function(z, y)[where], function(z[where], y[where]).tolist(),
                statement="softmax.definition", oracle="identity", case=f"K={K}, {where}", ulp=1,
                entrywise=True,
            )  # fmt: skip


def test_limits_of_losses_and_residuals():
    t, y = [-np.inf, np.inf, -np.inf, np.inf], [0, 1, 1, 0]
    compare.same(sigmoid.losses(t, y), np.array([0.0, 0.0, np.inf, np.inf]))
    compare.same(sigmoid.residuals(t, y), np.array([0.0, -0.0, -1.0, 1.0]))
    z = [[-np.inf, 3.0, 3.0], [-np.inf, 2.0, -np.inf]]
    compare.same(softmax.losses(z, [0, 1]), np.array([np.inf, 0.0]))
    compare.same(softmax.residuals(z, [0, 1]), np.array([[-1.0, 0.5, 0.5], [0.0, -0.0, 0.0]]))
    with pytest.raises(ValueError, match="the loss exceeds the range of float64"):
        softmax.losses([[1e308, -1e308]], [1])
    compare.same(softmax.losses([[1e308, -1e308]], [0]), np.array([0.0]))
    for function in (softmax.losses, softmax.residuals):
        with pytest.raises(ValueError, match=r"^z: .*softmax has no limit there"):
            function([[np.inf, 0.0]], [0])
        with pytest.raises(ValueError, match=r"^z: expected shape \(N, K\) with K >= 2 classes"):
            function([[0.0], [1.0]], [0, 0])
        with pytest.raises(ValueError, match=r"^y: expected shape \(2,\) for z of shape \(2, 2\)"):
            function(np.zeros((2, 2)), [0, 1, 1])
    for function in (sigmoid.losses, sigmoid.residuals):
        with pytest.raises(ValueError, match=r"^t: expected one logit for each data point"):
            function(1.0, 1)


def test_hand_worked_losses_and_residuals():
    """Logit 0: loss log 2 and residual 1/2 or -1/2; at 40 the loss is e^-40 to the last digits."""
    small, residual = "4.248354255291588986304977844e-18", "4.248354255291588977280720904e-18"
    log2 = "0.693147180559945309417232121458"
    for statement, actual, expected in [
        ("logistic.residual", sigmoid.losses([0.0, 0.0, 40.0], [0, 1, 1]), [log2, log2, small]),
        (
            "logistic.residual",
            sigmoid.residuals([0.0, 0.0, 40.0], [0, 1, 1]),
            [0.5, -0.5, "-" + residual],
        ),
        ("log_softmax.term_left_out", softmax.losses([[40.0, 0.0]], [0]), [small]),
        (
            "softmax.label_left_out",
            softmax.residuals([[40.0, 0.0]], [0]),
            [["-" + residual, residual]],
        ),
    ]:
        compare.check(
            actual, expected, statement=statement, oracle="by hand", case="", ulp=1, entrywise=True
        )
