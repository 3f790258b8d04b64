"""What the implementation answers to the test vectors, function by function."""

from functools import partial

import numpy as np

from reference_impl import (
    activations,
    arguments,
    conventions,
    gates,
    layer,
    logistic,
    regression,
    sigmoid,
    softmax,
    targets,
)
from reference_impl.attention import Attention
from reference_impl.backpropagation import Chain, Sum
from reference_impl.composition import Concatenation, Dropout, residual
from reference_impl.engine import estimation, separation
from reference_impl.linear import Linear
from reference_impl.log_softmax import LogSoftmax
from reference_impl.maps import Convolution, Embedding, LowRank, Tied
from reference_impl.nll import NLL
from reference_impl.normalisation import BatchNorm, FixedBatchNorm, LayerNorm, RMSNorm

SPECIAL = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}


def answer(function, given):
    """Ask the implementation for a function, with an input as it stands in a file."""
    return FUNCTIONS[function](**{name: numbers(value) for name, value in given.items()})


def numbers(value):
    if isinstance(value, list):
        return [numbers(entry) for entry in value]
    return SPECIAL.get(value, value) if isinstance(value, str) else value


def logsumexp(z, axis=-1, b=None):
    return softmax.logsumexp(z, tuple(axis) if isinstance(axis, list) else axis, b=b)


def penalised(gradient):
    def with_penalty(theta, penalty, *data):
        penalty = arguments.nonnegative("penalty", penalty)
        return gradient(theta, *data) + penalty * np.asarray(theta)

    return with_penalty


penalised_binary, penalised_classes = map(penalised, (logistic.nll_gradient, softmax.nll_gradient))


def mean_gradient(w, X, y, sample_weight):
    shares = conventions.weighted_mean(sample_weight)
    return logistic.nll_gradient(w, X, y, sample_weight=shares)


def soft_nll(w, X, q):
    X = arguments.design_matrix(X)
    return np.float64(sigmoid.soft_losses(X @ arguments.vector("w", w, X), q).sum())


def one_for_each_class(name, count, W):
    if count != len(W):
        raise ValueError(f"{name}: expected the shape of {len(W)} classes, given {count} entries")


def soft_gradient(W, X, Y):
    X, y, s = conventions.soft_labels(X, Y)
    one_for_each_class("Y", np.shape(Y)[1], W)
    return softmax.nll_gradient(W, X, y, sample_weight=s)


def class_weighted(W, X, y, class_weight):
    softmax.nll_gradient(W, X, y)
    one_for_each_class("class_weight", np.size(class_weight), W)
    s = conventions.class_weights(class_weight, y)
    return softmax.nll_gradient(W, X, y, sample_weight=s)


# ------------------------------------------------------------------ layers


def rules(name, make, parameters=()):
    """The rules of a layer as functions of z, a delta or a direction, and the parameters."""

    def split(given):
        return make(**{k: v for k, v in given.items() if k in parameters})

    return {
        f"{name}forward": lambda z, **given: split(given).forward(z),
        f"{name}backward": lambda z, delta, **given: split(given).backward(z, delta),
        f"{name}jvp": lambda z, dz, **given: along(split(given), z, dz),
        f"{name}second_order": lambda z, delta, dz: changed(make(), z, delta, dz),
        f"{name}parameter_gradient": lambda z, delta, **given: split(given).parameter_gradient(
            z, delta
        ),
    }


def changed(one, z, delta, dz):
    """The change of RULE 2 along dz, for a layer without parameters."""
    z, delta = layer.points("z", z), layer.delta_of(delta, np.shape(z))
    _, back = one.pullback_along(z, arguments.same_shape("dz", dz, "z", z), {})
    return back(delta, np.zeros_like(delta))[0]


def flipped(delta, W, padding):
    """RULE 2 of a convolution with the stride 1, by the shape of delta alone."""
    one = Convolution(W, padding=padding)
    (N, T), (_, Q, n) = layer.points("delta", delta).shape[:2], one.W.shape
    return one.backward(np.zeros((N, T + Q - 1 - 2 * one.padding, n)), delta)


def dropout_moments(z, p):
    """Mean and variance, by all kept and all dropped."""
    kept, lost = (Dropout(np.full(np.shape(z), m), p).forward(z) for m in (1.0, 0.0))
    mean = (1.0 - p) * kept + p * lost
    return {"mean": mean, "variance": (1.0 - p) * (kept - mean) ** 2 + p * (lost - mean) ** 2}


def along(one, z, dz, **changes):
    """The change of the output along dz, and along what is given for parameters."""
    z = layer.points("z", z)
    still = one.parameter_gradient(z, np.zeros_like(one.forward(z)))
    direction = {name: np.zeros_like(value) for name, value in still.items()} | changes
    return one.pullback_along(z, arguments.same_shape("dz", dz, "z", z), direction)[0]


