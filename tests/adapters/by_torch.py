"""torch.nn.functional in double precision; derivatives by autograd."""

import torch
from torch.nn import functional

torch.set_num_threads(1)


def array(value):
    return torch.tensor(value, dtype=torch.float64)


def binary(X, y, sample_weight=None):
    X, y = array(X), array(y)
    weight = None if sample_weight is None else array(sample_weight)

    def nll(w):
        return functional.binary_cross_entropy_with_logits(X @ w, y, weight, reduction="sum")

    return nll


def multinomial(X, y, sample_weight=None):
    X, y = array(X), torch.tensor(y)

    def nll(W):
        losses = functional.cross_entropy(X @ W.T, y, reduction="none")
        return losses.sum() if sample_weight is None else array(sample_weight) @ losses

    return nll


def hvp(nll, w, v):
    return torch.func.jvp(torch.func.grad(nll), (array(w),), (array(v),))[1]


def dims(axis, z):
    return tuple(range(array(z).ndim)) if axis is None else axis


FUNCTIONS = {
    "logistic.nll": lambda w, **data: binary(**data)(array(w)),
    "logistic.nll_gradient": lambda w, **data: torch.func.grad(binary(**data))(array(w)),
    "logistic.nll_hessian": lambda w, **data: torch.func.hessian(binary(**data))(array(w)),
    "logistic.nll_hvp": lambda w, v, **data: hvp(binary(**data), w, v),
    "sigmoid.log_sigmoid": lambda t: functional.logsigmoid(array(t)),
    "sigmoid.sigmoid": lambda t: torch.sigmoid(array(t)),
    "sigmoid.softplus": lambda t: functional.softplus(array(t)),
    "softmax.log_softmax": lambda z, axis=-1: torch.log_softmax(array(z), axis),
    "softmax.logsumexp": lambda z, axis=-1: torch.logsumexp(array(z), dims(axis, z)),
    "softmax.nll": lambda W, **data: multinomial(**data)(array(W)),
    "softmax.nll_gradient": lambda W, **data: torch.func.grad(multinomial(**data))(array(W)),
    "softmax.nll_hessian": lambda W, **data: torch.func.hessian(multinomial(**data))(array(W)),
    "softmax.nll_hvp": lambda W, V, **data: hvp(multinomial(**data), W, V),
    "softmax.softmax": lambda z, axis=-1: torch.softmax(array(z), axis),
}


def answer(function, input):
    if function not in FUNCTIONS:
        raise NotImplementedError(function)
    if "b" in input:
        raise NotImplementedError("a logsumexp with weights")
    try:
        return FUNCTIONS[function](**input)
    except (RuntimeError, IndexError) as problem:  # how torch refuses shapes, types and labels
        raise ValueError(problem) from None
