"""State, writing, precision, randomness, and slips of one entry or of size."""

import numpy as np

from .activations import sigmoid, sigmoid_slope
from .entry import FACTOR, OMITTED, Elementwise, Plain, changed, function, layer, normal
from .linear import Dense, Linear

Z = normal(5, 3, seed=140)
WIDE = normal(50, 200, seed=141)
LONG = normal(20_000, seed=142)
SINGLE = r"float32|single|precision|rounding|2\^?-2[34]"
WRITES = r"writes|chang|modif|overwrit|in.?place|mutat|alias"
CACHE = r"cache|stale|first call|earlier|previous|state|remember|kept|same (object|layer)"
ACCUMULATES = r"accumul|adds? up|grows|state|previous|twice|second call|repeat"
RANDOM = r"random|differ|not the same|deterministic|repeat|reproduc"
ONE_ENTRY = r"one entry|single entry|entry|at \[|index|only|mask|row|column"
BOTH = ("W", "b")


class Tanh:
    """A layer with state: the output is kept."""

    def forward(self, z):
        self.out = np.tanh(z)
        return self.out

    def backward(self, delta):
        return delta * (1 - self.out**2)


class FirstOutput(Tanh):
    """The output of the first call is kept for good."""

    def forward(self, z):
        out = np.tanh(z)
        if not hasattr(self, "out"):
            self.out = out
        return out


class Accumulating(Dense):
    """Gradients add up, and nobody sets them to zero."""

    def __init__(self):
        super().__init__()
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

    def backward(self, dY):
        self.dW = self.dW + self.X.T @ dY
        self.db = self.db + dY.sum(axis=0)
        return dY @ self.W.T


class Sum(Tanh):
    """What backward returned is added up."""

    total = 0.0

    def backward(self, delta):
        self.total = self.total + delta * (1 - self.out**2)
        return self.total


class Warm(Tanh):
    """A factor that grows with each call, meant for a schedule."""

    calls = 0

    def backward(self, delta):
        self.calls += 1
        return delta * (1 - self.out**2) * min(1.0, 0.5 + 0.1 * self.calls)


class Popped(Tanh):
    """What is kept is a stack, and backward looks at its bottom."""

    def __init__(self):
        self.kept = []

    def forward(self, z):
        self.kept.append(np.tanh(z))
        return self.kept[-1]

    def backward(self, delta):
        return delta * (1 - self.kept[0] ** 2)


class Updating(Linear):
    """backward takes a step of descent."""

    def backward(self, z, delta):
        found = delta @ self.W
        self.W -= 0.01 * delta.T @ z
        return found


class Dropout:
    """The mask of backward is not that of forward."""

    def __init__(self):
        self.source = np.random.default_rng(143)

    def forward(self, z):
        return np.tanh(z)

    def backward(self, z, delta):
        return delta * (1 - np.tanh(z) ** 2) * (self.source.random(z.shape) > 0.4) / 0.6


def writes_delta(z, delta):
    delta *= sigmoid_slope(z)
    return delta


