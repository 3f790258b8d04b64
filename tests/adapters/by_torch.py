"""torch.nn.functional in double precision; derivatives by autograd."""

import torch
from torch.nn import functional

torch.set_num_threads(1)


def array(value):
    return torch.tensor(value, dtype=torch.float64)


def arrays(given):
    return {name: array(value) for name, value in given.items()}


# ------------------------------------------------------------------------------ losses of weights


def binary(X, y, sample_weight=None):
    X, y = array(X), array(y)
    weight = None if sample_weight is None else array(sample_weight)

    def nll(w):
        return functional.binary_cross_entropy_with_logits(X @ w, y, weight, reduction="sum")

    return nll


def binary_mean(sample_weight, **data):
    total = array(sample_weight).sum()
    nll = binary(sample_weight=sample_weight, **data)
    return lambda w: nll(w) / total


def multinomial(X, y, sample_weight=None):
    X, y = array(X), torch.tensor(y)

    def nll(W):
        losses = functional.cross_entropy(X @ W.T, y, reduction="none")
        return losses.sum() if sample_weight is None else array(sample_weight) @ losses

    return nll


def soft(X, Y):
    X, Y = array(X), array(Y)
    return lambda W: functional.cross_entropy(X @ W.T, Y, reduction="sum")


def class_weighted(X, y, class_weight):
    X, y, q = array(X), torch.tensor(y), array(class_weight)
    return lambda W: functional.cross_entropy(X @ W.T, y, q, reduction="sum")


def penalised(nll):
    def loss(penalty, **data):
        plain, penalty = nll(**data), array(penalty)
        return lambda w: plain(w) + penalty / 2 * (w * w).sum()

    return loss


def gradient(loss, at):
    def of(input):
        data = dict(input)
        w = array(data.pop(at))
        return torch.func.grad(loss(**data))(w)

    return of


def hvp(nll, w, v):
    return torch.func.jvp(torch.func.grad(nll), (array(w),), (array(v),))[1]


# ------------------------------------------------------------------------------ losses of logits


def loss_of_logits(loss):
    """The gradient of a loss by the logits z."""

    def of(input):
        data = dict(input)
        z = array(data.pop("z"))
        return torch.func.grad(lambda z: loss(z, **data))(z)

    return of


def cross_entropy(z, targets, **options):
    return functional.cross_entropy(z, array(targets), reduction="sum", **options)


def weighted_mean(z, targets, sample_weight):
    s = array(sample_weight)
    return s @ functional.cross_entropy(z, array(targets), reduction="none") / s.sum()


LOSSES = {
    "softmax.residuals": lambda z, y: functional.cross_entropy(z, torch.tensor(y), reduction="sum"),
    "targets.temperature": lambda z, targets, tau: cross_entropy(z / tau, targets),
    "targets.distillation": lambda z, teacher, tau: functional.kl_div(
        functional.log_softmax(z / tau, 1), functional.log_softmax(array(teacher) / tau, 1),
        reduction="sum", log_target=True,
    ),
    "targets.label_smoothing": lambda z, targets, weight, alpha: cross_entropy(
        z, targets, weight=array(weight), label_smoothing=alpha
    ),
    "targets.many_labels_gradient": lambda z, y, positive: (
        functional.binary_cross_entropy_with_logits(
            z, array(y), pos_weight=array(positive), reduction="sum"
        )
    ),
    "targets.weighted_mean": weighted_mean,
}  # fmt: skip


# ------------------------------------------------------------------------------------ layers


def nll_loss(z, y, sample_weight=None, smoothing=None):
    if smoothing is not None:
        raise NotImplementedError("nll_loss has no smoothing")
    losses = functional.nll_loss(z, torch.tensor(y), reduction="none")
    return losses.sum() if sample_weight is None else array(sample_weight) @ losses


def layer_norm(z, gain, bias, eps):
    return functional.layer_norm(z, gain.shape, gain, bias, float(eps))


def batch_norm(z, gain, bias, eps):
    return functional.batch_norm(z, None, None, gain, bias, training=True, eps=float(eps))


def batch_norm_inference(z, mean, variance, gain, bias, eps):
    return functional.batch_norm(z, mean, variance, gain, bias, training=False, eps=float(eps))


def convolution(z, W, b=None, stride=1, padding=0):
    """Features come before the places, and taps last."""
    return functional.conv1d(z.mT, W.mT, b, stride=stride, padding=padding).mT


def low_rank(z, W, A, B, alpha):
    return functional.linear(z, W) + alpha * functional.linear(functional.linear(z, A), B)


def branch(z, A, F, phi=torch.tanh):
    return functional.linear(phi(functional.linear(z, A)), F)


def added(z, A, F, B, G):
    return branch(z, A, F) + branch(z, B, G, torch.sigmoid)


