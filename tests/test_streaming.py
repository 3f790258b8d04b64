"""Sums over blocks: equal to the whole, in constant memory, and errors that name the block."""

import io
import itertools
import math
import tracemalloc
import weakref
from fractions import Fraction

import compare
import designs
import numpy as np
import pytest
from rich.console import Console
from rich.progress import track

from reference_impl import logistic, softmax
from reference_impl.engine import estimation, logistic as engine_logistic, streaming
from reference_impl.engine.estimation import newton
from reference_impl.engine.fit import Terms
from reference_impl.engine.minimisation import ConvergenceError
from reference_impl.engine.separation import SeparationError
from reference_impl.engine.streaming import Blocks, Shown, total

N, n, K = 600, 4, 3
RNG = np.random.default_rng(12)
X = RNG.normal(size=(N, n))
w, v = RNG.normal(size=n), RNG.normal(size=n)
W, V = RNG.normal(size=(K, n)), RNG.normal(size=(K, n))
y = (RNG.random(N) < 1 / (1 + np.exp(-X @ w))).astype(np.int64)
classes = RNG.integers(0, K, N)
s = RNG.integers(0, 4, N) / 2

FUNCTIONS = {
    "logistic.nll": (logistic.nll, w, y, ()),
    "logistic.nll_gradient": (logistic.nll_gradient, w, y, ()),
    "logistic.nll_hessian": (logistic.nll_hessian, w, y, ()),
    "logistic.nll_hvp": (logistic.nll_hvp, w, y, (v,)),
    "softmax.nll": (softmax.nll, W, classes, ()),
    "softmax.nll_gradient": (softmax.nll_gradient, W, classes, ()),
    "softmax.nll_hessian": (softmax.nll_hessian, W, classes, ()),
    "softmax.nll_hvp": (softmax.nll_hvp, W, classes, (V,)),
}
each_function = pytest.mark.parametrize("statement", FUNCTIONS)


# ------------------------------------------------------------------ equal to the whole


@each_function
@pytest.mark.parametrize("weights", [None, s], ids=["no weights", "weights"])
def test_equal_to_the_whole(statement, weights):
    function, point, labels, direction = FUNCTIONS[statement]
    expected = function(point, X, labels, *direction, sample_weight=weights)
    for rows in (1, 7, 100, N - 1, N, N + 1):
        compare.check(
            total(function, point, Blocks(X, labels, weights, rows=rows), *direction),
            expected.tolist(),
            statement=statement,
            oracle="identity",
            case=f"blocks of {rows} rows",
            ulp=64,
        )


@pytest.mark.parametrize("design", designs.LOGISTIC + designs.SOFTMAX, ids=str)
def test_designs(design):
    """Saturated, unbalanced, tied: one row at a time, where one row may have no weight."""
    concept, point = (
        (logistic, design.w) if isinstance(design, designs.Logistic) else (softmax, design.W)
    )

    def all_three(*given, **more):
        return *concept.nll_and_gradient(*given, **more), concept.nll_hessian(*given, **more)

    whole = all_three(point, design.X, design.y, sample_weight=design.s)
    sums = total(all_three, point, Blocks(design.X, design.y, design.s, rows=1))
    names = ("nll", "nll_gradient", "nll_hessian")
    for name, actual, expected in zip(names, sums, whole, strict=True):
        compare.check(
            actual,
            expected.tolist(),
            statement=f"{concept.__name__.split('.')[-1]}.{name}",
            oracle="identity",
            case=f"{design}, by rows",
            ulp=64,
        )


@each_function
def test_one_block_is_the_whole(statement):
    function, point, labels, direction = FUNCTIONS[statement]
    compare.same(
        total(function, point, [(X, labels, s)], *direction),
        function(point, X, labels, *direction, sample_weight=s),
    )


def test_the_hessian_stays_symmetric():
    H = total(logistic.nll_hessian, w, Blocks(X, y, rows=7))
    compare.same(H, H.T.copy())