def linear_along(z, W, dz, dW, b=None, db=None):
    one = Linear(W, b)
    changes = {"W": arguments.same_shape("dW", dW, "W", one.W)}
    if b is not None:
        changes["b"] = arguments.same_shape("db", db, "b", one.b)
    return along(one, z, dz, **changes)


def of_symbols(name, make):
    """The rules of a layer whose input is symbols."""
    return {
        f"{name}forward": lambda y, W: make(W).forward(y),
        f"{name}parameter_gradient": lambda y, W, delta: make(W).parameter_gradient(y, delta),
    }


def embedding_along(y, W, dW):
    """It is linear in the table."""
    Embedding(W).forward(y)
    return Embedding(arguments.same_shape("dW", dW, "W", layer.matrix("W", W))).forward(y)


def branch(A, F, phi):
    return Chain([Linear(A), phi, Linear(F)])


def residual_of(A, F):
    return residual(branch(A, F, activations.Tanh()))


def side_by_side(A, F, B, H):
    return Concatenation([branch(A, F, activations.Tanh()), branch(B, H, activations.Sigmoid())])


def added(A, F, B, G):
    return Sum([branch(A, F, activations.Tanh()), branch(B, G, activations.Sigmoid())])


def residual_gradient(z, delta, A, F):
    found = residual_of(A, F).parameter_gradient(z, delta)
    return {"A": found["1.0.W"], "F": found["1.2.W"]}


def link_hessian(link):
    def both(w, X, y):
        return {
            "observed": regression.link_hessian(link, w, X, y),
            "expected": regression.link_information(link, w, X),
        }

    return both


def softmax_jacobian(z):
    return activations.Softmax().jacobian(layer.matrix("z", [z]))[0]


def attention_backward(queries, keys, values, mask, delta):
    found = Attention(mask).backward(queries, keys, values, delta)
    return {"queries": found.queries, "keys": found.keys, "values": found.values}


def attention_along(name):
    """One entry of the output at a time: its derivative by a unit delta, times the direction."""

    def jvp(mask, **given):
        change, one = given.pop(f"d{name}"), Attention(mask)
        change = arguments.same_shape(f"d{name}", change, name, layer.matrix(name, given[name]))
        output = one.forward(**given)
        result = np.zeros_like(output)
        for place in np.ndindex(output.shape):
            unit = np.zeros_like(output)
            unit[place] = 1.0
            result[place] = (getattr(one.backward(**given, delta=unit), name) * change).sum()
        return result

    return jvp


LAYERS = {
    **{
        f"activations.{name}_{rule.removeprefix('.')}": function
        for name, make in {
            "sigmoid": activations.Sigmoid,
            "log_sigmoid": activations.LogSigmoid,
            "tanh": activations.Tanh,
            "relu": activations.ReLU,
            "softplus": activations.Softplus,
            "softmax": activations.Softmax,
        }.items()
        for rule, function in rules("", make).items()
    },
    **{
        f"gates.{name}_{rule}": function
        for name, one in {
            "gelu": gates.GELU,
            "gelu_tanh": gates.TANH_GELU,
            "silu": gates.SILU,
            "softsign": gates.SOFTSIGN,
            "squared_relu": gates.SQUARED_RELU,
            "hard_tanh": gates.HARD_TANH,
        }.items()
        for rule, function in rules("", lambda one=one: one).items()
    },
    **rules("gates.leaky_relu_", gates.leaky_relu, ("alpha",)),
    **rules("gates.elu_", gates.elu, ("alpha",)),
    **rules("log_softmax.", LogSoftmax),
    **rules("linear.", Linear, ("W", "b")),
    **rules("nll.", NLL, ("y", "sample_weight", "smoothing")),
    **rules("normalisation.layer_norm_", LayerNorm, ("gain", "bias", "eps")),
    **rules("normalisation.rms_norm_", RMSNorm, ("gain", "eps")),
    **rules("normalisation.batch_norm_", BatchNorm, ("gain", "bias", "eps")),
    **rules(
        "normalisation.batch_norm_inference_",
        FixedBatchNorm,
        ("mean", "variance", "gain", "bias", "eps"),
    ),
    **rules("maps.leading_axes_", Linear, ("W", "b")),
    **rules("maps.convolution_", Convolution, ("W", "b", "stride", "padding")),
    "maps.convolution_flip": flipped,
    **rules("maps.low_rank_", LowRank, ("W", "A", "B", "alpha")),
    **of_symbols("maps.embedding_", Embedding),
    **of_symbols("maps.tied_", lambda W: Tied(W, activations.Tanh())),
    "maps.embedding_jvp": embedding_along,
    **rules("composition.residual_", residual_of, ("A", "F")),
    **rules("composition.sum_", added, ("A", "F", "B", "G")),
    **rules("composition.concatenation_", side_by_side, ("A", "F", "B", "H")),
    **rules("composition.dropout_", Dropout, ("mask", "p")),
    "composition.dropout_moments": dropout_moments,
    "composition.residual_parameter_gradient": residual_gradient,
    "softmax.jacobian": softmax_jacobian,
    "linear.jvp_with_parameters": linear_along,
    "attention.forward": lambda mask, **given: Attention(mask).forward(**given),
    "attention.backward": attention_backward,
    "attention.jvp_queries": attention_along("queries"),
    "attention.jvp_keys": attention_along("keys"),
    "attention.jvp_values": attention_along("values"),
}


