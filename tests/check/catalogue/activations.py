"""Activations, entry by entry."""

import numpy as np
from scipy.special import erf, expit

from .entry import (
    DELTA_IGNORED,
    FACTOR,
    PASSED,
    SIGN,
    ZERO,
    Elementwise,
    Plain,
    changed,
    layer,
    normal,
)

Z = normal(5, 3)
WIDE = normal(6, 4, seed=1, scale=3.0)
POSITIVE = np.abs(normal(4, 3, seed=2)) + 0.1
AT_OUTPUT = r"output|twice|value"
AT_INPUT = r"input|\bz\b|output|value"
WITHOUT_Z = r"\bz\b|term|input|product"
MASK = r"mask|where|only|wrong (side|entries)|side|region|z ?[<>]|below|above|threshold"
C = np.sqrt(2 / np.pi)


def phi(z):
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def Phi(z):
    return (1 + erf(z / np.sqrt(2))) / 2


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_slope(z):
    return sigmoid(z) * (1 - sigmoid(z))


def relu(z):
    return np.maximum(z, 0)


def leaky(z, a=0.1):
    return np.where(z > 0, z, a * z)


def gelu(z):
    return z * Phi(z)


def gelu_tanh(z):
    return 0.5 * z * (1 + np.tanh(C * (z + 0.044715 * z**3)))


def gelu_tanh_slope(z, cubic=3 * 0.044715):
    t = np.tanh(C * (z + 0.044715 * z**3))
    return 0.5 * (1 + t) + 0.5 * z * (1 - t**2) * C * (1 + cubic * z**2)


def silu(z):
    return z * sigmoid(z)


def softplus(z):
    return np.logaddexp(0, z)


def elu(z, a=1.5):
    return np.where(z > 0, z, a * np.expm1(z))


def pure(f, slope):
    return lambda: Plain(f, lambda z, delta: delta * slope(z))


def cached(f, slope):
    return lambda: Elementwise(f, slope)


def sat_slope(z):
    e = np.exp(z)
    return np.where(z > 20, 0.0, e / (1 + e))


class PReLU:
    def __init__(self):
        self.a = np.array([0.25, 0.1, -0.3])

    def forward(self, z):
        return np.where(z > 0, z, self.a * z)

    def backward(self, z, delta):
        return delta * np.where(z > 0, 1.0, self.a)

    def parameter_gradient(self, z, delta):
        return {"a": (delta * np.minimum(z, 0)).sum(axis=0)}


class Swish:
    """z sigmoid(beta z)"""

    def __init__(self):
        self.beta = np.array(1.3)

    def forward(self, z):
        return z * sigmoid(self.beta * z)

    def backward(self, z, delta):
        s = sigmoid(self.beta * z)
        return delta * (s + self.beta * z * s * (1 - s))

    def parameter_gradient(self, z, delta):
        return {"beta": (delta * z**2 * sigmoid_slope(self.beta * z)).sum()}


class CachedSigmoid:
    def forward(self, x):
        self.out = sigmoid(x)
        return self.out

    def backward(self, dout):
        return dout * self.out * (1 - self.out)


class CachedReLU:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dx = dout.copy()
        dx[self.mask] = 0
        return dx


