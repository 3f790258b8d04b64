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
LEARNT = ("W", "b", "gain", "bias")


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
