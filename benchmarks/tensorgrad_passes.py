"""Ten forward passes of docs/forward_passes as tensorgrad writes them.

A tensor has named edges; those named here are the indices of the forward passes. The package is
imported here and nowhere else.
"""

import tensorgrad.functions as F
import torch
from sympy import symbols
from tensorgrad import Tensor, Variable, function
from tensorgrad.compiler import compile_to_callable
from tensorgrad.extras.to_index import to_index

N, K, M, n = SIZES = symbols("N K M n")
X, Y, y = Variable("X", i=N, k=n), Variable("Y", i=N, a=K), Variable("y", i=N)
W, w = Variable("W", a=K, k=n), Variable("w", k=n)
U, b, v = Variable("U", u=M, k=n), Variable("b", u=M), Variable("v", u=M)
z, q, V = Variable("z", u=M), Variable("q", k=n), Variable("V", i=N, u=M)
tau, alpha, gamma, epsilon = map(Variable, ("tau", "alpha", "gamma", "epsilon"))


def temperature():
    return -F.sum(Y * F.log_softmax(F.dot(X, W, dim="k") / tau, dim="a"))


def label_smoothing():
    smooth = (1 - alpha) * Y + alpha / Tensor(K)
    return -F.sum(smooth * F.log_softmax(F.dot(X, W, dim="k"), dim="a"))


def focal():
    p = F.sigmoid(F.dot(X, w, dim="k"))
    return -F.sum(y * power(1 - p, gamma) * F.log(p) + (1 - y) * power(p, gamma) * F.log(1 - p))


def power(base, exponent):
    """A power whose exponent is a variable: F.pow takes a number."""
    return F.exp(exponent * F.log(base))


def silu():
    return z * F.sigmoid(z)


def gelu():
    return F.gelu(z)


def hidden_layer(phi=lambda s: function("phi", {}, (s,))):
    h = phi(F.dot(X, U, dim="k") + b)
    return F.sum(F.pow(F.dot(h, v, dim="u") - y, 2)) / 2


def layer_norm():
    centred = z - F.mean(z, keepdims=True)
    return centred / F.sqrt(F.mean(F.pow(centred, 2)) + epsilon)


def attention():
    p = F.softmax(F.dot(X, q, dim="k") / F.sqrt(Tensor(n)), dim="i")
    return F.dot(p, V, dim="i")


def poisson():
    logits = F.dot(X, w, dim="k")
    return F.sum(F.exp(logits) - y * logits)


FORWARD = {f.__name__: f for f in (temperature, label_smoothing, focal, silu, gelu, hidden_layer,
                                   layer_norm, attention, poisson)}  # fmt: skip
VARIABLES = {x.name: x for x in (X, Y, y, W, w, U, b, v, z, q, V, tau, alpha, gamma, epsilon)}


# The axes of a result that has some of its own: those of the quantity, then those of the variable.
LAYERS = {"silu": "u", "gelu": "u", "layer_norm": "u", "attention": "u"}


def axes(file, by):
    """The names of the axes of a derivative, as ours are in order."""
    own = tuple(LAYERS.get(file, ""))
    return own + tuple(f"{edge}_by" for edge in VARIABLES[by].edges)


def derivative(quantity, by):
    """The derivative, not yet worked out."""
    return quantity.grad(by, {edge: f"{edge}_by" for edge in by.edges})


def text(derived):
    """A derivative in index notation, as tensorgrad prints it."""
    return to_index(derived)


def values(derived, order, numbers, sizes):
    """The numbers of a derivative, by the PyTorch code that tensorgrad writes for it.

    The call of a compiled program hands names to tensors, which PyTorch has no more since 2.13;
    so the function in it is called itself, and its axes are put in order here.
    """
    program = compile_to_callable(derived)
    run = program.codegen.specialize(dict(zip(SIZES, sizes, strict=True)), dtype=torch.float64)
    given = [torch.tensor(numbers[x.name], dtype=torch.float64) for x in program.vars]
    with torch.no_grad():
        (result,) = run(*given)
    ((_, edges),) = program.outputs
    return result.permute([edges.index(edge) for edge in order]).numpy()
