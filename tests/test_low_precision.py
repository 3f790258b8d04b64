"""The bounds of low precision: their reference, their size, and what they must reject.

Kernels of PyTorch are held against them in tests/peers.
"""

import compare
import loops
import numpy as np
import pytest

from reference_impl import low_precision
from reference_impl.low_precision import BF16, FP16, FP32, IGNORED, Arithmetic

DTYPES = {"float16": (np.float16, FP16), "float32": (np.float32, FP32)}


def data(dtype, N=6, d=5, K=7, scale=1.0):
    rng = np.random.default_rng(3)
    E, C = (scale * rng.standard_normal(shape) for shape in ((N, d), (K, d)))
    return E.astype(dtype).astype(float), C.astype(dtype).astype(float), rng.integers(0, K, N)


@pytest.mark.parametrize("name", DTYPES)
def test_formats(name):
    dtype, precision = DTYPES[name]
    info = np.finfo(dtype)
    assert precision.name == name
    assert precision.u == float(info.eps) / 2
    assert precision.smallest == float(info.smallest_subnormal)
    assert (BF16.u, BF16.smallest) == (2.0**-8, 2.0 ** (-126 - 7)), "8 bits of significand"


@pytest.mark.parametrize("block", [3, 4096])
def test_reference_is_exact(monkeypatch, block):
    """In float64, whatever the blocks are: against loops at 50 digits."""
    monkeypatch.setattr(low_precision, "BLOCK", block)
    E, C, y = data(np.float16)
    Y, N = np.eye(len(C))[y], len(E)
    found = low_precision.linear_cross_entropy(E, C, y, Arithmetic(FP16))
    value = loops.at(60, loops.softmax_nll, C, E, Y, None)
    gradient = loops.at(60, loops.softmax_nll_gradient, C, E, Y, None)
    options = {"statement": "softmax.nll", "oracle": "loops", "ulp": 16}
    compare.check(N * found["loss"].exact[()], value, case="low precision, the loss", **options)
    compare.check(N * found["C"].exact, gradient, case="low precision, by C", **options)
    z = E @ C.T
    by_z = low_precision.cross_entropy(z, y, Arithmetic(FP16))["z"].exact
    compare.check(found["E"].exact, by_z @ C, case="low precision, by E", **options)
    p = low_precision.softmax(z, Arithmetic(FP16)).exact
    each = [loops.at(60, loops.softmax, row) for row in z]
    compare.check(p, each, case="low precision, p", **options)


def test_a_confident_row_keeps_its_loss_and_its_residual():
    found = low_precision.cross_entropy([[40.0, 0.0]], [0], Arithmetic(FP32))
    small = loops.at(80, loops.softplus, -40.0)
    options = {"statement": "softmax.nll", "oracle": "loops", "ulp": 4}
    compare.check(found["loss"].exact[()], small, case="low precision, confident", **options)
    gradient = loops.at(80, loops.sigmoid, -40.0)
    compare.check(found["z"].exact[0, 1], gradient, case="low precision, residual", **options)
    assert found["loss"].used(0.0) < 1, "a kernel that subtracts z_y from log-sum-exp loses it"


def test_rows_that_do_not_count():
    E, C, y = data(np.float32)
    kept = np.arange(len(y)) % 2 == 0
    with_all = low_precision.linear_cross_entropy(
        E, C, np.where(kept, y, IGNORED), Arithmetic(FP32)
    )
    without = low_precision.linear_cross_entropy(E[kept], C, y[kept], Arithmetic(FP32))
    for part in ("loss", "C"):
        options = {"statement": "softmax.nll", "oracle": "loops", "ulp": 16}
        one, other = np.asarray(with_all[part].exact)[()], without[part].exact[()]
        compare.check(one, other, case="ignored rows", **options)
    assert not with_all["E"].exact[~kept].any()
    assert with_all["E"].used(np.where(kept[:, None], with_all["E"].exact, 1e-30)) > 1


def kernel(E, C, y, dtype):
    """The textbook in a format: logits in float32, residuals and products in float32."""
    E, C = E.astype(np.float32), C.astype(np.float32)
    Z = E @ C.T
    Z -= Z.max(axis=1, keepdims=True)
    P = np.exp(Z)
    total = P.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - Z[np.arange(len(y)), y])
    P /= total
    P[np.arange(len(y)), y] -= 1
    P /= np.float32(len(y))
    return {"loss": loss, "E": (P @ C).astype(dtype), "C": (P.T @ E).astype(dtype)}


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(6, 5, 7), (40, 16, 300), (3, 200, 2)])
@pytest.mark.parametrize("scale", [0.01, 1.0, 3.0])
def test_textbook_is_within(name, shape, scale):
    dtype, precision = DTYPES[name]
    E, C, y = data(dtype, *shape, scale=scale)
    bounds = low_precision.linear_cross_entropy(E, C, y, Arithmetic(precision))
    found = kernel(E, C, y, dtype)
    for part, bounded in bounds.items():
        assert bounded.used(found[part]) <= 1 and (bounded.likely <= bounded.worst).all()
        assert bounded.used_likely(found[part]) <= 1, part


