"""Normalisation against loops, differences and derived lines at 50 digits; mistakes refused."""

import compare
import derived
import layer_loops
import loops
import numpy as np
import pytest
from designs import eighths
from mpmath import mp, mpf

from derivations import normalisation as lines
from derivations.notation import Σ, M, N, Size, i, j, o, root, u, δ
from reference_impl.activations import Softmax, Tanh
from reference_impl.gates import GELU
from reference_impl.log_softmax import LogSoftmax
from reference_impl.normalisation import BatchNorm, FixedBatchNorm, LayerNorm, RMSNorm

EPS = 0.125
SIZES = [(1, 3), (2, 3), (5, 2), (3, 3), (4, 5)]


def mean(numbers):
    return sum(numbers, mpf(0)) / len(numbers)


def normalised(numbers, eps):
    middle = mean(numbers)
    return [(t - middle) / mp.sqrt(mean([(s - middle) ** 2 for s in numbers]) + eps)
            for t in numbers]  # fmt: skip


def layer_norm(z, g, b):
    return [[g[u] * t + b[u] for u, t in enumerate(normalised(row, mpf(EPS)))] for row in z]


def rms_norm(z, g):
    return [[g[u] * t / mp.sqrt(mean([s**2 for s in row]) + mpf(EPS)) for u, t in enumerate(row)]
            for row in z]  # fmt: skip


def batch_norm(z, g, b):
    columns = [normalised([row[u] for row in z], mpf(EPS)) for u in range(len(g))]
    return [[g[u] * columns[u][i] + b[u] for u in range(len(g))] for i in range(len(z))]


def fixed_batch_norm(z, g, b, m, s):
    return [[g[u] * (t - m[u]) / mp.sqrt(s[u] + mpf(EPS)) + b[u] for u, t in enumerate(row)]
            for row in z]  # fmt: skip


# layer, how its statements begin, forward as a loop, names of its parameters
LAYERS = {
    "layer_norm": (LayerNorm, layer_norm, ["gain", "bias"]),
    "rms_norm": (RMSNorm, rms_norm, ["gain"]),
    "batch_norm": (BatchNorm, batch_norm, ["gain", "bias"]),
    "batch_norm_inference": (FixedBatchNorm, fixed_batch_norm, ["gain", "bias", "mean", "variance"]),
}  # fmt: skip
LETTERS = {"gain": "g", "bias": "b", "mean": "m", "variance": "variance"}
each_layer = pytest.mark.parametrize("name", LAYERS)
each_size = pytest.mark.parametrize("size", SIZES, ids=str)


def case(name, size, scale=1.0):
    """A layer, inputs, a free delta, and all numbers by their letters."""
    rng = layer_loops.rng(f"{name} {size}")
    z, delta = eighths(rng, *size) * scale, layer_loops.free_delta(name, size)
    kind, forward, names = LAYERS[name]
    parameters = {n: eighths(rng, size[1]) for n in names}
    if "variance" in parameters:
        parameters["variance"] = np.abs(parameters["variance"])
    return kind(**parameters, eps=EPS), z, delta, forward, parameters


def check(name, rule, oracle, actual, expected, size, ulp=32):
    """Sums of at most five terms, that may cancel: in ulp of the largest entry."""
    compare.check(actual, expected, statement=f"normalisation.{name}_{rule}", oracle=oracle,
                  case=str(size), ulp=ulp)  # fmt: skip


@each_layer
@each_size
def test_rules_by_differences(name, size):
    layer, z, delta, forward, parameters = case(name, size)
    values = tuple(parameters.values())
    check(name, "forward", "loops", layer.forward(z), loops.at(50, forward, z, *values), size)
    weighted = layer_loops.weighted_by(forward)
    back = loops.differences(50, weighted, (z, delta, *values), 0)
    check(name, "backward", "differences", layer.backward(z, delta), back, size)
    for place, (letter, gradient) in enumerate(layer.parameter_gradient(z, delta).items()):
        expected = loops.differences(50, weighted, (z, delta, *values), 2 + place)
        check(name, "parameter_gradient", "differences", gradient, expected, f"{letter} {size}")
    whole = np.array(loops.differences(50, forward, (z, *values), 0), dtype=object)
    check(name, "jacobian", "differences", layer.jacobian(z), blocks(whole, name), size)


def blocks(whole, name):
    """From dz'_iu/dz_jv at [j, v, i, u]: what the layer gives, the rest being zero."""
    n, m = whole.shape[:2]
    if name == "batch_norm":
        return [[[whole[j, u, i, u] for u in range(m)] for j in range(n)] for i in range(n)]
    return [[[whole[i, v, i, u] for v in range(m)] for u in range(m)] for i in range(n)]