def concatenation(z, A, F, B, H):
    return torch.cat([branch(z, A, F), branch(z, B, H, torch.sigmoid)], dim=1)


ELEMENTWISE = {
    "activations.log_sigmoid": functional.logsigmoid,
    "activations.relu": functional.relu,
    "activations.sigmoid": torch.sigmoid,
    "activations.softmax": lambda z: torch.softmax(z, 1),
    "activations.softplus": functional.softplus,
    "activations.tanh": torch.tanh,
    "gates.elu": lambda z, alpha: functional.elu(z, float(alpha)),
    "gates.gelu": functional.gelu,
    "gates.gelu_tanh": lambda z: functional.gelu(z, approximate="tanh"),
    "gates.hard_tanh": functional.hardtanh,
    "gates.leaky_relu": lambda z, alpha: functional.leaky_relu(z, float(alpha)),
    "gates.silu": functional.silu,
    "gates.softsign": functional.softsign,
}
LAYERS = {
    **{f"{name}_": (function, ()) for name, function in ELEMENTWISE.items()},
    "linear.": (lambda z, W, b=None: functional.linear(z, W, b), ("W", "b")),
    "maps.leading_axes_": (lambda z, W, b=None: functional.linear(z, W, b), ("W", "b")),
    "maps.convolution_": (convolution, ("W", "b")),
    "maps.low_rank_": (low_rank, ("W", "A", "B")),
    "composition.residual_": (lambda z, A, F: z + branch(z, A, F), ("A", "F")),
    "composition.sum_": (added, ("A", "F", "B", "G")),
    "composition.concatenation_": (concatenation, ("A", "F", "B", "H")),
    "log_softmax.": (lambda z: functional.log_softmax(z, 1), ()),
    "nll.": (nll_loss, ()),
    "normalisation.batch_norm_": (batch_norm, ("gain", "bias")),
    "normalisation.batch_norm_inference_": (
        batch_norm_inference, ("mean", "variance", "gain", "bias")
    ),
    "normalisation.layer_norm_": (layer_norm, ("gain", "bias")),
    "normalisation.rms_norm_": (
        lambda z, gain, eps: functional.rms_norm(z, gain.shape, gain, float(eps)), ("gain",)
    ),
}  # fmt: skip
LEARNT = ("W", "b", "A", "B", "F", "gain", "bias")


def rule(layer, tensors, name):
    """One of the rules of a layer: its forward pass, or what autograd makes of it."""

    def of(input):
        given = {n: array(v) if n in tensors else v for n, v in input.items()}
        z = array(given.pop("z"))
        delta, dz = (given.pop(n, None) for n in ("delta", "dz"))
        match name:
            case "forward":
                return layer(z, **given)
            case "backward":
                _, pull = torch.func.vjp(lambda z: layer(z, **given), z)
                return pull(array(delta))[0]
            case "jvp":
                return torch.func.jvp(lambda z: layer(z, **given), (z,), (array(dz),))[1]
        learnt = {n: given.pop(n) for n in LEARNT if n in given}
        _, pull = torch.func.vjp(lambda learnt: layer(z, **learnt, **given), learnt)
        return pull(array(delta))[0]

    return of


def attention(queries, keys, values, mask):
    """Zeros and ones are a mask of booleans; other factors are added as their logarithms."""
    m = array(mask)
    m = m != 0 if ((m == 0) | (m == 1)).all() else torch.log(m)
    return functional.scaled_dot_product_attention(queries, keys, values, attn_mask=m)


def attention_backward(input):
    given = dict(input)
    mask, delta = given.pop("mask"), array(given.pop("delta"))
    _, pull = torch.func.vjp(lambda given: attention(**given, mask=mask), arrays(given))
    return pull(delta)[0]


def attention_along(name):
    def of(input):
        given = dict(input)
        mask, along = given.pop("mask"), array(given.pop(f"d{name}"))
        given = arrays(given)

        def output(one):
            return attention(**{**given, name: one}, mask=mask)

        return torch.func.jvp(output, (given[name],), (along,))[1]

    return of


# ------------------------------------------------------------------------------ symbols, offsets


def embedded(W, y):
    return functional.embedding(torch.tensor(y), W)


def tied(W, y):
    return functional.linear(torch.tanh(embedded(W, y)), W)


def of_table(function):
    """The rules of a function of the table W and of symbols."""

    def gradient(y, W, delta):
        return {"W": torch.func.vjp(lambda W: function(W, y), array(W))[1](array(delta))[0]}

    return {
        "forward": named(lambda y, W: function(array(W), y)),
        "parameter_gradient": named(gradient),
        "jvp": named(
            lambda y, W, dW: torch.func.jvp(lambda W: function(W, y), (array(W),), (array(dW),))[1]
        ),
    }