RIGHT = [
    layer("sigmoid", pure(sigmoid, sigmoid_slope), Z),
    layer("sigmoid, saturated", pure(expit, lambda z: expit(z) * expit(-z)), 12 * Z),
    layer("sigmoid that keeps its output", CachedSigmoid, Z, style="cached"),
    layer("tanh", pure(np.tanh, lambda z: 1 - np.tanh(z) ** 2), Z),
    layer("tanh, rank 3", pure(np.tanh, lambda z: 1 / np.cosh(z) ** 2), normal(2, 3, 4)),
    layer("ReLU", pure(relu, lambda z: z > 0), Z),
    layer("ReLU with a mask", CachedReLU, Z, style="cached"),
    layer("leaky ReLU", cached(leaky, lambda z: np.where(z > 0, 1, 0.1)), Z, style="cached"),
    layer("PReLU", PReLU, Z, parameters=("a",)),
    layer("GELU", pure(gelu, lambda z: Phi(z) + z * phi(z)), Z),
    layer("GELU by tanh", pure(gelu_tanh, gelu_tanh_slope), WIDE),
    layer("SiLU", pure(silu, lambda z: sigmoid(z) * (1 + z * (1 - sigmoid(z)))), WIDE),
    layer("swish with a parameter", Swish, Z, parameters=("beta",)),
    layer("softplus", cached(softplus, sigmoid), WIDE, style="cached"),
    layer("ELU", pure(elu, lambda z: np.where(z > 0, 1, 1.5 * np.exp(z))), WIDE),
    layer("softsign", pure(lambda z: z / (1 + np.abs(z)), lambda z: (1 + np.abs(z)) ** -2), Z),
    layer("logarithm close to its end", pure(np.log, lambda z: 1 / z), POSITIVE * 1e-4),
    layer("square root", pure(np.sqrt, lambda z: 0.5 / np.sqrt(z)), POSITIVE),
    layer("hard sigmoid",
          pure(lambda z: np.clip(0.2 * z + 0.5, 0, 1), lambda z: 0.2 * (np.abs(z) < 2.5)), WIDE),
    layer("Mish", pure(lambda z: z * np.tanh(softplus(z)),
          lambda z: np.tanh(softplus(z)) + z * sigmoid(z) / np.cosh(softplus(z)) ** 2), Z),
]  # fmt: skip