def wrong(E, C, y):
    """Gradients by E and C that have a fault, computed in float64."""
    P = low_precision.softmax(E @ C.T, Arithmetic(FP32)).exact
    Y = np.eye(len(C))[y]
    right = (P - Y) / len(E)
    last = right.copy()
    last[0] = P[0] / len(E)
    faults = {
        "zero": 0 * right,
        "no softmax": -Y / len(E),
        "no label": P / len(E),
        "the label of one row missing": last,
        "a sum, not a mean": P - Y,
        "the other sign": -right,
    }
    return {name: {"E": delta @ C, "C": delta.T @ E} for name, delta in faults.items()}


FAULTS = list(wrong(*data(np.float32)))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("precision", [BF16, FP16, FP32], ids=lambda p: p.name)
def test_negative_controls_are_rejected(fault, precision):
    """By the worst case already, with every intermediate result in the format itself."""
    E, C, y = data(np.float32, 64, 32, 500)
    narrow = Arithmetic(precision, logits=precision, delta=precision)
    bounds = low_precision.linear_cross_entropy(E, C, y, narrow)
    for part, found in wrong(E, C, y)[fault].items():
        assert bounds[part].used(found) > 2, part


@pytest.mark.parametrize(
    ("precision", "factor", "accepted"),
    [(FP32, 1.01, False), (FP32, 1.0001, False), (FP16, 1.01, False), (BF16, 1.01, False),
     (BF16, 1.003, True), (FP32, 1 + 2.0**-25, True)],
)  # fmt: skip
def test_a_factor_is_wrong_unless_it_is_a_rounding(precision, factor, accepted):
    """In bfloat16 a factor 1.003 is less than the rounding of the result itself."""
    E, C, y = data(np.float32, 64, 32, 500)
    bounds = low_precision.linear_cross_entropy(E, C, y, Arithmetic(precision))
    for part in ("E", "C"):
        assert (bounds[part].used(factor * bounds[part].exact) <= 1) is accepted, part


def test_the_likely_bound_is_sharper_where_many_terms_are_added():
    E, C, y = data(np.float32, 64, 200, 500, scale=0.1)
    by_E = low_precision.linear_cross_entropy(E, C, y, Arithmetic(FP32))["E"]
    assert np.median(by_E.worst / by_E.likely) > 2


def test_what_is_dropped_is_declared():
    """Small residuals left out are a fault, unless the kernel says that it leaves them out."""
    E, C, y = data(np.float32, 64, 32, 500)
    delta = low_precision.cross_entropy(E @ C.T, y, Arithmetic(FP32))["z"].exact
    filtered = np.where(np.abs(delta) * len(E) < 2.0**-10, 0.0, delta)
    for dropped, accepted in ((0.0, False), (2.0**-10, True)):
        declared = Arithmetic(FP32, dropped=dropped)
        bounded = low_precision.linear_cross_entropy(E, C, y, declared)["E"]
        assert (bounded.used(filtered @ C) <= 1) is accepted


def test_subnormal_results_have_an_absolute_error():
    """Gradients of a mean over many rows are subnormal in float16: their digits are lost."""
    E, C, y = data(np.float16, 4, 3, 5, scale=0.05)
    many = np.tile(E, (500, 1)), C, np.tile(y, 500)
    bounds = low_precision.linear_cross_entropy(*many, Arithmetic(FP16))
    found = kernel(*many, np.float16)
    assert bounds["E"].used(found["E"]) <= 1
    exact = np.abs(bounds["E"].exact)
    assert (exact[exact > 0].min()) < 2.0**-14
    relative = np.abs(found["E"] - bounds["E"].exact) / exact
    assert relative.max() > 4 * FP16.u, "the relative bound alone would call it wrong"


def test_not_finite_is_wrong():
    bounded = low_precision.softmax([[1.0, 2.0]], Arithmetic(FP32))
    assert bounded.used([[np.nan, 0.5]]) == bounded.used([[np.inf, 0.5]]) == np.inf
    assert bounded.used(bounded.exact) == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [[1.0]], [0]), "E: expected a matrix of finite numbers, given shape"),
        (([[np.nan]], [[1.0]], [0]), "E: expected a matrix of finite numbers"),
        (([[1.0]], [[1.0, 2.0]], [0]), "C: expected 1 columns, given 2"),
        (([[1.0]], [[1.0]], [1]), "y: expected labels from 0 to 0, or -100"),
        (([[1.0]], [[1.0]], [0.0]), "y: expected 1 integers"),
        (([[1.0]], [[1.0]], [0, 0]), "y: expected 1 integers"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        low_precision.linear_cross_entropy(*arguments, Arithmetic(FP32))


def test_another_shape_is_refused():
    bounded = low_precision.softmax([[1.0, 2.0]], Arithmetic(FP32))
    with pytest.raises(ValueError, match=r"found: expected shape \(1, 2\), given \(2,\)"):
        bounded.used([0.5, 0.5])
