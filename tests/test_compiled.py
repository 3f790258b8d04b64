"""Loops that are printed from the proofs and compiled: what they are, and that they are right."""

import os
import subprocess
import sys
from pathlib import Path

import compare
import mpmath
import numba
import numpy as np
import pytest

import derivations.loops
from derivations.prints.loops import source as printed
from reference_impl import logistic, softmax
from reference_impl.engine import (
    compiled,
    elementary,
    logistic as fast_logistic,
    loops as source,
    softmax as fast_softmax,
    sums,
)

DOUBLE = np.dtype(np.float64)
loops = compiled.loops(DOUBLE)


def of_number(name):
    """A function of the loops, compiled as it is within them; with or without fused operations."""
    function = getattr(elementary, name)
    return numba.njit(lambda t: function(t))


def test_the_source_is_what_is_printed():
    assert Path(source.__file__).read_text(encoding="utf-8") == printed(derivations.loops.kernels())


RNG = np.random.default_rng(3)
EXPONENTS = [*RNG.uniform(-745.0, 709.7, 300), *RNG.uniform(-1.0, 1.0, 300), 0.0, -0.0, 709.78]
EXPONENTS += [*-RNG.uniform(708.0, 745.2, 100), *10.0 ** RNG.uniform(-320.0, 0.0, 100)]
SUMS = [*10.0 ** RNG.uniform(-320.0, 300.0, 400), *RNG.uniform(0.0, 3.0, 400), 0.0, 0.5**0.5]


@pytest.mark.parametrize(
    ("name", "exact", "points", "ulp"),
    [
        ("exp", mpmath.exp, EXPONENTS, 2),
        ("log1p", mpmath.log1p, SUMS, 3),
        ("sigmoid", lambda t: 1 / (1 + mpmath.exp(-t)), EXPONENTS, 4),
        ("softplus", lambda t: mpmath.log1p(mpmath.exp(t)), EXPONENTS, 4),
    ],
)
def test_functions_of_a_number(name, exact, points, ulp):
    function = of_number(name)
    with mpmath.workprec(1200):
        expected = [exact(mpmath.mpf(float(point))) for point in points]
    compare.check(
        np.array([function(float(point)) for point in points]),
        expected,
        statement="logistic.residual",
        oracle="mpmath",
        case=name,
        ulp=ulp,
        entrywise=True,
    )


@pytest.mark.parametrize("name", ["exp", "log1p", "sigmoid", "softplus"])
def test_what_is_no_number_stays_so(name):
    assert np.isnan(of_number(name)(np.nan))


def test_at_infinity():
    exp, sigmoid, softplus = map(of_number, ("exp", "sigmoid", "softplus"))
    assert exp(-np.inf) == sigmoid(-np.inf) == softplus(-np.inf) == 0.0
    assert exp(np.inf) == softplus(np.inf) == np.inf
    assert sigmoid(np.inf) == 1.0


def problem(N, n, K, scale=1.0):
    rng = np.random.default_rng(N + 10 * n + 100 * K)
    X = scale * rng.normal(size=(N, n))
    y, s = rng.integers(0, K, N), rng.integers(0, 5, N) / 4.0
    s[0] = 1.0
    if K == 2:
        return logistic, fast_logistic, rng.normal(size=n), X, y, s
    return softmax, fast_softmax, rng.normal(size=(K, n)), X, y, s


def right(found, expected, K, case):
    for name, value, exact in zip(("nll", "nll_gradient"), found, expected, strict=True):
        statement = f"{'logistic' if K == 2 else 'softmax'}.{name}"
        compare.check(
            value, exact.tolist(), statement=statement, oracle="reference", case=case, ulp=64
        )


# With a few data points and classes at once, and some that are left.
@pytest.mark.parametrize("N", [1, 3, 4, 7, 33])
@pytest.mark.parametrize("n", [1, 2, 5, 17])
@pytest.mark.parametrize("K", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loops_are_the_reference(N, n, K, weighted):
    reference, engine, w, X, y, s = problem(N, n, K)
    weight = s if weighted else None
    found = engine.nll_and_gradient(w, X, y, sample_weight=weight)
    right(found, reference.nll_and_gradient(w, X, y, sample_weight=weight), K, f"{N} x {n}")
    compare.same(engine.nll(w, X, y, sample_weight=weight), found[0])


@pytest.mark.parametrize("K", [2, 300])
@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int64, np.float16])
@pytest.mark.parametrize("label", [-1, -100])
def test_a_negative_label_is_refused(K, kind, label, monkeypatch):
    """Whatever it would be as a natural number of so many bits."""
    _, engine, w, X, y, _ = problem(7, 2, K)
    y = np.minimum(y, 100).astype(kind)
    y[3] = label
    for loops_or_none in (compiled.loops, lambda dtype: None):
        monkeypatch.setattr(compiled, "loops", loops_or_none)
        with pytest.raises(ValueError, match=r"^y: expected .* given -1(00)?(\.0)? at index 3"):
            engine.nll(w, X, y)


def test_many_rows_add_up():
    """A running sum of 20,000 equal terms would be thousands of ulp away."""
    x, w, ones = 0.1, 0.3, 5000
    y = np.repeat([1, 0], [ones, 15_000])
    found = fast_logistic.nll_gradient([w], np.full((20_000, 1), x), y)
    with mpmath.workdps(40):
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(x) * mpmath.mpf(w)))
        expected = [mpmath.mpf(x) * (20_000 * p - ones)]
    case = "equal rows"
    compare.check(
        found, expected, statement="logistic.nll_gradient", oracle="mpmath", case=case, ulp=64
    )


