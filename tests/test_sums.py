"""A pass over blocks of rows: the same result however the rows are cut, stored or shared out.

The results themselves are held against oracles in test_logistic and test_softmax.
"""

import importlib
import threading
import tracemalloc

import compare
import numpy as np
import pytest
import threadpoolctl

from reference_impl import softmax as reference
from reference_impl.engine import compiled, logistic, softmax, sums

MODULES = {"logistic": logistic, "softmax": softmax}
each_module = pytest.mark.parametrize("module", MODULES)


def data(module, N=500, n=3, K=4, seed=5):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, n))
    if module == "logistic":
        return rng.standard_normal(n), X, rng.integers(0, 2, N)
    return rng.standard_normal((K, n)), X, rng.integers(0, K, N)


def results(module, w, X, y, **more):
    functions = MODULES[module]
    return {
        "nll": functions.nll(w, X, y, **more),
        "nll_gradient": functions.nll_gradient(w, X, y, **more),
        "nll_hessian": functions.nll_hessian(w, X, y, **more),
        "nll_hvp": functions.nll_hvp(w, X, y, w[::-1], **more),
    }


@pytest.fixture(autouse=True, params=["loops", "NumPy"])
def way(request, monkeypatch):
    """Compiled loops, and what computes where they are missing."""
    if request.param == "NumPy":
        monkeypatch.setattr(compiled, "loops", lambda dtype: None)
    else:
        assert compiled.loops(np.dtype(float)) is not None
    return request.param


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of a few rows, so that little data makes many."""
    monkeypatch.setattr(sums, "CACHE", 2048)


@each_module
@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_add_up(module, weighted, monkeypatch):
    """Many blocks, and one; 500 rows are not a multiple of the blocks' rows."""
    w, X, y = data(module)
    s = np.random.default_rng(1).integers(0, 4, len(X)) / 4.0 if weighted else None
    one = results(module, w, X, y, sample_weight=s)
    monkeypatch.setattr(sums, "CACHE", 2048)
    assert sums.fitting(X.shape[1] + 4) < len(X) / 10
    for name, value in results(module, w, X, y, sample_weight=s).items():
        compare.check(
            value,
            one[name].tolist(),
            statement=f"{module}.{name}",
            oracle="identity",
            case=f"blocks, weighted={weighted}",
            ulp=64,
        )


@each_module
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_the_engine_is_the_reference(module, scale):
    """The same numbers, however confident the answers are; sums of 500 terms."""
    w, X, y = data(module)
    s = np.random.default_rng(1).integers(0, 4, len(X)) / 4.0
    reference = importlib.import_module(f"reference_impl.{module}")
    for name, value in results(module, scale * w, X, y, sample_weight=s).items():
        direction = (scale * w[::-1],) if name == "nll_hvp" else ()
        compare.check(
            value,
            getattr(reference, name)(scale * w, X, y, *direction, sample_weight=s).tolist(),
            statement=f"{module}.{name}",
            oracle="reference",
            case=f"engine, scale {scale}",
            ulp=64,
        )


@each_module
@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_change_nothing(module, threads, small_blocks):
    w, X, y = data(module)
    with threadpoolctl.threadpool_limits(1):
        alone = results(module, w, X, y)
        for name, value in results(module, w, X, y, threads=threads).items():
            compare.same(value, alone[name])


def test_no_more_threads_than_runs_are_started(small_blocks, monkeypatch):
    started = []
    start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda t: (started.append(t), start(t))[1])
    w, X, y = data("logistic")
    logistic.nll(w, X, y, threads=1000)
    assert 1 <= len(started) < len(X) / 10


@pytest.mark.parametrize("number", [1, 2])
def test_an_error_ends_all_threads(number):
    """Whichever thread it is raised in: the others end with what they have begun."""
    called, lock = [], threading.Lock()

    def make(m):
        def of_block(X, y, s):
            with lock:
                called.append(m)
                if len(called) == number:
                    raise MemoryError
            return (np.zeros(len(X)),)

        return of_block

    rows = sums.rows(np.ones((20_000, 1)), np.zeros(20_000, int), None, 2)
    with pytest.raises(MemoryError):
        sums.total(make, rows, 7, ["the sum"], threads=2)
    assert len(called) < 2_000


def test_an_interrupt_while_threads_start_ends_the_pass(small_blocks, monkeypatch):
    class Interrupted(sums.ThreadPoolExecutor):
        def submit(self, *arguments):
            raise KeyboardInterrupt

    called = []
    look = sums.are_right
    monkeypatch.setattr(sums, "ThreadPoolExecutor", Interrupted)
    monkeypatch.setattr(sums, "are_right", lambda *more: (called.append(1), look(*more))[1])
    w, X, y = data("logistic")
    with pytest.raises(KeyboardInterrupt):
        logistic.nll(w, X, y, threads=2)
    assert not called