def test_blocks_with_and_without_weights():
    mixed = [(X[:200], y[:200]), (X[200:], y[200:], s[200:])]
    weights = np.concatenate([np.ones(200), s[200:]])
    compare.check(
        total(logistic.nll_gradient, w, mixed),
        logistic.nll_gradient(w, X, y, sample_weight=weights).tolist(),
        statement="logistic.nll_gradient",
        oracle="identity",
        case="blocks with and without weights",
        ulp=64,
    )


def test_a_block_without_weight_counts_nothing_but_is_checked():
    heavy, none = (X[:9], y[:9]), np.zeros(9)
    compare.same(
        total(logistic.nll_gradient, w, [(X[9:18], y[9:18], none), heavy]),
        logistic.nll_gradient(w, *heavy),
    )
    with pytest.raises(ValueError, match=r"^X: expected numbers, given nan .*, in block 1"):
        total(logistic.nll, w, [heavy, (np.where(X[:9] > 0, np.nan, X[:9]), y[:9], none)])
    with pytest.raises(ValueError, match=r"^sample_weight: expected shape \(9,\) .* in block 1"):
        total(logistic.nll, w, [heavy, (*heavy, np.zeros(8))])
    with pytest.raises(ValueError, match=r"^sample_weight: .*one weight > 0, given all zero$"):
        total(logistic.nll, w, [(*heavy, none), (*heavy, none)])


def test_parts_are_weight_and_results():
    first = Terms(1, n).first  # products, weight of each class, rows, smallest weight
    found = list(streaming.parts(first, w, Blocks(X, y, s + 0.25, rows=250)))
    assert len(found) == 3
    for start, (weight, products, totals, count, least) in zip(
        range(0, N, 250), found, strict=True
    ):
        rows = slice(start, start + 250)
        weights, labels = s[rows] + 0.25, y[rows]
        counts = [weights[labels == c].sum() for c in (0, 1)]
        assert (weight, count, least) == (weights.sum(), len(labels), 0.25)
        assert totals.tolist() == counts
        compare.check(products, ((X[rows].T * weights) @ X[rows]).tolist(), ulp=32,
                      statement="logistic.blocks", oracle="identity", case="products")  # fmt: skip


# ----------------------------------------------------------------------- the addition


def test_the_error_does_not_grow_with_the_number_of_blocks():
    """The sum is the exact one, rounded, where plain addition loses many digits."""
    terms = RNG.random(100_000)
    assert math.fsum(terms) != sum(terms.tolist())
    compare.same(streaming.add((np.float64(1), t) for t in terms), np.float64(math.fsum(terms)))


def test_small_terms_beside_large_ones():
    terms = np.array([[1.0, 1e100], [1e100, 1.0], [1.0, -1e100], [-1e100, 1.0]])
    compare.same(streaming.add((np.float64(1), term) for term in terms), np.array([2.0, 2.0]))


def test_a_sum_beyond_the_range():
    huge = np.array([[1e154, 1.0]])
    block = (huge, np.array([0]))
    function, point = logistic.nll_gradient, np.array([1e-154, 1.0])
    assert np.isfinite(total(function, point, [block])).all()
    many = [(1e154 * huge, np.array([0]))] * 4
    with pytest.raises(ValueError, match=r"^the sum over the blocks exceeds the range of float64"):
        total(function, np.array([1e-308, 0.0]), many)


# ----------------------------------------------------------------- files and iterables


@pytest.fixture
def files(tmp_path):
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    return tmp_path


def test_npy_files(files):
    mapped = [np.load(files / f"{name}.npy", mmap_mode="r") for name in ("X", "y")]
    before = (files / "X.npy").read_bytes()
    compare.same(
        total(logistic.nll_hessian, w, Blocks(*mapped, rows=50)),
        total(logistic.nll_hessian, w, Blocks(X, y, rows=50)),
    )
    assert (files / "X.npy").read_bytes() == before
    assert all(np.shares_memory(block[0], mapped[0]) for block in Blocks(*mapped, rows=50))


