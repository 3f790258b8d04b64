"""Maps, branches, norms and regressions as JAX differentiates them, once and along a direction."""

import compare
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from designs import eighths
from jax.scipy.special import log_ndtr

from reference_impl import regression
from reference_impl.activations import Sigmoid, Tanh
from reference_impl.backpropagation import Chain, Sum
from reference_impl.composition import Concatenation, Dropout, residual
from reference_impl.linear import Linear
from reference_impl.maps import Convolution, Embedding, LowRank, Tied
from reference_impl.normalisation import BatchNorm, FixedBatchNorm, LayerNorm, RMSNorm

RNG = np.random.default_rng(41)
Z, SQUARE, W, B = (eighths(RNG, *size) for size in ((2, 5, 3), (3, 3), (4, 3), (4,)))
KERNEL, TABLE, SYMBOLS = eighths(RNG, 4, 2, 3), eighths(RNG, 6, 3), np.array([[4, 0, 4], [4, 2, 0]])
THIN, BACK, GAIN, BIAS = (eighths(RNG, *size) for size in ((2, 3), (4, 2), (3,), (3,)))
MEAN, VARIANCE = eighths(RNG, 3), np.abs(eighths(RNG, 3))
MASK = RNG.integers(0, 2, Z.shape)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def agree(statement, case, ours, theirs, ulp=64):
    compare.check(np.asarray(ours), np.asarray(theirs).tolist(), statement=statement, oracle="JAX",
                  case=case, ulp=ulp)  # fmt: skip


def convolved(z, W, b):
    out = jax.lax.conv_general_dilated(z, W.transpose(1, 2, 0), (2,), [(1, 1)],
                                       dimension_numbers=("NWC", "WIO", "NWC"))  # fmt: skip
    return out + b


def standardised(z, gain, bias, axis):
    return jax.nn.standardize(z, axis=axis, epsilon=0.125) * gain + bias


def divided(z, gain):
    return gain * z / jnp.sqrt((z * z).mean(axis=-1, keepdims=True) + 0.125)


