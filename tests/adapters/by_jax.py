"""jax.nn in double precision, compiled; derivatives by automatic differentiation."""

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


# ------------------------------------------------------------------------------ losses


def binary_of(z, y, sample_weight=1.0):
    return jnp.sum(sample_weight * (jax.nn.softplus(z) - y * z))


def binary(w, X, y, sample_weight=1.0):
    return binary_of(X @ w, y, sample_weight)


def losses(z, y):
    log_p = jax.nn.log_softmax(z, axis=1)
    return -jnp.take_along_axis(log_p, y[:, None], axis=1)[:, 0]


def multinomial(W, X, y, sample_weight=1.0):
    return jnp.sum(sample_weight * losses(X @ W.T, y))


def derivatives(name, nll, w, v):
    def product(input):
        given = dict(input)
        at, along = given.pop(w), given.pop(v)
        return jax.jvp(lambda at: jax.grad(nll)(at, **given), (at,), (along,))[1]

    def at_first(function):
        return lambda input: function(input[w], **{k: a for k, a in input.items() if k != w})

    return {
        f"{name}.nll": at_first(nll),
        f"{name}.nll_gradient": at_first(jax.grad(nll)),
        f"{name}.nll_hessian": at_first(jax.hessian(nll)),
        f"{name}.nll_hvp": product,
    }


# ------------------------------------------------------------------------------------ layers


def layer_norm(z, gain, bias, eps):
    return jax.nn.standardize(z, axis=1, epsilon=eps) * gain + bias


def batch_norm(z, gain, bias, eps):
    return jax.nn.standardize(z, axis=0, epsilon=eps) * gain + bias


def linear(z, W, b=0.0):
    return z @ W.T + b


def convolution(z, W, b=0.0, stride=1, padding=0):
    """In the order N x places x features, with the outputs of the kernel last."""
    places = jax.lax.conv_general_dilated(
        z, W.transpose(1, 2, 0), (stride,), [(padding, padding)],
        dimension_numbers=("NWC", "WIO", "NWC"),
    )  # fmt: skip
    return places + b


def low_rank(z, W, A, B, alpha):
    return z @ W.T + alpha * (z @ A.T @ B.T)


def branch(z, A, F, phi=jnp.tanh):
    return phi(z @ A.T) @ F.T


def added(z, A, F, B, G):
    return branch(z, A, F) + branch(z, B, G, jax.nn.sigmoid)


def concatenation(z, A, F, B, H):
    return jnp.concatenate([branch(z, A, F), branch(z, B, H, jax.nn.sigmoid)], axis=1)


LAYERS = {
    "activations.log_sigmoid_": jax.nn.log_sigmoid,
    "activations.relu_": jax.nn.relu,
    "activations.sigmoid_": jax.nn.sigmoid,
    "activations.softmax_": lambda z: jax.nn.softmax(z, axis=1),
    "activations.softplus_": jax.nn.softplus,
    "activations.tanh_": jnp.tanh,
    "gates.elu_": jax.nn.elu,
    "gates.gelu_": lambda z: jax.nn.gelu(z, approximate=False),
    "gates.gelu_tanh_": lambda z: jax.nn.gelu(z, approximate=True),
    "gates.hard_tanh_": jax.nn.hard_tanh,
    "gates.leaky_relu_": lambda z, alpha: jax.nn.leaky_relu(z, alpha),
    "gates.silu_": jax.nn.silu,
    "gates.softsign_": jax.nn.soft_sign,
    "maps.leading_axes_": linear,
    "maps.low_rank_": low_rank,
    "composition.residual_": lambda z, A, F: z + branch(z, A, F),
    "composition.sum_": added,
    "composition.concatenation_": concatenation,
    "log_softmax.": lambda z: jax.nn.log_softmax(z, axis=1),
    "normalisation.batch_norm_": batch_norm,
    "normalisation.layer_norm_": layer_norm,
}


# Each rule is compiled for each shape, which takes its time: not all of them.
BACKWARD = (
    "composition.concatenation_",
    "composition.residual_",
    "maps.low_rank_",
    "activations.sigmoid_",
    "activations.softmax_",
    "activations.tanh_",
    "log_softmax.",
    "normalisation.layer_norm_",
)


def forward(layer):
    return lambda input: layer(input["z"], **{n: a for n, a in input.items() if n != "z"})


def backward(layer):
    def of(input):
        given = dict(input)
        z, delta = given.pop("z"), given.pop("delta")
        return jax.vjp(lambda z: layer(z, **given), z)[1](delta)[0]

    return of


def beside(w, X, y, offset, penalty=0.0):
    return binary_of(X @ w + offset, y) + jnp.sum(penalty * w * w) / 2


def beside_classes(W, X, y, offset):
    return jnp.sum(losses(X @ W.T + offset, y))


def probit(w, X, y):
    return -jnp.sum(jax.scipy.special.log_ndtr((2 * y - 1) * (X @ w)))


def gradient_of(cost, at):
    return lambda input: jax.grad(cost)(input[at], **{n: v for n, v in input.items() if n != at})


def of(name, function):
    return lambda input: function(input[name])


COMPILED = {
    **{f"{name}forward": forward(layer) for name, layer in LAYERS.items()},
    **{f"{name}backward": backward(LAYERS[name]) for name in BACKWARD},
    **derivatives("logistic", binary, "w", "v"),
    **derivatives("softmax", multinomial, "W", "V"),
    "regression.offset_gradient": gradient_of(beside, "w"),
    "regression.penalty_gradient": gradient_of(beside, "w"),
    "regression.offset_softmax_gradient": gradient_of(beside_classes, "W"),
    "regression.probit_gradient": gradient_of(probit, "w"),
    "sigmoid.log_sigmoid": of("t", jax.nn.log_sigmoid),
    "sigmoid.sigmoid": of("t", jax.nn.sigmoid),
    "sigmoid.softplus": of("t", jax.nn.softplus),
    "softmax.jacobian": of("z", jax.jacrev(jax.nn.softmax)),
    "softmax.losses": lambda input: losses(**input),
    "softmax.residuals": lambda input: jax.grad(lambda z: losses(z, input["y"]).sum())(input["z"]),
}
COMPILED = {name: jax.jit(function) for name, function in COMPILED.items()}


# ------------------------------------------------------ along an axis, with numbers that are fixed


def logsumexp(z, axis=-1, b=None):
    axis = tuple(axis) if isinstance(axis, list) else axis
    return jax.nn.logsumexp(array(z), axis=axis, b=None if b is None else array(b))


ALONG = {
    "maps.convolution_forward": lambda z, W, b=0.0, stride=1, padding=0: convolution(
        array(z), array(W), array(b), stride, padding
    ),
    "maps.embedding_forward": lambda y, W: array(W)[jnp.asarray(y)],
    "softmax.log_softmax": lambda z, axis=-1: jax.nn.log_softmax(array(z), axis=axis),
    "softmax.logsumexp": logsumexp,
    "softmax.softmax": lambda z, axis=-1: jax.nn.softmax(array(z), axis=axis),
}


def array(value):
    return jnp.asarray(value, dtype=jnp.float64)


def answer(function, input):
    try:
        if function in ALONG:
            return ALONG[function](**input)
        if function not in COMPILED:
            raise NotImplementedError(function)
        # Labels stay integers.
        given = {n: jnp.asarray(v) if n == "y" else array(v) for n, v in input.items()}
        return COMPILED[function](given)
    except (NameError, IndexError) as problem:  # how it refuses an axis that is a word, and []
        raise ValueError(problem) from None