def test_raw_float32_files(tmp_path):
    X.astype(np.float32).tofile(tmp_path / "X.bin")
    mapped = np.memmap(tmp_path / "X.bin", dtype=np.float32, mode="r", shape=(N, n))
    compare.same(
        total(logistic.nll_gradient, w, Blocks(mapped, y.tolist(), rows=50)),
        total(logistic.nll_gradient, w, Blocks(X.astype(np.float32), y, rows=50)),
    )


def test_number_of_blocks():
    assert [len(Blocks(X, y, rows=rows)) for rows in (1, 7, N - 1, N, N + 1)] == [N, 86, 2, 1, 1]
    for rows in (1, 7, N - 1, N, N + 1):
        blocks = list(Blocks(X, y, s, rows=rows))
        assert len(blocks) == len(Blocks(X, y, rows=rows))
        for joined, whole in zip(map(np.concatenate, zip(*blocks, strict=True)), (X, y, s),
                                 strict=True):  # fmt: skip
            compare.same(joined, whole)
    wide = np.broadcast_to(1.0, (10**6, 2**10))
    assert Blocks(wide, np.broadcast_to(1, 10**6)).rows == 2**24 // (8 * 2**10)


def test_a_generator_for_one_pass():
    blocks = Blocks(X, y, rows=50)
    expected = total(logistic.nll, w, blocks)
    compare.same(total(logistic.nll, w, (block for block in blocks)), expected)
    compare.same(total(logistic.nll, w, [list(block) for block in blocks]), expected)


def test_progress():
    console = Console(file=io.StringIO())
    blocks = Blocks(X, y, rows=50)
    compare.same(
        total(logistic.nll, w, track(blocks, console=console)), total(logistic.nll, w, blocks)
    )
    fit = newton(Shown(blocks, lambda blocks: track(blocks, "pass", console=console)))
    assert "pass" in console.file.getvalue() and "100%" in console.file.getvalue()
    compare.same(fit.w, newton(blocks).w)


def test_two_blocks_at_most_are_alive():
    alive = []

    def blocks():
        for _ in range(10):
            assert sum(reference() is not None for reference in alive) <= 1
            rows = RNG.normal(size=(50, n))
            alive.append(weakref.ref(rows))
            yield rows, np.zeros(50)
            del rows

    total(logistic.nll_and_gradient, w, blocks())
    assert len(alive) == 10


def peak(function, rows):
    """Bytes allocated at most in a pass over a memory map of so many rows, in blocks of 1,000."""
    X, y = np.broadcast_to(np.array([1.0, 0.5, -1.0]), (rows, 3)), np.broadcast_to(1, rows)
    tracemalloc.start()
    function(Blocks(X, y, rows=1000))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@pytest.mark.parametrize(
    "function",
    [
        lambda blocks: total(logistic.nll_and_gradient, np.ones(3), blocks),
        lambda blocks: total(softmax.nll_hessian, np.ones((2, 3)), blocks),
        lambda blocks: newton(blocks, penalty=1.0),
    ],
    ids=["gradient", "softmax Hessian", "fit"],
)
def test_memory_does_not_grow(function):
    peak(function, 1000)  # what is allocated once, such as caches
    few, many = peak(function, 2_000), peak(function, 32_000)
    assert 1000 * 3 * 8 < few < 2**18
    assert many < 2 * few  # for 16 times the data, which take 0.8 MB


# ---------------------------------------------------------------------------- the fit


