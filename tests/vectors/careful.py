"""Textbook versions that are stable, in NumPy: each meets every bound of its function.

The elementary functions are those of Python's `math`, which are the same on every processor.
Arguments such as `residuals` or `careless` are where `bugs` takes hold.
"""

import math

import numpy as np

# ------------------------------------------------------------------ elementary functions


def _everywhere(function):
    def entry(x):
        try:
            return function(x)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return np.vectorize(entry, otypes=[float])


def _logarithm(x):
    return -math.inf if x == 0 else math.log(x)


exp, log, log1p = map(_everywhere, (math.exp, _logarithm, math.log1p))
expm1, tanh, erf, erfc = map(_everywhere, (math.expm1, math.tanh, math.erf, math.erfc))


def sigmoid(t):
    e = exp(-np.abs(t))
    return np.where(t >= 0, 1.0, e) / (1.0 + e)


def softplus(t):
    return np.maximum(t, 0.0) + log1p(exp(-np.abs(t)))


def log_sigmoid(t):
    return -softplus(-t)


def sum_of_others(z):
    """The sum of e^(z - m) over all entries but the largest."""
    e = exp(z - z.max())
    return np.delete(e, e.argmax()).sum()


def softmax(z):
    return exp(z - z.max()) / (1.0 + sum_of_others(z))


def log_softmax(z):
    return (z - z.max()) - log1p(sum_of_others(z))


def rows(function, z):
    return np.array([function(row) for row in z])


def rowwise(function):
    """A function of rows, along an axis."""

    def applied(z, axis=-1):
        return np.apply_along_axis(function, axis, z)

    return applied


def logsumexp(z, axis=-1, b=None):
    b = np.ones_like(z) if b is None else np.broadcast_to(b, z.shape)
    kept = b > 0
    z = np.where(kept, z + log(np.where(kept, b, 1.0)), -np.inf)
    axes = tuple(range(z.ndim)) if axis is None or isinstance(axis, list) else (axis,)
    moved = np.moveaxis(z, axes, range(-len(axes), 0))
    flat = moved.reshape(*moved.shape[: z.ndim - len(axes)], -1)
    return np.apply_along_axis(lambda r: r.max() + log1p(sum_of_others(r)), -1, flat)


# ------------------------------------------------------------------ labels 0 and 1


def wrong_answer(y):
    """The sign of the logit of the wrong answer."""
    return 1.0 - 2.0 * y


def ones(X, sample_weight):
    return np.ones(len(X)) if sample_weight is None else sample_weight


def residuals(t, y):
    return wrong_answer(y) * sigmoid(wrong_answer(y) * t)


def nll(w, X, y, sample_weight=None):
    return (ones(X, sample_weight) * softplus(wrong_answer(y) * (X @ w))).sum()


def gradient(w, X, y, sample_weight=None, residuals=residuals):
    return (ones(X, sample_weight) * residuals(X @ w, y)) @ X


def variance(t):
    return sigmoid(t) * sigmoid(-t)


def hessian(w, X, y, sample_weight=None, variance=variance):
    return (X.T * (ones(X, sample_weight) * variance(X @ w))) @ X


def hvp(w, X, y, v, sample_weight=None, variance=variance):
    return (ones(X, sample_weight) * variance(X @ w) * (X @ v)) @ X


def ridge(gradient, name, factor=1.0, spared=0):
    """A gradient with that of factor penalty/2 |theta|^2."""

    def penalised(penalty, **given):
        pull = factor * penalty * given[name]
        pull[..., :spared] = 0.0
        return gradient(**given) + pull

    return penalised


def soft_nll(w, X, q):
    t = X @ w
    return (q * softplus(-t) + (1.0 - q) * softplus(t)).sum()


# ------------------------------------------------------------------ K classes


def labels(y):
    return y.astype(int)


def class_losses(z, y, log_softmax=log_softmax):
    return -rows(log_softmax, z)[np.arange(len(z)), labels(y)]


def class_residuals(z, y):
    P = rows(softmax, z)
    for p, label in zip(P, labels(y), strict=True):
        p[label] = 0.0
        p[label] = -p.sum()
    return P


def class_nll(W, X, y, sample_weight=None, log_softmax=log_softmax):
    return (ones(X, sample_weight) * class_losses(X @ W.T, y, log_softmax)).sum()