def cubic(z):
    """The log-odds z + z^3, their slope, and p (1 - p)."""
    eta = z + z**3
    return eta, 1.0 + 3.0 * z**2, sigmoid.sigmoid(eta) * sigmoid.sigmoid(-eta)


def cubic_slope(z, y):
    eta, slope, _ = cubic(z)
    return slope * sigmoid.residuals(eta, y)


def cubic_information(z):
    _, slope, variance = cubic(z)
    return slope**2 * variance


CUBIC = regression.Link(
    lambda z, y: sigmoid.softplus(np.where(y == 1, -1.0, 1.0) * cubic(z)[0]),
    cubic_slope,
    lambda z, y: 6.0 * z * sigmoid.residuals(cubic(z)[0], y) + cubic_information(z),
    cubic_information,
)
LINKS = {"link": CUBIC, "probit": regression.PROBIT, "cloglog": regression.CLOGLOG}
VERDICTS = {"overlap": 0.0, "quasi-complete": 1.0, "complete": 2.0}


def verdict(X, y):
    return np.float64(VERDICTS[separation.binary(X, y).kind])


def mle(X, y, sample_weight=None, penalty=0.0):
    return estimation.newton(X, y, sample_weight=sample_weight, penalty=penalty).w


def class_mle(X, y, n_classes, sample_weight=None, penalty=0.0):
    return estimation.multinomial(X, y, n_classes, sample_weight=sample_weight, penalty=penalty).w


FUNCTIONS = {
    **LAYERS,
    "logistic.separation": verdict,
    "logistic.mle": mle,
    "softmax.mle": class_mle,
    "targets.temperature": targets.temperature,
    "targets.distillation": targets.distillation,
    "targets.label_smoothing": targets.label_smoothing,
    "targets.weighted_mean": targets.weighted_mean,
    "targets.focal_gradient": targets.focal_loss,
    "targets.many_labels_gradient": targets.many_labels_gradient,
    "targets.masked_log_softmax_backward": targets.masked_log_softmax,
    **{
        f"regression.{name}": getattr(regression, name)
        for name in (
            "offset_gradient",
            "offset_hessian",
            "offset_softmax_gradient",
            "penalty_gradient",
            "penalty_hessian",
            "penalty_newton_step",
            "odds_ratio",
            "odds_ratio_variance",
        )
    },
    **{
        f"regression.{name}_gradient": partial(regression.link_gradient, link)
        for name, link in LINKS.items()
    },
    **{f"regression.{name}_hessian": link_hessian(link) for name, link in LINKS.items()},
    "sigmoid.sigmoid": sigmoid.sigmoid,
    "sigmoid.log_sigmoid": sigmoid.log_sigmoid,
    "sigmoid.softplus": sigmoid.softplus,
    "sigmoid.residuals": sigmoid.residuals,
    "softmax.softmax": softmax.softmax,
    "softmax.log_softmax": softmax.log_softmax,
    "softmax.logsumexp": logsumexp,
    "softmax.losses": softmax.losses,
    "softmax.residuals": softmax.residuals,
    "logistic.nll": logistic.nll,
    "logistic.nll_gradient": logistic.nll_gradient,
    "logistic.nll_hessian": logistic.nll_hessian,
    "logistic.nll_hvp": logistic.nll_hvp,
    "logistic.penalised_gradient": lambda w, X, y, penalty: penalised_binary(w, penalty, X, y),
    "logistic.mean_gradient": mean_gradient,
    "logistic.soft_nll": soft_nll,
    "softmax.nll": softmax.nll,
    "softmax.nll_gradient": softmax.nll_gradient,
    "softmax.nll_hessian": softmax.nll_hessian,
    "softmax.nll_hvp": softmax.nll_hvp,
    "softmax.penalised_gradient": lambda W, X, y, penalty: penalised_classes(W, penalty, X, y),
    "softmax.soft_gradient": soft_gradient,
    "softmax.class_weighted_gradient": class_weighted,
}