@pytest.mark.parametrize("weights", [None, s], ids=["no weights", "weights"])
@pytest.mark.parametrize("penalty", [0.0, 0.5])
def test_newton(weights, penalty):
    fit = newton(Blocks(X, y, weights, rows=70), penalty=penalty)
    expected = estimation.newton(X, y, sample_weight=weights, penalty=penalty)
    for name in ("w", "covariance", "standard_errors"):
        compare.check(
            getattr(fit, name),
            getattr(expected, name).tolist(),
            statement="logistic.newton_step",
            oracle="identity",
            case=f"by blocks, {name}",
            ulp=64,
        )
    blocks = Blocks(X, y, weights, rows=70)
    nll, gradient = total(engine_logistic.nll_and_gradient, fit.w, blocks)
    compare.same(np.float64(fit.nll), nll)
    compare.check(
        np.float64(fit.gradient_norm),
        np.linalg.norm(gradient + penalty * fit.w),
        statement="logistic.newton_step",
        oracle="identity",
        case="norm of the gradient",
        ulp=2,
    )
    assert fit.gradient_norm < 1e-12 * np.linalg.norm(logistic.nll_gradient(0 * w, X, y))


def test_one_pass_a_step():
    passes = []

    class Counted(Blocks):
        def __iter__(self):
            passes.append(1)
            return super().__iter__()

    # Beside the steps: a look at the first block, what does not depend on w, the start, and at
    # the last point the covariance, and whether the data overlap.
    for penalty in (0.0, 1.0):
        passes.clear()
        fit = newton(Counted(X, y, rows=100), penalty=penalty)
        assert len(passes) == fit.iterations + 4
    passes.clear()
    fit = estimation.multinomial(Counted(X, classes, rows=100), K=K)
    assert len(passes) == fit.iterations + 4


@pytest.mark.parametrize("weights", [None, s], ids=["no weights", "weights"])
@pytest.mark.parametrize("penalty", [0.0, 0.5])
def test_multinomial(weights, penalty):
    """As in one piece, in either coding."""
    for reference in (None, 1):
        more = {"reference": reference, "penalty": penalty, "tol": 1e-12}
        fit = estimation.multinomial(Blocks(X, classes, weights, rows=70), K=K, **more)
        expected = estimation.multinomial(X, classes, K, sample_weight=weights, **more)
        for name in ("w", "covariance", "standard_errors"):
            compare.check(
                getattr(fit, name),
                getattr(expected, name).tolist(),
                statement="softmax.newton_step",
                oracle="identity",
                case=f"by blocks, reference {reference}, {name}",
                ulp=64,
            )
        compare.check(
            np.float64(fit.null_nll),
            expected.null_nll,
            statement="softmax.nll",
            oracle="identity",
            case="null model by blocks",
            ulp=4,
        )


def test_multinomial_completely_separated():
    labels = (X @ W.T).argmax(axis=1)
    with pytest.raises(SeparationError, match=r"completely separated, .*penalty > 0") as error:
        estimation.multinomial(Blocks(X, labels, rows=70), K=K)
    margins = X @ error.value.direction.T
    own = margins[np.arange(N), labels]
    margins[np.arange(N), labels] = -np.inf
    assert (own > margins.max(axis=1)).all() and error.value.complete


def test_completely_separated():
    labels = (X @ w > 0).astype(np.int64)
    with pytest.raises(SeparationError, match=r"completely separated, .*penalty > 0") as error:
        newton(Blocks(X, labels, rows=70))
    assert ((2 * labels - 1) * (X @ error.value.direction) > 0).all()
    assert np.isfinite(newton(Blocks(X, labels, rows=70), penalty=1.0).w).all()


def test_one_class_only():
    ones = np.column_stack([np.ones(N), X])
    with pytest.raises(SeparationError):
        newton(Blocks(ones, np.ones(N), rows=70))


def test_points_without_weight_do_not_take_part():
    labels = (X @ w > 0).astype(np.int64)
    wrong = np.arange(N) % 50 == 0
    labels[wrong] = 1 - labels[wrong]
    newton(Blocks(X, labels, rows=70))
    with pytest.raises(SeparationError):
        newton(Blocks(X, labels, (~wrong).astype(float), rows=70))


QUASI = np.column_stack([np.ones(40), np.repeat([0.0, 1.0], 20)])
HALF = np.concatenate([np.tile([0, 1], 10), np.ones(20, dtype=np.int64)])