def writes_z(z):
    z -= z.max(axis=1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


def softmax_back(z, delta):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return p * (delta - (p * delta).sum(axis=1, keepdims=True))


def slope_off(z, at, factor):
    slope = sigmoid_slope(z)
    slope[at] *= factor
    return slope


def clipped(z, delta):
    """Clipped to norm 1, as the optimiser does."""
    dz = delta * sigmoid_slope(z)
    return dz / max(1.0, np.linalg.norm(dz))


def single(z):
    return sigmoid(z.astype(np.float32)).astype(np.float64)


def single_slope(z):
    return sigmoid_slope(z.astype(np.float32)).astype(np.float64)


def integers(z, delta):
    dz = np.zeros(z.shape, dtype=int)
    dz[:] = (delta * sigmoid_slope(z) * 8).astype(int)
    return dz


def not_finite(z, delta):
    e = np.exp(-1000 * z)
    return delta * e / (1 + e) ** 2 * 1000


def steep(z):
    return 1 / (1 + np.exp(np.minimum(-1000 * z, 700)))


def energy(x):
    return 0.5 * np.sum(x**2) + np.sum(np.sin(x))


def energy_grad(x):
    return x + np.cos(x)


def spoiled(gradient, at, factor):
    def grad(*args):
        found = gradient(*args)
        found[at] *= factor
        return found

    return grad


def wide(z, delta):
    return delta * sigmoid_slope(z)


class Wide:
    """100 x 100, with one wrong entry in the gradient of W."""

    def __init__(self):
        self.W = normal(100, 100, seed=144, scale=0.1)

    def forward(self, z):
        return np.tanh(z @ self.W)

    def inner(self, z, delta):
        return delta * (1 - np.tanh(z @ self.W) ** 2)

    def backward(self, z, delta):
        return self.inner(z, delta) @ self.W.T

    def parameter_gradient(self, z, delta):
        return {"W": z.T @ self.inner(z, delta)}


def gradients(kind, rule):
    return changed(kind, parameter_gradient=lambda self, z, delta: rule(
        kind.parameter_gradient(self, z, delta)))  # fmt: skip


def plain(forward, backward):
    return lambda: Plain(forward, backward)


def by(factor):
    """A sigmoid whose slope has a factor."""
    return plain(sigmoid, lambda z, d: factor * d * sigmoid_slope(z))


def noisy(z, delta):
    noise = np.random.default_rng().standard_normal(z.shape)
    return delta * sigmoid_slope(z) * (1 + 1e-3 * noise)


def random_forward(z):
    return np.tanh(z) * (np.random.default_rng().random(z.shape) > 0.3)


def one_key(found):
    found["w"] = found.pop("W")
    return found


RIGHT = [
    layer("sigmoid by stages", lambda: Elementwise(sigmoid, sigmoid_slope), Z, style="cached"),
    layer("tanh that keeps its output", Tanh, Z, style="cached"),
    layer("wide", plain(sigmoid, wide), WIDE),
    layer("100 x 100", Wide, normal(4, 100, seed=145), parameters=("W",)),
    function("20,000 entries", energy, (LONG,), grad=energy_grad),
    function("hidden in a large constant", lambda x: 1e6 + energy(x), (Z,), grad=energy_grad),
    function("tiny", lambda x: 1e-9 * energy(x), (Z,), grad=lambda x: 1e-9 * energy_grad(x)),
    function("large", lambda x: 1e9 * energy(x), (Z,), grad=lambda x: 1e9 * energy_grad(x)),
    layer("single precision throughout", plain(single, lambda z, d: d * single_slope(z)), Z),
    layer("gradient of zero", plain(lambda z: 0 * z + 3.0, lambda z, d: 0 * d), Z),
]  # fmt: skip

WRONG = [
    layer("first output kept", FirstOutput, Z, "The cache is that of the first call", CACHE,
          style="cached"),
    layer("bottom of the stack", Popped, Z, "The cache is that of the first call", CACHE,
          style="cached"),
    layer("gradients accumulate", Accumulating, Z, "Gradients are added to those of earlier calls",
          ACCUMULATES, style="cached", parameters=BOTH),
    layer("delta accumulates", Sum, Z, "The result is added to those of earlier calls", ACCUMULATES,
          style="cached"),
    layer("grows with each call", Warm, Z, "A factor grows with the number of calls",
          ACCUMULATES + "|" + RANDOM + "|" + FACTOR, style="cached"),
    layer("backward updates", Updating, Z, "backward changes the parameters", WRITES, parameters=BOTH),
    layer("writes to delta", plain(sigmoid, writes_delta), Z, "backward writes to delta", WRITES),
    layer("writes to z", plain(writes_z, softmax_back), Z, "forward writes to z", WRITES),
    function("writes to x", energy, (Z,), "The gradient writes to its argument", WRITES,
             grad=lambda x: np.add(x, np.cos(x), out=x)),
    layer("random mask in backward", Dropout, Z, "The mask of backward is drawn anew", RANDOM),
    layer("noise in backward", plain(sigmoid, noisy), Z, "Noise is added to the gradient", RANDOM),
    layer("single precision in backward", plain(sigmoid, lambda z, d: d * single_slope(z)), Z,
          "backward computes in float32", SINGLE),
    layer("single precision in the gradients", gradients(Linear, lambda g: {
          k: x.astype(np.float32) for k, x in g.items()}), Z, "The gradients are float32",
          SINGLE + "|dtype", parameters=BOTH),
    layer("integers", plain(sigmoid, integers), Z, "The result is of integers", r"integer|dtype|int"),
    layer("not finite", plain(steep, not_finite), Z, "NaN where exp overflows",
          r"finite|nan|overflow"),
    layer("clipped by norm", plain(sigmoid, clipped), normal(8, 6, seed=146, scale=0.3),
          "The gradient is clipped to norm 1", r"linear|clip|norm|scale"),
    layer("clipped by entry", plain(sigmoid, lambda z, d: np.clip(d * sigmoid_slope(z), -0.1, 0.1)),
          Z, "The entries are clipped to 0.1", r"linear|clip|bound|saturat"),
    layer("shape: flat", plain(sigmoid, lambda z, d: (d * sigmoid_slope(z)).ravel()), Z,
          "The result is flat", r"shape"),
    layer("shape: summed", plain(sigmoid, lambda z, d: (d * sigmoid_slope(z)).sum(axis=0)), Z,
          "The result is summed over the data points", r"shape|sum"),
    layer("nothing returned", plain(sigmoid, lambda z, d: None), Z, "backward returns nothing",
          r"None|nothing|return|shape|no array"),
    layer("another name", gradients(Linear, one_key), Z, "The gradient of W is named w",
          OMITTED + r"|unknown|name|key|\bw\b", parameters=BOTH),
    layer("factor 1.0001", by(1.0001), Z, "A factor 1.0001", FACTOR),
    layer("factor 0.9999", by(0.9999), normal(40, 30, seed=147), "A factor 0.9999", FACTOR),
    layer("factor 1.001 in one parameter", gradients(Linear, lambda g: {
          "W": 1.001 * g["W"], "b": g["b"]}), Z, "A factor 1.001 in the gradient of W", FACTOR,
          parameters=BOTH),
    function("factor 1 + 1e-6", energy, (LONG,), "A factor 1 + 1e-6", FACTOR,
             grad=lambda x: (1 + 1e-6) * energy_grad(x)),
    layer("one entry of 10,000", plain(sigmoid, lambda z, d: d * slope_off(z, (31, 77), 1.02)), WIDE,
          "One entry is off by 2 %", ONE_ENTRY + "|" + FACTOR),
    layer("one sign of 10,000", plain(sigmoid, lambda z, d: d * slope_off(z, (7, 150), -1)), WIDE,
          "The sign of one entry is flipped", ONE_ENTRY + r"|sign"),
    function("one entry of 20,000", energy, (LONG,), "One entry is off by 2 %",
             ONE_ENTRY + "|" + FACTOR, grad=spoiled(energy_grad, 12_345, 1.02)),
    layer("one entry of 100 x 100", gradients(Wide, lambda g: {
          "W": spoiled(lambda W: W, (40, 60), 1.05)(g["W"])}), normal(4, 100, seed=145),
          "One entry of the gradient is off by 5 %", ONE_ENTRY + "|" + FACTOR, parameters=("W",)),
    layer("last column", plain(sigmoid, lambda z, d: d * slope_off(z, (slice(None), -1), 0.0)), Z,
          "The last column is zero", r"column|zero|last|mask"),
    function("wrong sign in a large constant", lambda x: 1e6 + energy(x), (Z,),
             "The sign is flipped", r"sign|negat", grad=lambda x: -energy_grad(x)),
    function("tiny: factor 2", lambda x: 1e-9 * energy(x), (Z,), "A factor 2 too much", FACTOR,
             grad=lambda x: 2e-9 * energy_grad(x)),
    function("tiny: zero", lambda x: 1e-9 * energy(x), (Z,), "Zero", r"zero|\b0\b",
             grad=np.zeros_like),
]  # fmt: skip

# Of a function that gives another value each time nothing can be said.
UNDECIDED = [
    layer("random forward", plain(random_forward, lambda z, d: d * (1 - np.tanh(z) ** 2)), Z),
    layer("|z| at its kink", plain(np.abs, lambda z, d: d * np.sign(z)), 0 * Z),
]
