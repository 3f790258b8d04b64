"""Backpropagation through networks: this project, PyTorch and autograd on the same numbers.

A task is one pass forward and one pass backward, to the gradients of all parameters and of x.
"""

from dataclasses import dataclass

import numpy as np

from reference_impl.activations import ReLU, Tanh
from reference_impl.backpropagation import backpropagate
from reference_impl.linear import Linear
from reference_impl.log_softmax import LogSoftmax
from reference_impl.nll import NLL


@dataclass(frozen=True, eq=False)
class Network:
    """Linear layers of these sizes with an activation between, then LogSoftmax and NLL."""

    x: np.ndarray
    y: np.ndarray
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    activation: str
    threads: int


def network(N, sizes, activation, threads, seed=0):
    """Random data points, weights of the usual size, random labels."""
    rng = np.random.default_rng(seed)
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    return Network(
        rng.standard_normal((N, sizes[0])),
        rng.integers(0, sizes[-1], N),
        tuple(rng.standard_normal(shape) / shape[1] ** 0.5 for shape in shapes),
        tuple(rng.standard_normal(shape[0]) for shape in shapes),
        activation,
        threads,
    )


def ours(net):
    """The layers of this project."""
    activation = {"relu": ReLU, "tanh": Tanh}[net.activation]
    layers = []
    for W, b in zip(net.weights, net.biases, strict=True):
        layers += [Linear(W, b), activation()]
    layers[-1:] = [LogSoftmax(), NLL(net.y)]

    def run():
        found = backpropagate(layers, net.x)
        return found.cost, found.gradients[0]["W"], found.deltas[0]

    return run


def torch(net):
    """torch.nn.functional and autograd."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(net.threads)
    activation = {"relu": torch.relu, "tanh": torch.tanh}[net.activation]
    x, y = torch.from_numpy(net.x.copy()).requires_grad_(), torch.from_numpy(net.y)
    weights = [torch.from_numpy(W.copy()).requires_grad_() for W in net.weights]
    biases = [torch.from_numpy(b.copy()).requires_grad_() for b in net.biases]

    def run():
        for parameter in (x, *weights, *biases):
            parameter.grad = None
        z = x
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            z = activation(functional.linear(z, W, b))
        z = functional.log_softmax(functional.linear(z, weights[-1], biases[-1]), dim=1)
        cost = functional.nll_loss(z, y, reduction="sum")
        cost.backward()
        return cost.item(), weights[0].grad.numpy(), x.grad.numpy()

    return run


def autograd(net):
    """The package autograd."""
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    activation = {"relu": lambda z: anp.maximum(z, 0.0), "tanh": anp.tanh}[net.activation]
    rows = np.arange(len(net.y))

    def cost(parameters):
        weights, biases, z = parameters
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            z = activation(anp.dot(z, W.T) + b)
        z = anp.dot(z, weights[-1].T) + biases[-1]
        log_p = z - logsumexp(z, axis=1, keepdims=True)
        return -anp.sum(log_p[rows, net.y])

    both = value_and_grad(cost)
    parameters = list(net.weights), list(net.biases), net.x

    def run():
        value, (weights, _, x) = both(parameters)
        return value, weights[0], x

    return run


LIBRARIES = {"this project": ours, "PyTorch": torch, "autograd": autograd}

# Name: data points, sizes, activation between the linear layers.
NETWORKS = {
    "Linear, LogSoftmax, NLL": (1000, (50, 10), "relu"),
    "two hidden layers, ReLU": (1000, (784, 128, 64, 10), "relu"),
    "two hidden layers, tanh": (1000, (50, 64, 32, 10), "tanh"),
}