@pytest.mark.parametrize(
    ("rows", "labels"),
    [(QUASI, HALF), (X[:, [0, 1, 0]], y), (X[:2], y[:2])],
    ids=["quasi-complete", "dependent columns", "fewer rows than columns"],
)
def test_no_unique_estimate(rows, labels):
    """Never a finite answer: it says why not, and what helps."""
    with pytest.raises((ConvergenceError, SeparationError), match=r"separated.*penalty > 0"):
        newton(Blocks(rows, labels, rows=11))
    assert np.isfinite(newton(Blocks(rows, labels, rows=11), penalty=1.0).w).all()


def test_too_few_steps():
    with pytest.raises(ConvergenceError, match=r"after 2 steps"):
        newton(Blocks(X, y, rows=70), max_iter=2)


# ------------------------------------------------------------------------- bad blocks


def with_nan(rows):
    rows = rows.copy()
    rows[17, 2] = np.nan
    return rows


GOOD = (X[:100], y[:100])
WRONG = {
    "nan": ((with_nan(X[:100]), y[:100]), ValueError, r"X: .*given nan at index \(17, 2\)"),
    "n": ((X[:100, :3], y[:100]), ValueError, r"w: expected shape \(3,\) .*\(100, 3\), given"),
    "more columns": (
        (np.tile(X[:100], 2), y[:100]),
        ValueError,
        r"w: expected shape \(8,\)",
    ),
    "length of y": ((X[:100], y[:99]), ValueError, r"y: expected shape \(100,\) .*\(99,\)"),
    "labels": ((X[:100], y[:100] + 1), ValueError, r"y: expected integers from 0 to 1, given 2"),
    "strings": ((X[:100].astype(str), y[:100]), TypeError, r"X: expected real numbers"),
    "weights": ((*GOOD, -np.ones(100)), ValueError, r"sample_weight: expected weights >= 0"),
    "nan weights": ((*GOOD, np.full(100, np.nan)), ValueError, r"sample_weight: expected numbers"),
    "no rows": ((X[:0], y[:0]), ValueError, r"X: expected a matrix .*given shape \(0, 4\)"),
    "an array": (X[:100], TypeError, r"blocks: expected \(X_b, y_b\) or .*given ndarray"),
    "X alone": ((X[:100],), TypeError, r"blocks: expected .*given tuple of length 1"),
    "four": ((*GOOD, s[:100], 1), TypeError, r"blocks: expected .*given tuple of length 4"),
    "None": (None, TypeError, r"blocks: expected .*given NoneType"),
    "a dictionary": ({"X": 1, "y": 2}, TypeError, r"blocks: expected .*given dict"),
}

FIRST = r"X: expected as many columns as in the first block, 4, given shape"
OF_A_FIT = {"n": rf"{FIRST} \(100, 3\)", "more columns": rf"{FIRST} \(100, 8\)"}  # no w is given


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("index", [0, 1, 3])
def test_the_wrong_block_is_named(wrong, index):
    block, error, message = WRONG[wrong]
    blocks = [GOOD, GOOD, GOOD, GOOD]
    blocks[index] = block
    where = rf", in block {index} \(from row {100 * index}\)$"
    with pytest.raises(error, match=f"^{message}.*{where}"):
        total(logistic.nll, w, blocks)
    if index:
        with pytest.raises(error, match=f"^{OF_A_FIT.get(wrong, message)}.*{where}"):
            newton(blocks)


@pytest.mark.parametrize("blocks", [[], (), iter([])], ids=["list", "tuple", "iterator"])
def test_no_block(blocks):
    with pytest.raises(ValueError, match=r"^blocks: expected at least one block, given none$"):
        total(logistic.nll, w, blocks)