def class_gradient(W, X, y, sample_weight=None, residuals=class_residuals):
    return (ones(X, sample_weight)[:, None] * residuals(X @ W.T, y)).T @ X


def curvature(p, careless=False, diagonal=False):
    """p_a ([a = b] - p_b)."""
    others = 1.0 - p if careless else p @ (1.0 - np.eye(len(p)))
    C = np.zeros((len(p), len(p))) if diagonal else -np.outer(p, p)
    C[np.diag_indices(len(p))] = p * others
    return C


def class_hessian(W, X, y, sample_weight=None, **how):
    C = np.array([curvature(p, **how) for p in rows(softmax, X @ W.T)])
    return np.einsum("i,iab,ik,ij->akbj", ones(X, sample_weight), C, X, X)


def class_hvp(W, X, y, V, sample_weight=None, apply=None):
    pull = np.array(
        [
            (apply or softmax_rule)(p, q)
            for p, q in zip(rows(softmax, X @ W.T), X @ V.T, strict=True)
        ]
    )
    return (ones(X, sample_weight)[:, None] * pull).T @ X


def softmax_rule(p, q):
    """p_a sum_b p_b (q_a - q_b)."""
    return p * ((q[:, None] - q[None, :]) * p).sum(axis=1)


def soft_gradient(W, X, Y):
    P, others = rows(softmax, X @ W.T), 1.0 - np.eye(len(W))
    return (P * (Y @ others) - Y * (P @ others)).T @ X


def class_weighted_gradient(class_weight, y, **given):
    return class_gradient(y=y, sample_weight=class_weight[labels(y)], **given)


# ------------------------------------------------------------------ functions of one number


def normal(t):
    return erfc(-t / math.sqrt(2.0)) / 2.0


def density(t):
    return exp(-t * t / 2.0) / math.sqrt(2.0 * math.pi)


def bent(t):
    scale = math.sqrt(2.0 / math.pi)
    return scale * (t + 0.044715 * t * t * t), scale * (1.0 + 3.0 * 0.044715 * t * t)


def gelu_tanh_slope(t):
    h, slope = bent(t)
    return sigmoid(2.0 * h) * (1.0 + 2.0 * t * slope * sigmoid(-2.0 * h))


def tanh_slope(t):
    e = exp(-np.abs(t))
    return (2.0 * e / (1.0 + e * e)) ** 2


SLOPES = {
    "activations.sigmoid": (sigmoid, variance),
    "activations.log_sigmoid": (log_sigmoid, lambda t: sigmoid(-t)),
    "activations.tanh": (tanh, tanh_slope),
    "activations.relu": (lambda t: np.maximum(t, 0.0), lambda t: np.where(t > 0, 1.0, 0.0)),
    "activations.softplus": (softplus, sigmoid),
    "gates.gelu": (lambda t: t * normal(t), lambda t: normal(t) + t * density(t)),
    "gates.gelu_tanh": (lambda t: t * sigmoid(2.0 * bent(t)[0]), gelu_tanh_slope),
    "gates.silu": (lambda t: t * sigmoid(t), lambda t: sigmoid(t) * (1.0 + t * sigmoid(-t))),
    "gates.leaky_relu": (
        lambda t, alpha: np.where(t > 0, t, alpha * t),
        lambda t, alpha: np.where(t > 0, 1.0, alpha),
    ),
    "gates.elu": (
        lambda t, alpha: np.where(t > 0, t, alpha * expm1(np.minimum(t, 0.0))),
        lambda t, alpha: np.where(t > 0, 1.0, alpha * exp(np.minimum(t, 0.0))),
    ),
    "gates.softsign": (lambda t: t / (1.0 + np.abs(t)), lambda t: (1.0 / (1.0 + np.abs(t))) ** 2),
    "gates.squared_relu": (lambda t: np.maximum(t, 0.0) ** 2, lambda t: 2.0 * np.maximum(t, 0.0)),
    "gates.hard_tanh": (
        lambda t: np.clip(t, -1.0, 1.0),
        lambda t: np.where((t > -1.0) & (t <= 1.0), 1.0, 0.0),
    ),
}


def forward(f):
    return lambda z, **given: f(z, **given)


