"""jax.nn in double precision; derivatives by automatic differentiation."""

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


def array(value):
    return jnp.asarray(value, dtype=jnp.float64)


def binary(X, y, sample_weight=None):
    X, y = array(X), array(y)
    s = 1.0 if sample_weight is None else array(sample_weight)

    def nll(w):
        z = X @ w
        return jnp.sum(s * (jax.nn.softplus(z) - y * z))

    return nll


def multinomial(X, y, sample_weight=None):
    X, y = array(X), jnp.asarray(y)
    s = 1.0 if sample_weight is None else array(sample_weight)

    def nll(W):
        log_p = jax.nn.log_softmax(X @ W.T, axis=1)
        return -jnp.sum(s * jnp.take_along_axis(log_p, y[:, None], axis=1)[:, 0])

    return nll


def penalised(nll):
    def loss(penalty, **data):
        plain = nll(**data)
        return lambda w: plain(w) + penalty / 2 * (w * w).sum()

    return loss


# ------------------------------------------------------------------------------------ layers

ELEMENTWISE = {
    "activations.log_sigmoid": jax.nn.log_sigmoid,
    "activations.relu": jax.nn.relu,
    "activations.sigmoid": jax.nn.sigmoid,
    "activations.softmax": lambda z: jax.nn.softmax(z, axis=1),
    "activations.softplus": jax.nn.softplus,
    "activations.tanh": jnp.tanh,
    "gates.elu": lambda z, alpha: jax.nn.elu(z, alpha),
    "gates.gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "gates.gelu_tanh": lambda z: jax.nn.gelu(z, approximate=True),
    "gates.hard_tanh": jax.nn.hard_tanh,
    "gates.leaky_relu": lambda z, alpha: jax.nn.leaky_relu(z, alpha),
    "gates.silu": jax.nn.silu,
    "gates.softsign": jax.nn.soft_sign,
}


def layer_norm(z, gain, bias, eps):
    return jax.nn.standardize(z, axis=1, epsilon=eps) * array(gain) + array(bias)


def batch_norm(z, gain, bias, eps):
    return jax.nn.standardize(z, axis=0, epsilon=eps) * array(gain) + array(bias)


LAYERS = {
    **{f"{name}_": function for name, function in ELEMENTWISE.items()},
    "log_softmax.": lambda z: jax.nn.log_softmax(z, axis=1),
    "normalisation.batch_norm_": batch_norm,
    "normalisation.layer_norm_": layer_norm,
}


def rule(layer, name):
    """The forward pass of a layer, or what automatic differentiation makes of it."""

    def of(z, delta=None, dz=None, **given):
        if name == "forward":
            return layer(array(z), **given)
        if name == "backward":
            return jax.vjp(lambda z: layer(z, **given), array(z))[1](array(delta))[0]
        return jax.jvp(lambda z: layer(z, **given), (array(z),), (array(dz),))[1]

    return of


def losses(z, y):
    log_p = jax.nn.log_softmax(array(z), axis=1)
    return -jnp.take_along_axis(log_p, jnp.asarray(y)[:, None], axis=1)[:, 0]


def hvp(nll, w, v):
    return jax.jvp(jax.grad(nll), (array(w),), (array(v),))[1]


def logsumexp(z, axis=-1, b=None):
    axis = tuple(axis) if isinstance(axis, list) else axis
    return jax.nn.logsumexp(array(z), axis=axis, b=None if b is None else array(b))


FUNCTIONS = {
    **{
        f"{prefix}{name}": rule(layer, name)
        for prefix, layer in LAYERS.items()
        for name in ("forward", "backward", "jvp")
    },
    "logistic.penalised_gradient": lambda w, **data: jax.grad(penalised(binary)(**data))(array(w)),
    "softmax.jacobian": lambda z: jax.jacrev(jax.nn.softmax)(array(z)),
    "softmax.losses": losses,
    "softmax.penalised_gradient": lambda W, **data: jax.grad(penalised(multinomial)(**data))(
        array(W)
    ),
    "softmax.residuals": lambda z, y: jax.grad(lambda z: losses(z, y).sum())(array(z)),
    "logistic.nll": lambda w, **data: binary(**data)(array(w)),
    "logistic.nll_gradient": lambda w, **data: jax.grad(binary(**data))(array(w)),
    "logistic.nll_hessian": lambda w, **data: jax.hessian(binary(**data))(array(w)),
    "logistic.nll_hvp": lambda w, v, **data: hvp(binary(**data), w, v),
    "sigmoid.log_sigmoid": lambda t: jax.nn.log_sigmoid(array(t)),
    "sigmoid.sigmoid": lambda t: jax.nn.sigmoid(array(t)),
    "sigmoid.softplus": lambda t: jax.nn.softplus(array(t)),
    "softmax.log_softmax": lambda z, axis=-1: jax.nn.log_softmax(array(z), axis=axis),
    "softmax.logsumexp": logsumexp,
    "softmax.nll": lambda W, **data: multinomial(**data)(array(W)),
    "softmax.nll_gradient": lambda W, **data: jax.grad(multinomial(**data))(array(W)),
    "softmax.nll_hessian": lambda W, **data: jax.hessian(multinomial(**data))(array(W)),
    "softmax.nll_hvp": lambda W, V, **data: hvp(multinomial(**data), W, V),
    "softmax.softmax": lambda z, axis=-1: jax.nn.softmax(array(z), axis=axis),
}


def answer(function, input):
    if function not in FUNCTIONS:
        raise NotImplementedError(function)
    try:
        return FUNCTIONS[function](**input)
    except NameError as problem:  # how jax refuses an axis that is a word
        raise ValueError(problem) from None