@pytest.mark.parametrize("K", [2, 3])
def test_the_loops_are_what_runs(K, monkeypatch):
    """In double precision, and where nothing overflows."""
    _, engine, w, X, y, _ = problem(20, 3, K)
    called = []

    def looking(compute):
        def computed(*arguments):
            called.append(compute(*arguments))
            return called[-1]

        return computed

    looked_at = compiled.Loops(looking(loops.logistic), looking(loops.softmax))
    monkeypatch.setattr(compiled, "loops", lambda dtype: looked_at if dtype == DOUBLE else None)
    engine.nll_gradient(w, X, y)
    assert called == [True]
    engine.nll_gradient(w, X, y, dtype=np.float32)
    assert called == [True]
    engine.nll_gradient(w, 1e4 * X, y)
    # e^(z_c - z_y) is too large, for the whole and for the block.
    assert called == ([True, True] if K == 2 else [True, False, False])


@pytest.mark.parametrize("K", [2, 3])
def test_an_overflow_is_left_to_numpy(K):
    reference, engine, w, X, y, s = problem(50, 3, K, scale=1e4)
    found = engine.nll_and_gradient(w, X, y, sample_weight=s)
    right(found, reference.nll_and_gradient(w, X, y, sample_weight=s), K, "overflow")


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("K", [2, 3])
def test_a_loss_of_zero_hides_nothing(number, K):
    """At a logit -inf of the wrong answer the loss is 0; the value alone shows that it is."""
    _, engine, w, X, y, _ = problem(9, 2, K)
    X[4, 1] = number
    for label in range(K):
        y[4] = label
        with pytest.raises(ValueError, match=r"^X: expected .* at index \(4, 1\)"):
            engine.nll(w, X, y)


@pytest.mark.parametrize("K", [2, 3])
def test_threads_change_no_bit(K, monkeypatch):
    _, engine, w, X, y, s = problem(4001, 6, K)
    monkeypatch.setattr(sums, "CACHE", 2**14)
    one, two, three = (
        engine.nll_and_gradient(w, X, y, sample_weight=s, threads=threads) for threads in (1, 2, 3)
    )
    for other in (two, three):
        compare.same(other[0], one[0])
        compare.same(other[1], one[1])


@pytest.mark.parametrize("K", [2, 3])
def test_arguments_stay_as_they_are(K):
    """Also read-only ones, of another type, and every second row."""
    _, engine, w, X, y, s = problem(60, 4, K)
    forms = {
        "read-only": (X.copy(), y.copy(), s.copy()),
        "every second": tuple(np.repeat(a, 2, axis=0)[::2] for a in (X, y, s)),
        "small integers": (X, y.astype(np.int8), s),
        "floats": (X, y.astype(float), s.astype(np.float32)),
        "Fortran": (np.asfortranarray(X), y.astype(np.uint16), s),
    }
    expected = engine.nll_and_gradient(w, X, y, sample_weight=s)
    for given in forms.values():
        kept = [a.copy() for a in given]
        for array in given:
            array.flags.writeable = False
        found = engine.nll_and_gradient(w, given[0], given[1], sample_weight=given[2])
        compare.same(found[1], expected[1])
        for array, before in zip(given, kept, strict=True):
            compare.same(array, before)


PROGRAM = """
import sys
{before}
import numpy as np
from reference_impl.engine import compiled, logistic
assert compiled.loops(np.dtype(float)) is None
print(logistic.nll_gradient([0.0], [[1.0], [3.0]], [0, 1]).tolist())
"""


@pytest.mark.parametrize(
    ("before", "variable"),
    [
        ("sys.modules['numba'] = None", {}),
        ("", {"NUMBA_DISABLE_JIT": "1"}),
    ],
    ids=["without numba", "told not to compile"],
)
def test_numpy_computes_where_nothing_is_compiled(before, variable, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)],
        env={**os.environ, **variable},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[-1.0]"


@pytest.mark.parametrize(
    "error", [RuntimeError("no folder"), OSError("disk full"), ImportError("NumPy")]
)
def test_numba_that_does_not_work(error, monkeypatch):
    def fails(*arguments, **keywords):
        raise error

    monkeypatch.setattr(numba, "njit", fails)
    assert compiled.loops.__wrapped__(DOUBLE) is None


@pytest.mark.parametrize("K", [2, 3])
def test_the_source_computes_the_same_in_python(K):
    """What is compiled is what can be read: only the rounding of its sums differs."""
    reference, _, w, X, y, s = problem(11, 3, K)
    losses, gradients = np.empty((2, 11)), np.empty((2, *w.shape))
    blocks = np.stack([X, -X]), np.stack([y, y]), np.stack([s, s])
    compute = (source.logistic if K == 2 else source.softmax)("this file")
    assert compute(w, *blocks, losses, gradients, True)
    for block, sign in enumerate((1.0, -1.0)):
        found = losses[block].sum(), gradients[block]
        right(found, reference.nll_and_gradient(w, sign * X, y, sample_weight=s), K, "in Python")