def backward(slope):
    return lambda z, delta, **given: delta * slope(z, **given)


def jvp(slope):
    return lambda z, dz, **given: dz * slope(z, **given)


# ------------------------------------------------------------------ layers


def row_rule(rule):
    return lambda z, delta: np.array(
        [rule(*pair) for pair in zip(rows(softmax, z), delta, strict=True)]
    )


def along(backward):
    """A rule that is its own transpose."""
    return lambda dz, **given: backward(delta=dz, **given)


def log_softmax_rule(p, delta):
    others = 1.0 - np.eye(len(p))
    return delta * (others @ p) - p * (others @ delta)


def softmax_second_order(z, delta, dz):
    S, dS = rows(softmax, z), row_rule(softmax_rule)(z, dz)
    along = (dS * delta).sum(axis=1, keepdims=True)
    return dS * log_softmax_along(z, delta) - S * along


def log_softmax_second_order(z, delta, dz):
    return -row_rule(softmax_rule)(z, dz) * delta.sum(axis=1, keepdims=True)


def log_softmax_along(z, dz):
    return np.array(
        [
            ((d[:, None] - d[None, :]) * p).sum(axis=1)
            for p, d in zip(rows(softmax, z), dz, strict=True)
        ]
    )


def shares(z, y, smoothing):
    return (1.0 - smoothing) * np.eye(z.shape[1])[labels(y)] + smoothing / z.shape[1]


def nll_layer(z, y, sample_weight=None, smoothing=0.0):
    return -(ones(z, sample_weight)[:, None] * shares(z, y, smoothing) * z).sum()


def nll_backward(z, y, delta, sample_weight=None, smoothing=0.0):
    return -delta * ones(z, sample_weight)[:, None] * shares(z, y, smoothing)


def linear(z, W, b=None):
    return z @ W.T if b is None else z @ W.T + b


def linear_gradient(z, delta, W, b=None):
    gradients = {"W": delta.T @ z}
    return gradients if b is None else {**gradients, "b": delta.sum(axis=0)}


def linear_along(z, W, dz, dW, b=None, db=None):
    return dz @ W.T + z @ dW.T + (0.0 if b is None else db)


def standardised(z, eps, axis):
    d = z - z.mean(axis=axis, keepdims=True)
    root = np.sqrt((d * d).mean(axis=axis, keepdims=True) + eps)
    return d / root, root


def over_root(z, eps, axis):
    root = np.sqrt((z * z).mean(axis=axis, keepdims=True) + eps)
    return z / root, root


def norm(scale, axis):
    """Forward pass, RULE 2, RULE 3 and the change along dz of a norm over an axis."""
    centred = scale is not over_root

    def project(hat, root, pull):
        m = pull.mean(axis=axis, keepdims=True) if centred else 0.0
        return (pull - m - hat * (pull * hat).mean(axis=axis, keepdims=True)) / root

    def forward(z, gain, eps, bias=0.0):
        return gain * scale(z, eps, axis)[0] + bias

    def backward(z, delta, gain, eps, bias=0.0):
        return project(*scale(z, eps, axis), gain * delta)

    def parameter_gradient(z, delta, gain, eps, bias=None):
        gradients = {"gain": (delta * scale(z, eps, axis)[0]).sum(axis=0)}
        return gradients if bias is None else {**gradients, "bias": delta.sum(axis=0)}

    def along(z, dz, gain, eps, bias=0.0):
        return gain * project(*scale(z, eps, axis), dz)

    return forward, backward, parameter_gradient, along


def fixed_norm(z, mean, variance, gain, bias, eps):
    return gain * ((z - mean) / np.sqrt(variance + eps)) + bias


def fixed_backward(z, delta, mean, variance, gain, bias, eps):
    return gain * delta / np.sqrt(variance + eps)


def fixed_gradient(z, delta, mean, variance, gain, bias, eps):
    hat = (z - mean) / np.sqrt(variance + eps)
    return {"gain": (delta * hat).sum(axis=0), "bias": delta.sum(axis=0)}


def scores(queries, keys):
    return queries @ keys.T / math.sqrt(queries.shape[1])


def attended(queries, keys, mask, scores=scores):
    z = np.where(mask > 0, scores(queries, keys), -np.inf)
    e = mask * exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def attention(queries, keys, values, mask, attended=attended):
    return attended(queries, keys, mask) @ values