def test_what_is_no_iterable():
    for blocks in (None, 3, len):
        for call in (lambda b: total(logistic.nll, w, b), newton):
            with pytest.raises(TypeError, match=r"^blocks: expected an iterable of .*, given \w+"):
                call(blocks)
    with pytest.raises(TypeError, match=r"^blocks: expected .*given ndarray, in block 0"):
        total(logistic.nll, w, (X, y))  # a block is not a list of blocks


def test_iterators_for_one_pass_only():
    block = (X, y)
    for once in (iter([block]), (b for b in [block]), map(tuple, [block]), zip([X], [y], strict=True),
                 itertools.repeat(block, 2)):  # fmt: skip
        with pytest.raises(
            TypeError, match=r"^blocks: .*several passes.*given \w+, which is empty"
        ):
            newton(once)
    with pytest.raises(ValueError, match=r"^blocks: expected at least one block, given none$"):
        newton([])

    class Once:
        left = 1

        def __iter__(self):
            self.left -= 1
            return iter([block] if self.left >= 0 else [])

    with pytest.raises(ValueError, match=r"^blocks: expected at least one block, given none$"):
        newton(Once())


def test_arguments_of_blocks():
    with pytest.raises(ValueError, match=r"^X: expected a matrix .*given shape \(600,\)$"):
        Blocks(y, y)
    with pytest.raises(ValueError, match=r"^X: expected a matrix .*given shape \(0, 4\)$"):
        Blocks(X[:0], y[:0])
    for wrong in (y[1:], y[:, np.newaxis], np.float64(1.0)):
        with pytest.raises(ValueError, match=r"^y: expected shape \(600,\) for X .*, given shape"):
            Blocks(X, wrong)
        with pytest.raises(ValueError, match=r"^sample_weight: expected shape \(600,\) for X of"):
            Blocks(X, y, wrong)
    with pytest.raises(TypeError, match=r"^X: expected real numbers, given str"):
        Blocks("X.npy", y)
    for rows, error in ((0, ValueError), (-1, ValueError), (2.5, TypeError), ("1", TypeError)):
        with pytest.raises(error, match=r"^rows: expected an integer"):
            Blocks(X, y, rows=rows)


def test_coefficients_that_are_no_numbers():
    for wrong, error in (("w", TypeError), ([np.nan] * n, ValueError), (None, TypeError)):
        with pytest.raises(error, match=r"^w: expected"):
            total(logistic.nll, wrong, Blocks(X, y))
    for keyword in ("penalty", "tol"):
        with pytest.raises(ValueError, match=rf"^{keyword}: expected one number >= 0"):
            newton(Blocks(X, y), **{keyword: -1.0})
    with pytest.raises(ValueError, match=r"^max_iter: expected an integer >= 1"):
        newton(Blocks(X, y), max_iter=0)


def test_errors_of_the_iterable_are_its_own():
    def broken():
        yield GOOD
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        total(logistic.nll, w, broken())


def test_margins_within_rounding_are_not_believed():
    """One point lies on the hyperplane: its margin is 0, and rounding makes it positive."""
    point = np.array([0.1, 0.2, -0.3])  # 0.1 + 0.2 - 0.3 > 0 in float64
    assert point.sum() > 0 and sum(map(Fraction, ["1/10", "2/10", "-3/10"])) == 0
    far = np.array([[2.0, 3.0, 4.0], [1.0, 5.0, 2.0], [-1.0, -2.0, -6.0]])
    terms = Terms(1, 3)
    rows, labels = np.vstack([far, point]), np.array([1, 1, 0, 1])
    doubtful = total(terms.not_separated, np.ones(3), [(rows, labels)])
    assert doubtful == 1
    assert total(terms.not_separated, np.ones(3), [(rows[:3], labels[:3])]) == 0
    assert total(terms.not_separated, np.ones(3), [(rows[:3], 1 - labels[:3])]) == 3
    classes = Terms(2, 3)
    both = np.concatenate([np.zeros(3), np.ones(3)])
    assert total(classes.not_separated, both, [(rows, labels)]) == 1
