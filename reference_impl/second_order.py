"""What differentiating the rules of a layer along a direction gives: the second order.

A direction is dz at the input and, for a linear layer, dW and db. RULE 1 along it is the tangent
of the output; RULE 2 along it is RULE 2 for the tangent of delta, and what is here.
"""

import numpy as np

from reference_impl import softmax
from reference_impl.activations import LogSigmoid, ReLU, Sigmoid, Softmax, Softplus, Tanh
from reference_impl.arguments import Array
from reference_impl.layer import Layer
from reference_impl.linear import Linear
from reference_impl.log_softmax import LogSoftmax
from reference_impl.nll import NLL, SoftNLL


def tangent(layer: Layer, z: Array, dz: Array) -> Array:
    """Return J dz for each data point, for a cost layer summed over them.

    Raises
    ------
    TypeError
        For a layer that is not one of this package, and for a sum.
    """
    match layer:
        case Linear():
            return dz @ layer.W.T
        case LogSoftmax():
            return dz - (softmax.softmax(z) * dz).sum(axis=1, keepdims=True)
        case NLL() | SoftNLL():
            return np.asarray((layer.backward(z, 1.0) * dz).sum())
        case Sigmoid() | LogSigmoid() | Tanh() | ReLU() | Softplus() | Softmax():
            return layer.backward(z, dz)  # J is symmetric
    raise TypeError(f"layers: the second order of {type(layer).__name__} is not known")


def curvature(layer: Layer, z: Array, delta: Array, dz: Array) -> Array:
    """Return sum_uw delta_u d^2z'_u/(dz_v dz_w) dz_w: how RULE 2 changes with z along dz."""
    match layer:
        case Sigmoid():
            return -delta * dz * layer.derivative(z) * np.tanh(z / 2.0)
        case LogSigmoid():
            return -delta * dz * Sigmoid().derivative(z)
        case Softplus():
            return delta * dz * Sigmoid().derivative(z)
        case Tanh():
            return -2.0 * delta * dz * layer.derivative(z) * np.tanh(z)
        case LogSoftmax():
            return -Softmax().backward(z, dz) * delta.sum(axis=1, keepdims=True)
        case Softmax():
            S, dS = softmax.softmax(z), layer.backward(z, dz)
            centred = delta - (S * delta).sum(axis=1, keepdims=True)
            return dS * centred - S * (dS * delta).sum(axis=1, keepdims=True)
    return np.zeros_like(z)  # linear in z, or ReLU off its kink