@each_layer
@each_size
def test_derived(name, size):
    layer, z, delta, _, parameters = case(name, size)
    arrays = {"Z": z, "delta'": delta, "epsilon": EPS}
    arrays |= {LETTERS[n]: value for n, value in parameters.items()}

    def table(rule, chain=0):
        sizes = dict(zip("NM", size, strict=True))
        return derived.table(f"normalisation.{name}_{rule}", arrays, chain=chain, sizes=sizes)

    check(name, "forward", "50 digits", layer.forward(z), table("forward"), size)
    check(name, "backward", "50 digits", layer.backward(z, delta), table("backward"), size)
    jacobian = np.array(table("jacobian"), dtype=object).transpose(2, 3, 0, 1)
    check(name, "jacobian", "50 digits", layer.jacobian(z), blocks(jacobian, name), size)
    for chain, gradient in enumerate(layer.parameter_gradient(z, delta).values()):
        expected = table("parameter_gradient", chain)
        check(name, "parameter_gradient", "50 digits", gradient, expected, size)


@each_layer
@each_size
def test_second_order(name, size):
    """RULES 1 to 3 differentiated along a direction against differences of the rules themselves."""
    layer, z, _, forward, parameters = case(name, size)
    learnt = {letter: parameters.pop(letter) for letter in ("gain", "bias") if letter in parameters}
    rest, rules = tuple(parameters.values()), ("forward", "backward", *["parameter_gradient"] * 2)
    found = layer_loops.second_order(name, layer, forward, z, learnt, rest)
    for rule, (place, actual, expected) in zip(rules, found, strict=False):
        check(name, rule, "differences", actual, expected, f"along {place} {size}", ulp=64)


@pytest.mark.parametrize("name", ["layer_norm", "batch_norm"])
def test_far_from_zero(name):
    """Deviations of 1 around 2^40: the mean of squares less the square of the mean has no digit."""
    layer, z, delta, forward, parameters = case(name, (4, 5))
    z, values = z + 2.0**40, tuple(parameters.values())
    check(name, "forward", "loops", layer.forward(z), loops.at(50, forward, z, *values), "2^40")
    weighted = layer_loops.weighted_by(forward)
    back = loops.differences(80, weighted, (z, delta, *values), 0)
    check(name, "backward", "differences", layer.backward(z, delta), back, "2^40")


def test_by_hand():
    """z = (1, 3), eps = 3: mean 2, variance 1, root 2, so that zhat = (-1/2, 1/2)."""
    layer = LayerNorm([2, 2], [1, 0], eps=3.0)
    compare.same(layer.forward([[1, 3]]), np.array([[0.0, 1.0]]))
    compare.same(layer.backward([[1, 3]], [[1, 0]]), np.array([[0.375, -0.375]]))
    compare.same(layer.parameter_gradient([[1, 3]], [[1, 0]])["gain"], np.array([-0.5, 0.0]))
    fixed = FixedBatchNorm([1, 3], [1, 1], [2, 2], [1, 0], eps=3.0)
    compare.same(fixed.forward([[1, 5]]), np.array([[1.0, 2.0]]))


def test_equal_numbers():
    """The variance is 0, and eps alone keeps the root from it."""
    z = np.full((3, 3), 0.75)
    for layer in (LayerNorm(np.ones(3), np.zeros(3)), BatchNorm(np.ones(3), np.zeros(3))):
        assert not layer.forward(z).any()
    assert not BatchNorm(np.ones(2), np.zeros(2)).backward([[5.0, 7.0]], [[1.0, 1.0]]).any()


@each_layer
def test_leading_axes(name):
    """N x T x M is N T rows; batch norm has its statistics over both."""
    layer, z, delta, _, _ = case(name, (4, 5))
    deep, deltas = z.reshape(2, 2, 5), delta.reshape(2, 2, 5)
    compare.same(layer.forward(deep).reshape(4, 5), layer.forward(z))
    compare.same(layer.backward(deep, deltas).reshape(4, 5), layer.backward(z, delta))
    flat = layer.parameter_gradient(z, delta)
    for letter, gradient in layer.parameter_gradient(deep, deltas).items():
        compare.same(gradient, flat[letter])
    shape = (2, 2, 2, 2, 5) if name == "batch_norm" else (2, 2, 5, 5)
    assert layer.jacobian(deep).shape == shape
    compare.same(layer.jacobian(deep).ravel(), layer.jacobian(z).ravel())