# Statement, the layer of some parameters, their names as gradients have them, values, JAX.
LAYERS = {
    "maps.leading_axes": (Linear, {"W": W, "b": B}, lambda z, W, b: z @ W.T + b),
    "maps.convolution": (lambda W, b: Convolution(W, b, 2, 1), {"W": KERNEL, "b": B}, convolved),
    "maps.low_rank": (
        lambda W, A, B: LowRank(W, A, B, 1.5),
        {"W": W, "A": THIN, "B": BACK},
        lambda z, W, A, B: z @ (W + 1.5 * B @ A).T,
    ),
    "composition.residual": (
        lambda W: residual(Chain([Linear(W), Tanh()])),
        {"1.0.W": SQUARE},
        lambda z, W: z + jnp.tanh(z @ W.T),
    ),
    "composition.sum": (
        lambda V, W: Sum([Chain([Linear(V), Tanh()]), Chain([Linear(W), Sigmoid()])]),
        {"0.0.W": W, "1.0.W": W[::-1]},
        lambda z, V, W: jnp.tanh(z @ V.T) + jax.nn.sigmoid(z @ W.T),
    ),
    "composition.concatenation": (
        lambda V, W: Concatenation([Chain([Linear(V), Tanh()]), Linear(W)]),
        {"0.0.W": SQUARE, "1.W": W},
        lambda z, V, W: jnp.concatenate([jnp.tanh(z @ V.T), z @ W.T], axis=-1),
    ),
    "composition.dropout": (lambda: Dropout(MASK, 0.375), {}, lambda z: MASK * z / 0.625),
    "normalisation.layer_norm": (
        lambda g, b: LayerNorm(g, b, 0.125),
        {"gain": GAIN, "bias": BIAS},
        lambda z, g, b: standardised(z, g, b, -1),
    ),
    "normalisation.rms_norm": (lambda g: RMSNorm(g, 0.125), {"gain": GAIN}, divided),
    "normalisation.batch_norm": (
        lambda g, b: BatchNorm(g, b, 0.125),
        {"gain": GAIN, "bias": BIAS},
        lambda z, g, b: standardised(z, g, b, (0, 1)),
    ),
    "normalisation.batch_norm_inference": (
        lambda g, b: FixedBatchNorm(MEAN, VARIANCE, g, b, 0.125),
        {"gain": GAIN, "bias": BIAS},
        lambda z, g, b: g * (z - MEAN) / jnp.sqrt(VARIANCE + 0.125) + b,
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_rules_and_second_order(name):
    """RULES 1 to 3, and what differentiating them along a direction gives."""
    make, parameters, function = LAYERS[name]
    layer, given = make(*parameters.values()), (Z, *parameters.values())
    rng = np.random.default_rng(5)
    ways = tuple(eighths(rng, *part.shape) for part in given)
    delta, change = (eighths(rng, *layer.forward(Z).shape) for _ in range(2))

    def rules(delta, *given):
        output, back = jax.vjp(function, *given)
        return output, back(delta)

    (output, pulled), (moved, turned) = jax.jvp(rules, (delta, *given), (change, *ways))
    agree(f"{name}_forward", "", layer.forward(Z), output)
    agree(f"{name}_backward", "", layer.backward(Z, delta), pulled[0])
    found = layer.parameter_gradient(Z, delta)
    value, back = layer.pullback_along(Z, ways[0], dict(zip(parameters, ways[1:], strict=True)))
    deltas, gradients = back(delta, change)
    agree(f"{name}_forward", "along", value, moved)
    agree(f"{name}_backward", "along", deltas, turned[0])
    for key, once, twice in zip(parameters, pulled[1:], turned[1:], strict=True):
        agree(f"{name}_backward", key, found[key], once)
        agree(f"{name}_backward", f"{key} along", gradients[key], twice)


@pytest.mark.parametrize("name", ["embedding", "tied"])
def test_symbols(name):
    layer = Embedding(TABLE) if name == "embedding" else Tied(TABLE, Tanh())

    def function(W):
        return W[SYMBOLS] if name == "embedding" else jnp.tanh(W[SYMBOLS]) @ W.T

    output, back = jax.vjp(function, TABLE)
    delta = eighths(np.random.default_rng(5), *output.shape)
    agree(f"maps.{name}_forward", "", layer.forward(SYMBOLS), output)
    found = layer.parameter_gradient(SYMBOLS, delta)["W"]
    agree(f"maps.{name}_parameter_gradient", "", found, back(delta)[0])


# -- regression: gradients and Hessians of costs

X = np.column_stack([np.ones(12), eighths(RNG, 12, 2)])
Y, OFFSET, POINT = np.tile([0, 1, 1, 0], 3), eighths(RNG, 12, largest=1), eighths(RNG, 3, largest=1)
STRENGTHS = np.array([0.0, 2.0, 0.5])
CLASSES, POINTS, OFFSETS = np.arange(12) % 3, eighths(RNG, 3, 3), eighths(RNG, 12, 3)


def beside(w, penalty):
    z = X @ w + OFFSET
    return (jax.nn.softplus(z) - Y * z).sum() + (penalty * w * w).sum() / 2


def by_probit(w):
    return -log_ndtr((2 * Y - 1) * (X @ w)).sum()


def by_cloglog(w):
    u = jnp.exp(X @ w)
    return jnp.where(Y == 1, -jnp.log(-jnp.expm1(-u)), u).sum()


def test_offset_and_penalty():
    w = jnp.asarray(POINT)
    for name, penalty in (("offset", 0.0 * STRENGTHS), ("penalty", STRENGTHS)):
        more = () if name == "offset" else (penalty,)
        gradient = getattr(regression, f"{name}_gradient")(POINT, X, Y, OFFSET, *more)
        hessian = getattr(regression, f"{name}_hessian")(POINT, X, OFFSET, *more)
        agree(f"regression.{name}_gradient", "", gradient, jax.grad(beside)(w, penalty))
        agree(f"regression.{name}_hessian", "", hessian, jax.hessian(beside)(w, penalty))
    step = jnp.linalg.solve(jax.hessian(beside)(w, STRENGTHS), jax.grad(beside)(w, STRENGTHS))
    ours = regression.penalty_newton_step(POINT, X, Y, OFFSET, STRENGTHS)
    agree("regression.penalty_newton_step", "", ours, w - step, 256)


def test_softmax_offset():
    def cost(W):
        return -jax.nn.log_softmax(X @ W.T + OFFSETS)[jnp.arange(12), CLASSES].sum()

    ours = regression.offset_softmax_gradient(POINTS, X, CLASSES, OFFSETS)
    agree("regression.offset_softmax_gradient", "", ours, jax.grad(cost)(jnp.asarray(POINTS)))


@pytest.mark.parametrize(
    ("name", "link", "cost"),
    [("probit", regression.PROBIT, by_probit), ("cloglog", regression.CLOGLOG, by_cloglog)],
)
def test_links(name, link, cost):
    w = jnp.asarray(POINT)
    agree(f"regression.{name}_gradient", "value", regression.link_nll(link, POINT, X, Y), cost(w))
    gradient = regression.link_gradient(link, POINT, X, Y)
    agree(f"regression.{name}_gradient", "", gradient, jax.grad(cost)(w), 256)
    hessian = regression.link_hessian(link, POINT, X, Y)
    agree(f"regression.{name}_hessian", "observed", hessian, jax.hessian(cost)(w), 1024)


def test_delta_method():
    covariance = X[:3].T @ X[:3]
    slopes = jax.jacobian(jnp.exp)(jnp.asarray(POINT))
    agree("regression.odds_ratio", "", regression.odds_ratio(POINT), jnp.exp(POINT))
    agree("regression.odds_ratio_variance", "", regression.odds_ratio_variance(POINT, covariance),
          jnp.diag(slopes @ covariance @ slopes.T))  # fmt: skip