def through_weights(P, G):
    return P * (G - (P * G).sum(axis=1, keepdims=True))


def attention_backward(queries, keys, values, mask, delta, through=through_weights, scaled=True):
    P = attended(queries, keys, mask)
    D = through(P, delta @ values.T) / (math.sqrt(queries.shape[1]) if scaled else 1.0)
    return {"queries": D @ keys, "keys": D.T @ queries, "values": P.T @ delta}


def attention_along_values(queries, keys, values, mask, dvalues):
    return attended(queries, keys, mask) @ dvalues


def attention_along_queries(queries, keys, values, mask, dqueries):
    return through_weights(attended(queries, keys, mask), scores(dqueries, keys)) @ values


def attention_along_keys(queries, keys, values, mask, dkeys):
    return through_weights(attended(queries, keys, mask), scores(queries, dkeys)) @ values


# ------------------------------------------------------------------ maps and branches


def looked_up(y, W):
    return W[labels(y)]


def added(y, delta, W):
    gradient = np.zeros_like(W)
    for label, row in zip(labels(y), delta, strict=True):
        gradient[label] += row
    return gradient


def leading_gradient(z, delta, **given):
    def flat(a):
        return a.reshape(-1, a.shape[-1])

    return linear_gradient(flat(z), flat(delta), **given)


def places(length, taps, stride, padding):
    """What each tap reads at each place of the output, in the padded input."""
    starts = np.arange(0, length + 2 * padding - taps + 1, stride)
    return starts[:, None] + np.arange(taps)


def windows(z, taps, stride, padding):
    padded = np.pad(z, ((0, 0), (padding, padding), (0, 0)))
    return padded[:, places(z.shape[1], taps, stride, padding)]


def convolution(z, W, b=0.0, stride=1, padding=0):
    return np.einsum("irqk,uqk->iru", windows(z, W.shape[1], stride, padding), W) + b


def convolution_backward(z, delta, W, b=None, stride=1, padding=0):
    taken = np.einsum("iru,uqk->irqk", delta, W)
    padded = np.zeros((len(z), z.shape[1] + 2 * padding, z.shape[2]))
    for r, row in enumerate(places(z.shape[1], W.shape[1], stride, padding)):
        for q, place in enumerate(row):
            padded[:, place] += taken[:, r, q]
    return padded[:, padding : padding + z.shape[1]]


def convolution_flip(delta, W, padding):
    turned = W[:, ::-1].transpose(2, 1, 0)
    return convolution(delta, turned, padding=W.shape[1] - 1 - padding)


def convolution_gradient(z, delta, W, b=None, stride=1, padding=0):
    read = windows(z, W.shape[1], stride, padding)
    gradients = {"W": np.einsum("iru,irqk->uqk", delta, read)}
    return gradients if b is None else {**gradients, "b": delta.sum(axis=(0, 1))}


def low_rank(z, W, A, B, alpha):
    return z @ W.T + alpha * (z @ A.T @ B.T)


def low_rank_gradient(z, delta, W, A, B, alpha):
    return {
        "W": delta.T @ z,
        "A": (alpha * (delta @ B)).T @ z,
        "B": alpha * (delta.T @ (z @ A.T)),
    }


def tied(y, W):
    return tanh(W[labels(y)]) @ W.T


def tied_gradient(y, delta, W, twice=True):
    x = W[labels(y)]
    below = added(y, delta @ W * tanh_slope(x), W)
    return {"W": delta.T @ tanh(x) + below if twice else below}


def branch(z, A, F, phi=tanh):
    return phi(z @ A.T) @ F.T


def branch_inside(z, delta, A, F, slope=tanh_slope):
    return delta @ F * slope(z @ A.T)


def branch_backward(z, delta, A, F, slope=tanh_slope):
    return branch_inside(z, delta, A, F, slope) @ A


def branch_along(z, dz, A, F, slope=tanh_slope):
    return (slope(z @ A.T) * (dz @ A.T)) @ F.T


def residual_gradient(z, delta, A, F, slope=tanh_slope):
    return {"A": branch_inside(z, delta, A, F, slope).T @ z, "F": delta.T @ tanh(z @ A.T)}