@pytest.mark.parametrize(
    "layer",
    [LayerNorm(np.arange(1, 5), np.ones(4)), RMSNorm(np.arange(1, 5)), Softmax(), LogSoftmax(), GELU,
     FixedBatchNorm(np.ones(4), np.arange(4), np.arange(1, 5), np.ones(4)), Tanh()],
    ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_blocks_of_rows(layer, monkeypatch):
    """Blocks of two rows, the last of one: the same, and gradients that add up.

    The same bits, but for layer norm: its means of what is rounded BLAS may add up in another order.
    """
    z, delta = (eighths(layer_loops.rng(f"blocks {k}"), 7, 4) for k in range(2))
    rules = ("forward", "backward", "parameter_gradient")
    given = ((z,), (z, delta), (z, delta))
    whole = [getattr(layer, rule)(*parts) for rule, parts in zip(rules, given, strict=True)]
    monkeypatch.setattr("reference_impl.layer.BLOCK", 8)
    found = [getattr(layer, rule)(*parts) for rule, parts in zip(rules, given, strict=True)]
    compare.same(found[0], whole[0])
    if isinstance(layer, LayerNorm):
        check("layer_norm", "backward", "identity", found[1], whole[1].tolist(), "blocks", ulp=4)
    else:
        compare.same(found[1], whole[1])
    assert found[2].keys() == whole[2].keys()
    for name, gradient in whole[2].items():
        check("layer_norm", "parameter_gradient", "identity", found[2][name], gradient.tolist(),
              f"blocks, {name}", ulp=4)  # fmt: skip


@each_layer
def test_contract(name):
    layer, z, delta, _, _ = case(name, (4, 5))
    layer_loops.check_contract(layer, z, delta)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LayerNorm([1, 1], [0, 0], eps=0.0), "eps: expected a number > 0, given 0.0"),
        (lambda: RMSNorm([1, 1], eps=-1e-5), "eps: expected a number > 0"),
        (lambda: LayerNorm([1, 1], [0]), r"bias: expected shape \(2,\), that of gain"),
        (lambda: RMSNorm([[1, 1]]), "gain: expected a vector, given shape"),
        (lambda: FixedBatchNorm([0], [-1], [1], [0]), "variance: expected numbers >= 0, given -1"),
        (lambda: LayerNorm([1, 1], [0, 0]).forward([[1, 2, 3]]), "z: expected 2 columns"),
        (lambda: BatchNorm([1], [0]).backward([[1]], [[1, 1]]), "delta: expected the shape"),
        (lambda: RMSNorm([1, 1]).forward([[1e200, 1]]), "exceeds the range of float64"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# What people get wrong, each a result that verification has to refuse.

mean_of = {M: lambda body: Σ(o, body) / Size(M), N: lambda body: Σ(j, body) / Size(N)}
Z, g, Δ, eps, mu = lines.Z, lines.gain, lines.deltas_out, lines.eps, lines.mu
hat, r = lines.hat, lines.deviation
batch_hat, batch_r = lines.batch_hat, lines.batch_deviation
pull, along = g[u] * Δ[i, u], mean_of[M](g[o] * Δ[i, o] * hat[i, o])
level = mean_of[M](g[o] * Δ[i, o])
batch_level = mean_of[N](Δ[j, u])
batch_along = mean_of[N](Δ[j, u] * batch_hat[j, u])
MISTAKES = {
    "no path through the mean": ("layer_norm_backward", (pull - hat[i, u] * along) / r[i]),
    "no path through the variance": ("layer_norm_backward", (pull - level) / r[i]),
    "no path at all": ("layer_norm_backward", pull / r[i]),
    "gain after the means": (
        "layer_norm_backward",
        g[u] / r[i] * (Δ[i, u] - mean_of[M](Δ[i, o]) - hat[i, u] * mean_of[M](Δ[i, o] * hat[i, o])),
    ),
    "eps outside the root": (
        "layer_norm_backward",
        (pull - level - hat[i, u] * along) / (root(lines.var[i]) + eps),
    ),
    "M - 1": (
        "layer_norm_jacobian",
        g[u] * δ(i, j) * ((Size(M) - 1) * δ(u, o) - 1 - hat[i, u] * hat[i, o])
        / ((Size(M) - 1) * r[i]),
    ),
    "gain of the input": ("rms_norm_parameter_gradient", Σ(i, Δ[i, o] * Z[i, o])),
    "mean of the products without the output": (
        "rms_norm_backward",
        (pull - mean_of[M](g[o] * Δ[i, o])) / lines.rms[i],
    ),
    "statistics as constants": ("batch_norm_backward", pull / batch_r[u]),
    "no path through the batch mean": (
        "batch_norm_backward",
        g[u] * (Δ[i, u] - batch_hat[i, u] * batch_along) / batch_r[u],
    ),
    "N - 1": (
        "batch_norm_backward",
        g[u] * (Δ[i, u] - batch_level - batch_hat[i, u] * batch_along * Size(N) / (Size(N) - 1))
        / batch_r[u],
    ),
    "mean over the row": (
        "batch_norm_backward",
        g[u] * (Δ[i, u] - mean_of[M](Δ[i, o]) - batch_hat[i, u] * batch_along) / batch_r[u],
    ),
    "variance for its root": (
        "batch_norm_inference_backward",
        pull / (lines.kept_var[u] + eps),
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_refused(mistake):
    name, wrong = MISTAKES[mistake]
    assert derived.rejected(f"normalisation.{name}", wrong)


def test_the_helper_does_not_refuse_what_is_right():
    right = (pull - level - hat[i, u] * along) / r[i]
    assert not derived.rejected("normalisation.layer_norm_backward", right)