WRONG = [
    # sigmoid
    layer("sigmoid: slope of the output", pure(sigmoid, lambda z: sigmoid_slope(sigmoid(z))), Z,
          "The derivative is taken at the output of the layer", AT_OUTPUT),
    layer("sigmoid: z (1 - z)", pure(sigmoid, lambda z: z * (1 - z)), Z,
          "The formula for the output is applied to the input", AT_INPUT),
    layer("sigmoid: 1 - s left out", pure(sigmoid, sigmoid), Z,
          "The factor 1 - s is missing", r"1 - |output|factor|value"),
    layer("sigmoid: sign", pure(sigmoid, lambda z: sigmoid(z) * (sigmoid(z) - 1)), Z,
          "The sign is flipped", SIGN),
    layer("sigmoid: delta", lambda: Plain(sigmoid, lambda z, delta: sigmoid_slope(z)), Z,
          "delta is not used", DELTA_IGNORED),
    layer("sigmoid, cached: slope of the output",
          changed(CachedSigmoid, backward=lambda self, d: d * sigmoid_slope(self.out)), Z,
          "The derivative is taken at the output", AT_OUTPUT, style="cached"),
    layer("sigmoid: delta added",
          lambda: Plain(sigmoid, lambda z, delta: delta + sigmoid_slope(z)), Z,
          "delta is added, not multiplied", r"add|\+|linear|sum"),
    # tanh
    layer("tanh: 1 - z²", cached(np.tanh, lambda z: 1 - z**2), Z,
          "The input stands where the output belongs", AT_INPUT, style="cached"),
    layer("tanh: not squared", pure(np.tanh, lambda z: 1 - np.tanh(z)), Z,
          "tanh is not squared", r"squar|power|output|1 - "),
    layer("tanh: 2", pure(np.tanh, lambda z: 2 * (1 - np.tanh(z) ** 2)), Z,
          "A factor 2 too much", FACTOR),
    layer("tanh: slope of the sigmoid", pure(np.tanh, lambda z: np.tanh(z) * (1 - np.tanh(z))), Z,
          "The slope of the sigmoid, y (1 - y)", r"sigmoid|y ?\(1 - y\)|output|1 - "),
    layer("tanh: slope at tanh", pure(np.tanh, lambda z: 1 - np.tanh(np.tanh(z)) ** 2), Z,
          "The derivative is taken at the output", AT_OUTPUT),
    # ReLU
    layer("ReLU: sign of delta", lambda: Plain(relu, lambda z, delta: delta * (delta > 0)), Z,
          "The mask looks at delta, not at z", r"delta|" + MASK),
    layer("ReLU: no mask", lambda: Plain(relu, lambda z, delta: delta), Z,
          "delta is passed through where z < 0", PASSED + "|" + MASK),
    layer("ReLU: value for the mask", pure(relu, relu), Z,
          "max(z, 0) for z > 0: multiplied by the value", r"value|output|\bz\b|input"),
    layer("ReLU: other side", pure(relu, lambda z: z < 0), Z,
          "The mask is that of the other side", MASK + "|revers|swap|invert"),
    layer("ReLU: z > 1", pure(relu, lambda z: z > 0.5), normal(8, 6, seed=3),
          "The threshold is 0.5, not 0", MASK),
    layer("leaky ReLU: slope lost", pure(leaky, lambda z: z > 0), Z,
          "0 where the slope is 0.1", MASK + "|" + ZERO),
    layer("leaky ReLU: slope everywhere", pure(leaky, lambda z: 0.1 + 0 * z), Z,
          "The slope of the negative side on both sides", MASK + "|constant|" + FACTOR),
    layer("leaky ReLU: sign of the slope", pure(leaky, lambda z: np.where(z > 0, 1, -0.1)), Z,
          "The slope of the negative side has the other sign", SIGN),
    layer("leaky ReLU: slope 0.02 for 0.1", pure(leaky, lambda z: np.where(z > 0, 1, 0.02)), Z,
          "Another slope on the negative side than in forward", FACTOR + "|" + MASK),
    layer("ReLU: the cached mask of the other side",
          changed(CachedReLU, backward=lambda self, d: d * self.mask), Z,
          "The mask is that of the other side", MASK + "|revers|swap|invert", style="cached"),
    layer("PReLU: not summed", changed(PReLU, parameter_gradient=lambda self, z, delta: {
          "a": delta * np.minimum(z, 0)}), Z,
          "The gradient of a is not summed over the data points", r"sum|shape", parameters=("a",)),
    layer("PReLU: all of z", changed(PReLU, parameter_gradient=lambda self, z, delta: {
          "a": (delta * z).sum(axis=0)}), Z,
          "The gradient of a counts the positive entries too", MASK + "|" + PASSED + "|linear",
          parameters=("a",)),
    layer("PReLU: mean", changed(PReLU, parameter_gradient=lambda self, z, delta: {
          "a": (delta * np.minimum(z, 0)).mean(axis=0)}), Z,
          "The mean over the data points, not the sum", r"mean|averag|1/N|" + FACTOR,
          parameters=("a",)),
    # GELU
    layer("GELU: no density", pure(gelu, Phi), Z, "The term z phi(z) is missing", WITHOUT_Z),
    layer("GELU: density without √(2π)",
          pure(gelu, lambda z: Phi(z) + z * np.exp(-(z**2) / 2)), Z,
          "The density lacks 1/√(2π)", FACTOR + r"|term|density"),
    layer("GELU: that of the approximation", pure(gelu, gelu_tanh_slope), WIDE,
          "The slope of the approximation by tanh, the value is exact", r"approx|tanh|small"),
    layer("GELU by tanh: 3", pure(gelu_tanh, lambda z: gelu_tanh_slope(z, 0.044715)), WIDE,
          "The factor 3 of the derivative of the cube is missing", FACTOR + "|term|cub|inner"),
    layer("GELU: density of z/√2", pure(gelu, lambda z: Phi(z) + z * np.exp(-(z**2))
          / np.sqrt(2 * np.pi)), Z, "exp(-z²) for exp(-z²/2)", r"exp|density|term|half|2"),
    # SiLU, swish
    layer("SiLU: s lost", pure(silu, lambda z: z * sigmoid_slope(z)), WIDE,
          "The term sigmoid(z) is missing", r"term|sigmoid|product|missing"),
    layer("SiLU: z s' lost", cached(silu, sigmoid), WIDE,
          "The term z sigmoid'(z) is missing", WITHOUT_Z, style="cached"),
    layer("SiLU: parentheses",
          pure(silu, lambda z: 1 + np.exp(-z) + z * np.exp(-z) / (1 + np.exp(-z)) ** 2), Z,
          "The parentheses around the numerator are missing", r"parenthes|term|added|\+"),
    layer("SiLU: slope of the sigmoid", pure(silu, sigmoid_slope), Z,
          "The slope of the sigmoid alone", r"sigmoid|term|product"),
    layer("swish: z for z²", changed(Swish, parameter_gradient=lambda self, z, delta: {
          "beta": (delta * z * sigmoid_slope(self.beta * z)).sum()}), Z,
          "The inner derivative z is missing", r"\bz\b|inner|factor|input", parameters=("beta",)),
    layer("swish: beta lost", changed(Swish, backward=lambda self, z, delta: delta * (
          sigmoid(self.beta * z) + z * sigmoid_slope(self.beta * z))), Z,
          "The inner derivative beta is missing", r"beta|inner|" + FACTOR, parameters=("beta",)),
    # softplus, ELU, and more
    layer("softplus: other side", pure(softplus, lambda z: sigmoid(-z)), WIDE,
          "sigmoid(-z) for sigmoid(z)", r"-z|1 - |sign|mirror|complement|output|add"),
    layer("softplus: saturated to 0", pure(softplus, sat_slope), 15 * WIDE,
          "0 for large z, where it is 1", r"saturat|large|" + ZERO + "|" + MASK),
    layer("softplus: second derivative", cached(softplus, sigmoid_slope), WIDE,
          "The derivative of the derivative", r"second|sigmoid|output|twice|derivative",
          style="cached"),
    layer("ELU: alpha", pure(elu, lambda z: np.where(z > 0, 1, np.exp(z))), WIDE,
          "alpha is missing where z < 0", FACTOR + "|" + MASK),
    layer("ELU: value", pure(elu, lambda z: np.where(z > 0, 1, elu(z))), WIDE,
          "The value stands for the slope where z < 0; alpha is not added", r"value|output|" + MASK),
    layer("ELU: 1 everywhere", pure(elu, np.ones_like), Z,
          "delta is passed through where z < 0", PASSED + "|" + MASK),
    layer("softsign: not squared",
          cached(lambda z: z / (1 + np.abs(z)), lambda z: 1 / (1 + np.abs(z))), Z,
          "The denominator is not squared", r"squar|power|output|1 - |value", style="cached"),
    layer("absolute value: sign lost", pure(np.abs, np.ones_like), Z,
          "The sign of z is missing", r"sign|" + PASSED + "|" + MASK),
    layer("square root: 1/2", pure(np.sqrt, lambda z: 1 / np.sqrt(z)), POSITIVE,
          "The factor 1/2 is missing", FACTOR),
    layer("cube: 3 z", pure(lambda z: z**3, lambda z: 3 * z), Z,
          "z for z²", r"\bz\b|power|squar"),
    layer("clip: passed through", pure(lambda z: np.clip(z, -1, 1), np.ones_like), WIDE,
          "delta is passed through where z is cut off", PASSED + "|" + MASK + "|clip"),
    layer("sine: sign", cached(np.cos, np.sin), Z, "The sign is flipped", SIGN, style="cached"),
    layer("arctan: z for z²", pure(np.arctan, lambda z: 1 / (1 + np.abs(z))), Z,
          "|z| for z²", r"\bz\b|squar|power"),
    layer("exponential: not its own slope", pure(np.exp, lambda z: z * np.exp(z - 1)), Z,
          "The rule for powers, applied to exp", r"power|\bz\b|factor|input|output"),
]  # fmt: skip
