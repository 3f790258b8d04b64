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


def hvp(nll, w, v):
    return jax.jvp(jax.grad(nll), (array(w),), (array(v),))[1]


def logsumexp(z, axis=-1, b=None):
    axis = tuple(axis) if isinstance(axis, list) else axis
    return jax.nn.logsumexp(array(z), axis=axis, b=None if b is None else array(b))


FUNCTIONS = {
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