def test_threads_are_used(small_blocks):
    """Two threads wait for each other: a pass in one thread alone would never get on."""
    _, X, y = data("logistic")
    rows = sums.rows(X, y, None, 2)
    meeting = threading.Barrier(2, timeout=30)

    def make(m):
        meeting.wait()
        return lambda X, y, s: ([y.size],)

    (count,) = sums.total(make, rows, 50, ["the count"], threads=2)
    assert count == len(X)


@pytest.mark.parametrize("N", [1, 2, 31, 32, 33, 1000])
@pytest.mark.parametrize("most", [1, 2, 32, 5000])
def test_each_row_is_in_one_block(N, most):
    """Sum of 2^i over all rows, as exact fractions of the weights: each row once, in order."""
    y = np.arange(N) % 2
    seen = []

    def make(m):
        assert 1 <= m <= most

        def of_block(X, y, s):
            assert X.shape == (1, y.size, 1) and y.size <= m
            seen.extend(X[0, :, 0])
            return ([y.size],)

        return of_block

    rows = sums.rows(np.arange(N, dtype=float)[:, np.newaxis], y, None, 2)
    (count,) = sums.total(make, rows, most, ["the count"])
    assert count == N and seen == list(range(N))


@pytest.mark.parametrize("N", [1, 32, 999, 5000])
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_take_several_blocks(N, threads):
    """Each row is in one block; a part of each block is added, in the order of the blocks."""
    seen = []

    def make(m):
        def of_blocks(X, y, s):
            assert X.shape == (*y.shape, 1) and y.size <= m
            seen.append(X)
            return (X.sum(axis=(1, 2)),)

        return of_blocks

    rows = sums.rows(np.arange(N, dtype=float)[:, np.newaxis], np.arange(N) % 2, None, 2)
    (total,) = sums.total(make, rows, 7, ["the sum"], threads=threads, together=(1, sums.LONGEST))
    assert total == N * (N - 1) / 2
    assert sorted(np.concatenate([X.ravel() for X in seen]).tolist()) == list(range(N))
    if threads == 1:
        assert np.concatenate([X.ravel() for X in seen]).tolist() == list(range(N))
    # The rest, which one of two threads may see first, is at the end of the rows.
    assert all(X.shape[1] == min(N, 7) or X.flat[-1] == N - 1 for X in seen)
    most = max(len(X) for X in seen)
    assert most == (min(sums.LONGEST, -(-N // 28)) if threads > 1 else 1)


FORMS = {
    "float32": lambda X: X.astype(np.float32),
    "integers": lambda X: X.astype(np.int16),
    "Fortran": np.asfortranarray,
    "byte-swapped": lambda X: X.astype(">f8"),
    "strided": lambda X: np.repeat(X, 3, axis=1)[:, ::3],
    "reversed": lambda X: np.ascontiguousarray(X[::-1])[::-1],
}


@each_module
@pytest.mark.parametrize("form", FORMS)
def test_another_type_or_layout_is_converted_block_by_block(module, form, small_blocks):
    w, X, y = data(module)
    X = np.round(8 * X)
    expected = results(module, w, X, y)
    for name, value in results(module, w, FORMS[form](X), y).items():
        compare.same(value, expected[name])


@each_module
@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("zero", [False, True])
def test_a_number_that_is_not_finite_is_named_in_any_block(
    module, place, number, zero, small_blocks
):
    """Also where it is multiplied by a coefficient 0 or a weight 0, and where the loss is 0."""
    w, X, y = data(module)
    row = 0 if place == "first" else len(X) - 1
    X[row, 1] = number
    s = np.ones(len(X))
    if zero:
        w[..., 1] = 0.0
        s[row] = 0.0
    functions = MODULES[module]
    for label in range(2):
        y[row] = label
        for function, more in [
            (functions.nll, ()),
            (functions.nll_gradient, ()),
            (functions.nll_and_gradient, ()),
            (functions.nll_hessian, ()),
            (functions.nll_hvp, (w,)),
        ]:
            with pytest.raises(ValueError, match=rf"^X: .*given {number:g} at index \({row}, 1\)"):
                function(w, X, y, *more, sample_weight=s)


def test_infinite_logits_on_the_right_side_are_no_loss_of_zero():
    """z = (inf, -inf), y = 0: nothing in the loss log(1 + e^-inf) would tell."""
    with pytest.raises(ValueError, match=r"^X: .*given inf at index \(0, 0\)"):
        softmax.nll([[1.0], [-1.0]], [[np.inf]], [0])
    with pytest.raises(ValueError, match=r"^X: .*given -inf at index \(0, 0\)"):
        logistic.nll([1.0], [[-np.inf]], [0])


@pytest.mark.parametrize("weighted", [False, True])
def test_both_ways_to_the_hessian_of_softmax(weighted):
    """Over the features and over the pairs of classes; test_softmax has the oracles of each."""
    W, X, y = data("softmax", N=60, n=5, K=4)
    s = np.random.default_rng(2).integers(0, 4, len(X)) / 4.0 if weighted else None
    ways = softmax.hessian_over_features, softmax.hessian_over_classes
    features, classes = (np.triu(way(W, len(X))(X, y, s)[0]) for way in ways)
    compare.check(
        features,
        classes.tolist(),
        statement="softmax.nll_hessian",
        oracle="identity",
        case=f"two ways, weighted={weighted}",
        ulp=32,
    )


@each_module
@pytest.mark.parametrize("wrong", [-1, 7, 0.5, np.nan])
def test_a_wrong_label_in_a_late_block(module, wrong, small_blocks):
    w, X, y = data(module)
    y = y.astype(type(wrong))
    y[-2] = wrong
    with pytest.raises(ValueError, match=rf"^y: expected .*given {wrong:g} at index 498"):
        MODULES[module].nll(w, X, y)


@each_module
@pytest.mark.parametrize("wrong", [-1.0, np.inf, np.nan])
def test_a_wrong_weight_in_a_late_block(module, wrong, small_blocks):
    w, X, y = data(module)
    s = np.ones(len(X))
    s[-2] = wrong
    with pytest.raises(ValueError, match=rf"^sample_weight: .*given {wrong:g} at index 498"):
        MODULES[module].nll_gradient(w, X, y, sample_weight=s, threads=2)


def check_in_float32(value, expected, module, case, ulp):
    """The ulp are those of float32: the error is looked at beside a number 2^29 times as large."""
    offset = 2.0**29 * np.abs(expected).max()
    compare.check(
        offset + (value - expected),
        np.full(np.shape(expected), offset).tolist(),
        statement=f"{module}.nll",
        oracle="identity",
        case=f"float32, {case}",
        ulp=ulp,
    )


@each_module
def test_float32(module):
    """Computed in float32, added in float64: the type of the result says float64."""
    w, X, y = data(module, N=2000, n=20)
    exact = MODULES[module].nll_and_gradient(w, X, y)
    for given in (X, X.astype(np.float32)):
        single = MODULES[module].nll_and_gradient(w, given, y, dtype=np.float32)
        for value, expected in zip(single, exact, strict=True):
            assert value.dtype == np.float64
            assert (value != expected).all()  # float32 was used
            check_in_float32(value, expected, module, "random", ulp=32)
        compare.same(MODULES[module].nll(w, given, y, dtype="float32"), single[0])


@each_module
def test_saturated_in_float32(module):
    """A loss of 200 and one of e^-40, where e^200 overflows in float32."""
    for t, loss in ((200.0, 200.0), (-40.0, np.exp(-40.0))):
        w = [t] if module == "logistic" else [[0.0], [t]]
        found = MODULES[module].nll(w, [[1.0]], [0], dtype=np.float32)
        check_in_float32(found, np.float64(loss), module, f"t={t}", ulp=2)


def test_beyond_the_range_of_float32():
    with pytest.raises(ValueError, match=r"the NLL exceeds the range of float32 \(3.4e\+38\)"):
        logistic.nll([1e30], [[1e30]], [0], dtype=np.float32)


def test_two_overflows_keep_their_ratio():
    """e^z overflows for two wrong classes: their residuals are still those of softmax.

    Also where the right logit is so far away that its distances to the others are the same number.
    """
    e, rest = "0.268941421369995120748840758187", "0.731058578630004879251159241813"
    for z_y, loss in ((0.0, "2001.31326168751822283404899548949"), (-1e17, "100000000000002001.3")):
        W = [[z_y], [2000.0], [2001.0]]
        value, gradient = softmax.nll_and_gradient(W, [[1.0]], [0])
        for name, found, expected in [
            ("softmax.nll", value, loss),
            ("softmax.nll_gradient", gradient, [[-1], [e], [rest]]),
        ]:
            case = f"two overflows, z_y = {z_y}"
            compare.check(found, expected, statement=name, oracle="by hand", case=case, ulp=4)


@each_module
@pytest.mark.parametrize(
    ("keyword", "wrong", "error"),
    [
        ("threads", 0, ValueError),
        ("threads", 1.0, TypeError),
        ("threads", None, TypeError),
        ("dtype", np.float16, ValueError),
        ("dtype", int, ValueError),
        ("dtype", None, ValueError),
        ("dtype", "no type", TypeError),
    ],
)
def test_keywords(module, keyword, wrong, error):
    with pytest.raises(error, match=rf"^{keyword}: expected .*given"):
        MODULES[module].nll_and_gradient(*data(module), **{keyword: wrong})


@each_module
@pytest.mark.parametrize("stored", [np.float64, np.float32])
def test_memory_does_not_grow_with_N(module, stored, way, monkeypatch):
    """X is not copied, and no array of N numbers is made; the second set is four times larger."""
    functions, peaks, sizes = MODULES[module], [], (50_000, 200_000)
    if (
        way == "loops"
    ):  # these take a few blocks at once: smaller ones, or the first set has too few
        monkeypatch.setattr(sums, "CACHE", 2**19)
        sizes = (100_000, 400_000)
    for N in sizes:
        w, X, y = data(module, N=N, n=20, K=3)
        X, s = X.astype(stored), np.ones(N)
        for function, more in [
            (functions.nll_and_gradient, ()),
            (functions.nll_hessian, ()),
            (functions.nll_hvp, (w,)),
        ]:
            tracemalloc.start()
            function(w, X, y, *more, sample_weight=s)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    half = len(peaks) // 2
    for small, large in zip(peaks[:half], peaks[half:], strict=True):
        assert large < 1.1 * small + 50_000
    assert max(peaks) < 8 * sums.CACHE


def test_one_overflow_among_many():
    """Rows near 31, where e^t has all its digits, beside one at 800, where it overflows."""
    t = np.append(np.linspace(29.0, 33.0, 200), 800.0)
    y = np.zeros(201, dtype=int)
    reference = importlib.import_module("reference_impl.logistic")
    for name in ("nll", "nll_gradient"):
        compare.check(
            getattr(logistic, name)([1.0], t[:, np.newaxis], y),
            getattr(reference, name)([1.0], t[:, np.newaxis], y).tolist(),
            statement=f"logistic.{name}",
            oracle="reference",
            case="one overflow",
            ulp=4,
        )


@each_module
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("far", [1.0, 40.0])
def test_a_small_weight_leaves_all_digits(module, dtype, far):
    """With the same power of two for every weight each gradient is that power of two times as large."""
    w, X, y = data(module, N=200)
    for power in (-20, -33):
        plain, scaled = (
            MODULES[module].nll_gradient(far * w, X, y, sample_weight=s, dtype=dtype)
            for s in (np.ones(200), np.full(200, 2.0**power))
        )
        compare.same(scaled, 2.0**power * plain)


def test_a_small_weight_beside_an_overflow():
    W, X = np.array([[0.0], [1.0]]), np.array([[700.0], [720.0]])
    s = np.full(2, 2.0**-66)
    expected = 2.0**-66 * 1420.0
    compare.check(softmax.nll_gradient(W, X, [0, 0], sample_weight=s), [[-expected], [expected]], ulp=4,
                  statement="softmax.weighted", oracle="identity", case="a small weight")  # fmt: skip


@pytest.mark.parametrize(("size", "weight"), [(1e-170, 1e100), (1e200, 1e-300), (1.0, 1e-300)])
def test_products_of_weights_and_features_stay_in_range(size, weight):
    """The weight of a data point comes to its features before they are multiplied."""
    W, X, y = data("softmax", N=30, K=3)
    s = np.full(30, weight)
    found = softmax.nll_hessian(W / size, size * X, y, sample_weight=s)
    exact = reference.nll_hessian(W / size, size * X, y, sample_weight=s)
    compare.check(found, exact.tolist(), ulp=64, statement="softmax.nll_hessian", oracle="reference",
                  case=f"features of {size}, weights of {weight}")  # fmt: skip


@each_module
@pytest.mark.parametrize(
    "name", ["nll", "nll_gradient", "nll_and_gradient", "nll_hessian", "nll_hvp"]
)
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_logits_beyond_the_range_are_refused(module, name, sign):
    """As by the reference, also where loss and residual would be 0."""
    w, X, y = data(module, N=9)
    w = 1e300 * sign * np.abs(w)
    w[:1] *= module == "logistic"  # of classes the first logit is 0, the others are all far off
    X *= 1e-300
    X[4] = 1e10
    for label in range(2):
        y[4] = label
        direction = [np.ones_like(w)] if name == "nll_hvp" else []
        with (
            np.errstate(all="raise"),
            pytest.raises(ValueError, match="exceeds the range of float64"),
        ):
            getattr(MODULES[module], name)(w, X, y, *direction)


def test_a_hessian_whose_sum_of_blocks_is_beyond_the_range():
    with (
        np.errstate(all="raise"),
        pytest.raises(ValueError, match=r"^the Hessian of the NLL exceeds"),
    ):
        softmax.nll_hessian(np.zeros((3, 1)), [[1.2e154]] * 9, [0] * 9)