def sum_backward(z, delta, A, F, B, G, slope=tanh_slope):
    return branch_backward(z, delta, A, F, slope) + branch_backward(z, delta, B, G, variance)


def concatenation_backward(z, delta, A, F, B, H, slope=tanh_slope):
    first, second = delta[:, : len(F)], delta[:, len(F) :]
    return branch_backward(z, first, A, F, slope) + branch_backward(z, second, B, H, variance)


def dropout(z, mask, p):
    return mask * z / (1.0 - p)


# ------------------------------------------------------------------ other regressions


def offset_gradient(w, X, y, offset, residuals=residuals):
    return residuals(X @ w + offset, y) @ X


def offset_hessian(w, X, offset, variance=variance):
    return (X.T * variance(X @ w + offset)) @ X


def offset_softmax_gradient(W, X, y, offset, residuals=class_residuals):
    return residuals(X @ W.T + offset, y).T @ X


def penalty_gradient(w, X, y, offset, penalty):
    return offset_gradient(w, X, y, offset) + penalty * w


def penalty_hessian(w, X, offset, penalty):
    return offset_hessian(w, X, offset) + np.diag(penalty)


def penalty_newton_step(w, X, y, offset, penalty):
    gradient = penalty_gradient(w, X, y, offset, penalty)
    return w - np.linalg.solve(penalty_hessian(w, X, offset, penalty), gradient)


def mills(t):
    return density(t) / normal(t)


def probit(z, y):
    """The slope and the second derivative of the loss, and what the latter is on average."""
    t = np.where(y == 1, z, -z)
    m = mills(t)
    return np.where(y == 1, -m, m), m * (m + t), mills(z) * mills(-z)


def of_one(u):
    return u / expm1(u)


def cloglog(z, y):
    u = exp(z)
    bend = of_one(u) * (u / -expm1(-u) - 1.0)
    return np.where(y == 1, -of_one(u), u), np.where(y == 1, bend, u), u * of_one(u)


def cubic(z, y):
    eta, slope = z + z**3, 1.0 + 3.0 * z**2
    spread = slope**2 * sigmoid(eta) * sigmoid(-eta)
    return slope * residuals(eta, y), 6.0 * z * residuals(eta, y) + spread, spread


def link_gradient(link):
    return lambda w, X, y: link(X @ w, y)[0] @ X


def link_hessian(link):
    def both(w, X, y):
        _, observed, expected = link(X @ w, y)
        return {"observed": (X.T * observed) @ X, "expected": (X.T * expected) @ X}

    return both


# ------------------------------------------------------------------ costs of logits


def pulled(z, t):
    return rows(softmax, z) * t.sum(axis=1, keepdims=True) - t


def temperature(z, targets, tau):
    return pulled(z / tau, targets) / tau


def distillation(z, teacher, tau):
    return (rows(softmax, z / tau) - rows(softmax, teacher / tau)) / tau


def label_smoothing(z, targets, weight, alpha):
    return pulled(z, ((1.0 - alpha) * targets + alpha / z.shape[1]) * weight)


def weighted_mean(z, targets, sample_weight):
    return (sample_weight / sample_weight.sum())[:, None] * pulled(z, targets)


def focal(z, y, gamma):
    sign = 2.0 * y - 1.0
    t = sign * z
    power = exp(gamma * log_sigmoid(-t))
    return sign * power * (gamma * sigmoid(t) * log_sigmoid(t) - sigmoid(-t))


def many_labels(z, y, positive):
    return np.where(y > 0, -positive * sigmoid(-z), sigmoid(z))


def masked(z, mask, delta):
    lowest = np.where(mask > 0, z, -np.inf)
    e = exp(lowest - lowest.max(axis=1, keepdims=True))
    p, delta = e / e.sum(axis=1, keepdims=True), np.where(mask > 0, delta, 0.0)
    return delta - p * delta.sum(axis=1, keepdims=True)


# ------------------------------------------------------------------ estimates


def newton(gradient, hessian, size, tolerance=1e-12):
    """Newton's method from zero with steps no longer than 2, and one more where it has ended."""
    theta = np.zeros(size)
    for _ in range(100):
        step = np.linalg.solve(hessian(theta), gradient(theta))
        longest = np.abs(step).max()
        theta = theta - step * min(1.0, 2.0 / longest if longest else 1.0)
        if longest < tolerance:
            break
    return theta