def beside(X, y, offset, penalty=0.0):
    X, y, offset, penalty = array(X), array(y), array(offset), array(penalty)

    def nll(w):
        losses = functional.binary_cross_entropy_with_logits(X @ w + offset, y, reduction="sum")
        return losses + (penalty * w * w).sum() / 2

    return nll


def beside_classes(X, y, offset):
    X, y, offset = array(X), torch.tensor(y), array(offset)
    return lambda W: functional.cross_entropy(X @ W.T + offset, y, reduction="sum")


def hessian_beside(w, X, **given):
    """The Hessian, which is the same whatever the labels are."""
    return torch.func.hessian(beside(X, [0.0] * len(X), **given))(array(w))


def probit(X, y):
    X, sign = array(X), 2.0 * array(y) - 1.0
    return lambda w: -torch.special.log_ndtr(sign * (X @ w)).sum()


def dims(axis, z):
    return tuple(range(array(z).ndim)) if axis is None else axis


def logsumexp(z, axis=-1, b=None):
    if b is not None:
        raise NotImplementedError("a logsumexp with weights")
    return torch.logsumexp(array(z), dims(axis, z))


def sigmoid_residuals(t, y):
    def loss(t):
        return functional.binary_cross_entropy_with_logits(t, array(y), reduction="sum")

    return torch.func.grad(loss)(array(t))


def named(function):
    return lambda input: function(**input)


FUNCTIONS = {
    **{
        f"{prefix}{name}": rule(layer, tensors, name)
        for prefix, (layer, tensors) in LAYERS.items()
        for name in ("forward", "backward", "jvp", "parameter_gradient")
    },
    **{name: loss_of_logits(loss) for name, loss in LOSSES.items()},
    **{f"attention.jvp_{name}": attention_along(name) for name in ("queries", "keys", "values")},
    **{f"maps.embedding_{rule}": of for rule, of in of_table(embedded).items()},
    **{f"maps.tied_{rule}": of for rule, of in of_table(tied).items() if rule != "jvp"},
    "regression.offset_gradient": gradient(beside, "w"),
    "regression.offset_hessian": named(hessian_beside),
    "regression.offset_softmax_gradient": gradient(beside_classes, "W"),
    "regression.penalty_gradient": gradient(beside, "w"),
    "regression.penalty_hessian": named(hessian_beside),
    "regression.odds_ratio": named(lambda w: torch.exp(array(w))),
    "regression.probit_gradient": gradient(probit, "w"),
    "attention.backward": attention_backward,
    "attention.forward": named(lambda mask, **given: attention(**arrays(given), mask=mask)),
    "logistic.mean_gradient": gradient(binary_mean, "w"),
    "logistic.nll": named(lambda w, **data: binary(**data)(array(w))),
    "logistic.nll_gradient": gradient(binary, "w"),
    "logistic.nll_hessian": named(lambda w, **data: torch.func.hessian(binary(**data))(array(w))),
    "logistic.nll_hvp": named(lambda w, v, **data: hvp(binary(**data), w, v)),
    "logistic.penalised_gradient": gradient(penalised(binary), "w"),
    "logistic.soft_nll": named(lambda w, X, q: binary(X, q)(array(w))),
    "sigmoid.log_sigmoid": named(lambda t: functional.logsigmoid(array(t))),
    "sigmoid.residuals": named(sigmoid_residuals),
    "sigmoid.sigmoid": named(lambda t: torch.sigmoid(array(t))),
    "sigmoid.softplus": named(lambda t: functional.softplus(array(t))),
    "softmax.class_weighted_gradient": gradient(class_weighted, "W"),
    "softmax.jacobian": named(
        lambda z: torch.func.jacrev(lambda z: torch.softmax(z, -1))(array(z))
    ),
    "softmax.log_softmax": named(lambda z, axis=-1: torch.log_softmax(array(z), axis)),
    "softmax.logsumexp": named(logsumexp),
    "softmax.losses": named(
        lambda z, y: functional.cross_entropy(array(z), torch.tensor(y), reduction="none")
    ),
    "softmax.nll": named(lambda W, **data: multinomial(**data)(array(W))),
    "softmax.nll_gradient": gradient(multinomial, "W"),
    "softmax.nll_hessian": named(
        lambda W, **data: torch.func.hessian(multinomial(**data))(array(W))
    ),
    "softmax.nll_hvp": named(lambda W, V, **data: hvp(multinomial(**data), W, V)),
    "softmax.penalised_gradient": gradient(penalised(multinomial), "W"),
    "softmax.soft_gradient": gradient(soft, "W"),
    "softmax.softmax": named(lambda z, axis=-1: torch.softmax(array(z), axis)),
}


def answer(function, input):
    if function not in FUNCTIONS:
        raise NotImplementedError(function)
    try:
        return FUNCTIONS[function](input)
    except (RuntimeError, IndexError) as problem:  # how torch refuses shapes, types and labels
        if isinstance(problem, NotImplementedError):
            raise
        raise ValueError(problem) from None