def mle(X, y, sample_weight=None, penalty=0.0, tolerance=1e-12):
    n = X.shape[1]
    return newton(
        lambda w: gradient(w, X, y, sample_weight) + penalty * w,
        lambda w: hessian(w, X, y, sample_weight) + penalty * np.eye(n),
        n,
        tolerance,
    )


def class_mle(X, y, n_classes, sample_weight=None, penalty=0.0, tolerance=1e-12):
    n, first = X.shape[1], 0 if penalty else 1
    size = (n_classes - first) * n

    def table(theta):
        return np.concatenate([np.zeros((first, n)), theta.reshape(-1, n)])

    def g(theta):
        return class_gradient(table(theta), X, y, sample_weight)[first:].ravel() + penalty * theta

    def H(theta):
        full = class_hessian(table(theta), X, y, sample_weight)[first:, :, first:]
        return full.reshape(size, size) + penalty * np.eye(size)

    W = table(newton(g, H, size, tolerance))
    return W - W.mean(axis=0)


def _rules(name, scale, axis):
    functions = norm(scale, axis)
    names = ("forward", "backward", "parameter_gradient", "jvp")
    return {f"normalisation.{name}_{rule}": f for rule, f in zip(names, functions, strict=True)}


FUNCTIONS = {
    "sigmoid.sigmoid": sigmoid,
    "sigmoid.log_sigmoid": log_sigmoid,
    "sigmoid.softplus": softplus,
    "sigmoid.residuals": residuals,
    "softmax.softmax": rowwise(softmax),
    "softmax.log_softmax": rowwise(log_softmax),
    "softmax.logsumexp": logsumexp,
    "softmax.losses": class_losses,
    "softmax.residuals": class_residuals,
    "softmax.jacobian": lambda z: curvature(softmax(z)),
    "logistic.nll": nll,
    "logistic.nll_gradient": gradient,
    "logistic.nll_hessian": hessian,
    "logistic.nll_hvp": hvp,
    "logistic.penalised_gradient": ridge(gradient, "w"),
    "logistic.mean_gradient": lambda sample_weight, **given: (
        gradient(sample_weight=sample_weight, **given) / sample_weight.sum()
    ),
    "logistic.soft_nll": soft_nll,
    "logistic.mle": mle,
    "softmax.nll": class_nll,
    "softmax.nll_gradient": class_gradient,
    "softmax.nll_hessian": class_hessian,
    "softmax.nll_hvp": class_hvp,
    "softmax.penalised_gradient": ridge(class_gradient, "W"),
    "softmax.soft_gradient": soft_gradient,
    "softmax.class_weighted_gradient": class_weighted_gradient,
    "softmax.mle": class_mle,
    **{f"{name}_forward": forward(f) for name, (f, _) in SLOPES.items()},
    **{f"{name}_backward": backward(slope) for name, (_, slope) in SLOPES.items()},
    **{f"{name}_jvp": jvp(slope) for name, (_, slope) in SLOPES.items()},
    "activations.softmax_forward": rowwise(softmax),
    "activations.softmax_backward": row_rule(softmax_rule),
    "activations.softmax_jvp": along(row_rule(softmax_rule)),
    "log_softmax.backward": row_rule(log_softmax_rule),
    "log_softmax.jvp": log_softmax_along,
    "log_softmax.second_order": log_softmax_second_order,
    "activations.softmax_second_order": softmax_second_order,
    "nll.forward": nll_layer,
    "nll.backward": nll_backward,
    "nll.jvp": lambda z, dz, **given: nll_layer(dz, **given),
    "linear.forward": linear,
    "linear.backward": lambda z, delta, W, b=None: delta @ W,
    "linear.parameter_gradient": linear_gradient,
    "linear.jvp": lambda z, dz, W, b=None: dz @ W.T,
    "linear.jvp_with_parameters": linear_along,
    **_rules("layer_norm", standardised, 1),
    **_rules("rms_norm", over_root, 1),
    **_rules("batch_norm", standardised, 0),
    "normalisation.batch_norm_inference_forward": fixed_norm,
    "normalisation.batch_norm_inference_backward": fixed_backward,
    "normalisation.batch_norm_inference_parameter_gradient": fixed_gradient,
    "normalisation.batch_norm_inference_jvp": along(fixed_backward),
    "attention.forward": attention,
    "attention.backward": attention_backward,
    "attention.jvp_values": attention_along_values,
    "attention.jvp_queries": attention_along_queries,
    "attention.jvp_keys": attention_along_keys,
    "maps.leading_axes_forward": linear,
    "maps.leading_axes_backward": lambda z, delta, W, b=None: delta @ W,
    "maps.leading_axes_parameter_gradient": leading_gradient,
    "maps.leading_axes_jvp": lambda z, dz, W, b=None: dz @ W.T,
    "maps.embedding_forward": looked_up,
    "maps.embedding_parameter_gradient": lambda y, delta, W: {"W": added(y, delta, W)},
    "maps.embedding_jvp": lambda y, W, dW: looked_up(y, dW),
    "maps.convolution_forward": convolution,
    "maps.convolution_backward": convolution_backward,
    "maps.convolution_parameter_gradient": convolution_gradient,
    "maps.convolution_flip": convolution_flip,
    "maps.convolution_jvp": lambda z, dz, b=None, **given: convolution(dz, **given),
    "maps.low_rank_forward": low_rank,
    "maps.low_rank_backward": lambda z, delta, W, A, B, alpha: delta @ W + alpha * (delta @ B) @ A,
    "maps.low_rank_parameter_gradient": low_rank_gradient,
    "maps.low_rank_jvp": lambda z, dz, **given: low_rank(dz, **given),
    "maps.tied_forward": tied,
    "maps.tied_parameter_gradient": tied_gradient,
    "composition.residual_forward": lambda z, A, F: z + branch(z, A, F),
    "composition.residual_backward": lambda z, delta, A, F: delta + branch_backward(z, delta, A, F),
    "composition.residual_parameter_gradient": residual_gradient,
    "composition.residual_jvp": lambda z, dz, A, F: dz + branch_along(z, dz, A, F),
    "composition.sum_forward": lambda z, A, F, B, G: branch(z, A, F) + branch(z, B, G, sigmoid),
    "composition.sum_backward": sum_backward,
    "composition.sum_jvp": lambda z, dz, A, F, B, G: (
        branch_along(z, dz, A, F) + branch_along(z, dz, B, G, variance)
    ),
    "composition.concatenation_forward": lambda z, A, F, B, H: np.hstack(
        [branch(z, A, F), branch(z, B, H, sigmoid)]
    ),
    "composition.concatenation_backward": concatenation_backward,
    "composition.concatenation_jvp": lambda z, dz, A, F, B, H: np.hstack(
        [branch_along(z, dz, A, F), branch_along(z, dz, B, H, variance)]
    ),
    "composition.dropout_forward": dropout,
    "composition.dropout_moments": lambda z, p: {"mean": z, "variance": z**2 * p / (1.0 - p)},
    "composition.dropout_backward": lambda z, delta, mask, p: dropout(delta, mask, p),
    "composition.dropout_jvp": lambda z, dz, mask, p: dropout(dz, mask, p),
    "regression.offset_gradient": offset_gradient,
    "regression.offset_hessian": offset_hessian,
    "regression.offset_softmax_gradient": offset_softmax_gradient,
    "regression.penalty_gradient": penalty_gradient,
    "regression.penalty_hessian": penalty_hessian,
    "regression.penalty_newton_step": penalty_newton_step,
    "regression.odds_ratio": lambda w: exp(w),
    "regression.odds_ratio_variance": lambda w, covariance: exp(2.0 * w) * np.diag(covariance),
    "regression.link_gradient": link_gradient(cubic),
    "regression.link_hessian": link_hessian(cubic),
    "regression.probit_gradient": link_gradient(probit),
    "regression.probit_hessian": link_hessian(probit),
    "regression.cloglog_gradient": link_gradient(cloglog),
    "regression.cloglog_hessian": link_hessian(cloglog),
    "targets.temperature": temperature,
    "targets.distillation": distillation,
    "targets.label_smoothing": label_smoothing,
    "targets.weighted_mean": weighted_mean,
    "targets.focal_gradient": focal,
    "targets.many_labels_gradient": many_labels,
    "targets.masked_log_softmax_backward": masked,
}
