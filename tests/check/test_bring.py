"""What can be brought: layers of every style, functions of every signature; and bad input."""

from dataclasses import dataclass

import numpy as np
import pytest
from designs import eighths

from reference_impl.activations import LogSigmoid, ReLU, Sigmoid, Softmax, Softplus, Tanh
from reference_impl.backpropagation import Chain, Sum
from reference_impl.check import assert_layer, check, check_gradient, check_layer, compare
from reference_impl.linear import Linear
from reference_impl.log_softmax import LogSoftmax
from reference_impl.nll import NLL, SoftNLL

RNG = np.random.default_rng(8)
W, b = eighths(RNG, 3, 4), eighths(RNG, 3)
Z = eighths(RNG, 5, 4)  # 5 data points, 4 units: nothing is square
SQUARE = Linear(eighths(RNG, 4, 4), eighths(RNG, 4))
Y = np.array([0, 3, 1, 1, 3])
SOFT = eighths(RNG, 5, 4)


def network(phi, *, cost):
    layers = [Linear(W, b), phi, Linear(W.T / 2.0), LogSoftmax(), cost]
    return Chain(layers)


RIGHT = {
    "Linear": Linear(W),
    "Linear with bias": Linear(W, b),
    "Sigmoid": Sigmoid(),
    "LogSigmoid": LogSigmoid(),
    "Tanh": Tanh(),
    "ReLU": ReLU(),
    "Softplus": Softplus(),
    "Softmax": Softmax(),
    "LogSoftmax": LogSoftmax(),
    "NLL": NLL(Y),
    "SoftNLL": SoftNLL(SOFT),
    "identity": Chain([]),
    "skip connection": Sum([Chain([]), SQUARE, Tanh()]),
    "network": network(Tanh(), cost=NLL(Y)),
    "network, ReLU": network(ReLU(), cost=SoftNLL(SOFT)),
    "nested": Chain([Chain([SQUARE, Sigmoid()]), Sum([Chain([SQUARE, Tanh()]), Chain([])])]),
}


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("name", RIGHT)
def test_no_false_alarm(name, scale):
    report = check_layer(RIGHT[name], scale * Z, int(scale), budget=5.0)
    assert report.findings == (), str(report)
    if scale == 1.0:
        assert report.verdict == "right", str(report)
        assert str(report).startswith("right: ")


# ------------------------------------------------------------------ planted faults


def wrong(base, **methods):
    """A layer like `base` in which some methods are replaced."""
    return type(base.__name__, (base,), methods)


def softmax(z):
    return Softmax().forward(z)


def sigmoid(z):
    return Sigmoid().forward(z)


def centred(z, delta):
    S = softmax(z)
    return S * (delta - (S * delta).sum(axis=1, keepdims=True))


def weights(gradient):
    """Linear without bias whose RULE 3 for W is replaced."""
    return wrong(Linear, parameter_gradient=lambda self, z, delta: {"W": gradient(z, delta)})


def backward(base, function):
    return wrong(base, backward=lambda self, z, delta: function(z, delta))


def jacobian(base, function):
    return wrong(base, jacobian=lambda self, z: function(z))


class Accumulates(Linear):
    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "total", np.zeros_like(self.W))

    def parameter_gradient(self, z, delta):
        self.total[...] += delta.T @ z
        return {"W": self.total.copy()}


class RemembersTheLastInput(Tanh):
    """As a layer in PyTorch's style: backward uses what the last forward stored."""

    def forward(self, z):
        object.__setattr__(self, "last", z.copy())
        return np.tanh(z)

    def backward(self, z, delta):
        return super().backward(self.last, delta)


def writes(z, delta):
    delta *= 1.0 - np.tanh(z) ** 2
    return delta


def mixes_rows(z):
    return z - z.mean(axis=0)


RULE_2, RULE_3_W, RULE_3_B = (
    "RULE 2 (backward)",
    "RULE 3 (parameter_gradient, W)",
    "RULE 3 (parameter_gradient, b)",
)
PLANTED = {  # name: layer, what the report has to say
    "sign flipped": (
        backward(Sigmoid, lambda z, delta: -delta * sigmoid(z) * sigmoid(-z))(),
        [RULE_2],
    ),
    "transposed Jacobian": (
        wrong(Linear, backward=lambda self, z, delta: delta @ self.W.T)(SQUARE.W),
        [RULE_2],
    ),
    "transposed Jacobian of log-softmax": (
        backward(LogSoftmax, lambda z, d: d - (softmax(z) * d).sum(axis=1, keepdims=True))(),
        [RULE_2],
    ),
    "missing sum over the data points": (
        weights(lambda z, delta: delta[:, :, None] * z[:, None, :])(W),
        [RULE_3_W, "shape (5, 3, 4), expected (3, 4)"],
    ),
    "first data point only": (
        weights(lambda z, delta: np.outer(delta[0], z[0]))(W),
        [RULE_3_W],
    ),
    "last data point lost": (
        weights(lambda z, delta: delta[:-1].T @ z[:-1])(W),
        [RULE_3_W],
    ),
    "mean instead of sum": (
        weights(lambda z, delta: delta.T @ z / len(z))(W),
        [RULE_3_W],
    ),
    "mean in the backward of a cost": (
        backward(NLL, lambda z, delta: -delta * np.eye(4)[Y] / len(z))(Y),
        [RULE_2],
    ),
    "gradient transposed": (
        weights(lambda z, delta: z.T @ delta)(W),
        [RULE_3_W, "shape (4, 3), expected (3, 4)"],
    ),
    "square gradient transposed": (
        weights(lambda z, delta: z.T @ delta)(SQUARE.W),
        [RULE_3_W],
    ),
    "bias summed over the outputs": (
        wrong(
            Linear,
            parameter_gradient=lambda self, z, d: {"W": d.T @ z, "b": d.sum(axis=1)},
        )(W, b),
        [RULE_3_B, "shape (5,), expected (3,)"],
    ),
    "parameter gradient ignores delta": (
        weights(lambda z, delta: np.ones_like(delta).T @ z)(W),
        [RULE_3_W, "not 0 for delta = 0"],
    ),
    "delta summed over the data points": (
        backward(LogSoftmax, lambda z, d: d - softmax(z) * d.sum(axis=0))(),
        [RULE_2],
    ),
    "softmax, delta summed over the data points": (
        backward(Softmax, lambda z, d: softmax(z) * (d - (softmax(z) * d).sum(axis=0)))(),
        [RULE_2],
    ),
    "diag(S)": (
        backward(Softmax, lambda z, delta: delta * softmax(z))(),
        [RULE_2],
    ),
    "only the diagonal": (
        backward(Softmax, lambda z, delta: delta * softmax(z) * (1.0 - softmax(z)))(),
        [RULE_2],
    ),
    "diag(S) in the Jacobian": (
        jacobian(Softmax, lambda z: softmax(z)[:, :, None] * np.eye(4))(),
        ["jacobian"],
    ),
    "Jacobian transposed": (
        jacobian(LogSoftmax, lambda z: np.eye(4) - softmax(z)[:, :, None])(),
        ["jacobian"],
    ),
    "delta ignored": (
        backward(Tanh, lambda z, delta: 1.0 - np.tanh(z) ** 2)(),
        [RULE_2, "not 0 for delta = 0"],
    ),
    "delta of a cost ignored": (
        backward(NLL, lambda z, delta: -np.eye(4)[Y])(Y),
        [RULE_2, "not 0 for delta = 0"],
    ),
    "one-hot labels assumed": (
        backward(LogSoftmax, lambda z, delta: delta + softmax(z))(),
        [RULE_2, "not 0 for delta = 0"],
    ),
    "softmax for log-softmax": (
        backward(LogSoftmax, centred)(),
        [RULE_2],
    ),
    "log-softmax for softmax": (
        backward(Softmax, LogSoftmax().backward)(),
        [RULE_2],
    ),
    "factor 1/2": (
        backward(Softplus, lambda z, delta: delta * sigmoid(z) / 2.0)(),
        [RULE_2],
    ),
    "factor 1.000001": (
        backward(Softplus, lambda z, delta: 1.000001 * delta * sigmoid(z))(),
        [RULE_2],
    ),
    "factor 1 + 1e-10": (
        backward(Softplus, lambda z, delta: (1.0 + 1e-10) * delta * sigmoid(z))(),
        [RULE_2],
    ),
    "skip connection without its delta": (
        backward(
            type("Skip", (Tanh,), {"forward": lambda self, z: z + np.tanh(z)}), Tanh().backward
        )(),
        [RULE_2],
    ),
    "derivative missing": (
        backward(Tanh, lambda z, delta: delta)(),
        [RULE_2],
    ),
    "z taken for the output": (
        backward(Sigmoid, lambda z, delta: delta * z * (1.0 - z))(),
        [RULE_2],
    ),
    "z taken for the output of tanh": (
        backward(Tanh, lambda z, delta: delta * (1.0 - z**2))(),
        [RULE_2],
    ),
    "zero": (backward(Tanh, lambda z, delta: 0.0 * delta)(), [RULE_2]),
    "one column wrong": (
        backward(Tanh, lambda z, d: Tanh().backward(z, d) * np.array([1.0, 1.0, 3.0, 1.0]))(),
        [RULE_2],
    ),
    "quadratic in delta": (
        backward(Tanh, lambda z, delta: Tanh().backward(z, delta * np.abs(delta)))(),
        [RULE_2, "not linear in delta"],
    ),
    "forward wrong": (
        wrong(Softplus, forward=lambda self, z: 2.0 * np.log1p(np.exp(z)))(),
        [RULE_2, "jacobian"],
    ),
    "accumulates": (Accumulates(W), [RULE_3_W, "a state is kept: it accumulates"]),
    "remembers the last input": (RemembersTheLastInput(), [RULE_2, "a state is kept"]),
    "argument changed": (backward(Tanh, writes)(), ["the argument delta was written to"]),
    "rows mixed": (wrong(Tanh, forward=lambda self, z: mixes_rows(z))(), [RULE_2]),
    "not a number": (
        backward(Tanh, lambda z, delta: delta * np.nan)(),
        [RULE_2 + ": not finite"],
    ),
    "wrong width": (
        backward(Tanh, lambda z, delta: delta[:, :3])(),
        [RULE_2 + ": shape (5, 3), expected (5, 4)"],
    ),
    "nothing returned": (
        backward(Tanh, lambda z, delta: None)(),
        [RULE_2 + ": nothing is returned"],
    ),
    "unknown parameter": (
        wrong(Linear, parameter_gradient=lambda self, z, delta: {"V": delta.T @ z})(W),
        ["RULE 3 (parameter_gradient, V): the layer has no parameter of this name"],
    ),
    "wrong inside a chain": (
        Chain([SQUARE, backward(Sigmoid, lambda z, d: -Sigmoid().backward(z, d))(), Linear(W, b)]),
        [RULE_2, "RULE 3 (parameter_gradient, 0.W)"],
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_fault(name, monkeypatch):
    """Found; what is said to be the cause is tested in test_causes."""
    monkeypatch.setattr(compare, "causes", lambda case: ())
    layer, words = PLANTED[name]
    with pytest.raises(AssertionError) as caught:
        assert_layer(layer, Z)
    for word in [*words, "wrong: "]:
        assert word in str(caught.value)


def test_corpus():
    assert len(PLANTED) >= 40 and len(RIGHT) >= 16


# ------------------------------------------------------------------- a user's layer


@dataclass
class Scale:
    """Not frozen, with a scalar parameter and without types: any class will do."""

    factor: float

    def forward(self, z):
        return self.factor * z

    def backward(self, z, delta):
        return self.factor * delta

    def parameter_gradient(self, z, delta):
        return {"factor": (delta * z).sum()}

    def jacobian(self, z):
        return np.tile(self.factor * np.eye(z.shape[1]), (len(z), 1, 1))


class Plain:
    """Not even a dataclass."""

    def __init__(self):
        self.c = np.array([0.5, -2.0, 1.0, 3.0])

    def forward(self, z):
        return z**2 * self.c

    def backward(self, z, delta):
        return 2.0 * z * self.c * delta

    def parameter_gradient(self, z, delta):
        return {"c": (delta * z**2).sum(axis=0)}

    def jacobian(self, z):
        return (2.0 * z * self.c)[:, :, None] * np.eye(4)


@pytest.mark.parametrize("layer", [Scale(1.5), Plain()], ids=["dataclass", "class"])
def test_a_layer_of_ones_own(layer):
    before = dict(vars(layer))
    assert_layer(layer, Z)
    assert vars(layer) == before


def test_large_layers_are_sampled():
    rng = np.random.default_rng(5)
    report = check_layer(Linear(rng.normal(size=(2, 500))), rng.normal(size=(3, 500)))
    assert report.ok
    assert any("of 1500 entries compared one by one" in note for note in report.notes)


def test_outside_the_domain():
    """A step may leave the domain of the function; smaller steps do not."""

    class Log:
        def forward(self, z):
            return np.log(z)

        def backward(self, z, delta):
            return delta / z

        def parameter_gradient(self, z, delta):
            return {}

        def jacobian(self, z):
            return (1.0 / z)[:, :, None] * np.eye(z.shape[1])

    assert_layer(Log(), np.array([[1e-2, 1.0, 40.0]]))


class Forward:
    def forward(self, z):
        return z


class TwoInputs:
    def forward(self, a, b):
        return a * b

    def backward(self, a, b, delta):
        return delta * b, delta * a


class Pullback:
    def __init__(self, pullback):
        self.pullback = pullback


def weights_as(gradient):
    return wrong(Linear, parameter_gradient=lambda self, z, delta: gradient(z, delta))(W)


@pytest.mark.parametrize(
    ("layer", "z", "options", "message"),
    [
        (3, Z, {}, "or pullback, given int without forward and backward"),
        (Forward(), Z, {}, "or pullback, given Forward without backward"),
        (TwoInputs(), Z, {}, r"given forward\(a, b\); a function of several .* by `check`"),
        (wrong(Tanh, backward=lambda self, z, d: {"z": d})(), Z, {}, "by name, given a dict$"),
        (weights_as(lambda z, d: d.T @ z), Z, {}, "parameter_gradient: expected a dic.* ndarray"),
        (Pullback(lambda z: z), Z, {}, "pullback: expected the output and a function of delta"),
        (Pullback(lambda z: (z, abs)), Z, {}, "of its function of delta, given ndarray"),
        (Pullback(lambda z: (z, lambda d: (d, d))), Z, {}, "pullback: expected a dict.* ndarray"),
        (Tanh(), "hello", {}, "z: expected an array of numbers, given text$"),
        (Tanh(), None, {}, "z: expected an array of numbers, given objects"),
        (Tanh(), [[1.0], [1.0, 2.0]], {}, "z: expected an array, given rows that differ in length"),
        (Tanh(), [[np.inf, 2.0]], {}, "z: expected finite"),
        (Tanh(), np.zeros((0, 3)), {}, "z: expected at least one number, given shape"),
        (Tanh(), np.array(["a"]), {}, "z: expected an array of numbers, given text"),
        (Tanh(), Z, {"style": "torch"}, "style: expected 'pure' or 'cached', given 'torch'"),
        (Linear(W), Z, {"params": ["V"]}, r"params: expected names of parameters \(W\), given 'V'"),
        (Linear(W), Z, {"params": "dW"}, r"params: expected names of parameters \(W\), given 'dW'"),
    ],
)
def test_bad_layers(layer, z, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_layer(layer, z, **options)


# ---------------------------------------------------------------------- other styles


class Cached:
    """As a layer is often written: what backward needs is kept."""

    def __init__(self, factor=1.0):
        self.W, self.b, self.factor = W.copy(), b.copy(), factor

    def forward(self, z):
        self.z = z
        return z @ self.W.T + self.b

    def backward(self, delta):
        self.dW, self.db = self.factor * delta.T @ self.z, delta.sum(axis=0)
        return delta @ self.W


class InDictionaries(Cached):
    def __init__(self, factor=1.0):
        self.params, self.factor = {"W": W.copy(), "b": b.copy()}, factor
        self.zero_grad()

    def zero_grad(self):
        self.grads = {"W": np.zeros_like(W), "b": np.zeros_like(b)}

    def forward(self, z):
        self.z = z
        return z @ self.params["W"].T + self.params["b"]

    def backward(self, delta):
        self.grads["W"] += self.factor * delta.T @ self.z
        self.grads["b"] += delta.sum(axis=0)
        return delta @ self.params["W"]


class InOne:
    """A pullback, and nothing else."""

    def __init__(self, factor=1.0):
        self.W, self.factor = W.copy(), factor

    def pullback(self, z):
        return z @ self.W.T, lambda d: (d @ self.W, {"W": self.factor * d.T @ z})


class BatchNorm:
    """The rows depend on one another, and it keeps a running mean."""

    def __init__(self, factor=1.0):
        self.W, self.factor, self.running = np.array([1.0, -2.0, 0.5, 3.0]), factor, np.zeros(4)

    def forward(self, z):
        self.root = np.sqrt(z.var(axis=0) + 1e-5)
        self.running = 0.9 * self.running + 0.1 * z.mean(axis=0)
        self.hat = (z - z.mean(axis=0)) / self.root
        return self.W * self.hat

    def backward(self, delta):
        self.dW, d = self.factor * (delta * self.hat).sum(axis=0), delta * self.W
        return (d - d.mean(axis=0) - self.hat * (d * self.hat).mean(axis=0)) / self.root


@pytest.mark.parametrize("style", [Cached, InDictionaries, InOne, BatchNorm])
def test_styles(style):
    assert check_layer(style(), Z).verdict == "right"
    (finding,) = check_layer(style(1.01), Z).findings
    assert finding.argument == "W"


class KeepsItsSlopes(Cached):
    """What forward has put there, the input, is no parameter, although dz is kept like dW."""

    def backward(self, delta):
        self.dz = super().backward(delta)
        return self.dz


class OfNumbers(Cached):
    """Its parameters are an array of integers and a number, its gradients in attributes."""

    def __init__(self, factor=1.0, factor_of_a=1.0):
        self.W, self.a, self.factors = np.arange(12).reshape(3, 4) - 5, 0.5, (factor, factor_of_a)

    def forward(self, z):
        self.z = z
        return self.a * z @ self.W.T

    def backward(self, delta):
        self.dW = self.factors[0] * self.a * delta.T @ self.z
        self.da = self.factors[1] * float((delta * (self.z @ self.W.T)).sum())
        return self.a * delta @ self.W


def test_what_a_cached_layer_has_gradients_of():
    assert check_layer(KeepsItsSlopes(), Z).verdict == "right"
    used = KeepsItsSlopes()
    used.forward(Z[:2])
    used.backward(np.ones((2, 3)))
    assert check_layer(used, Z).verdict == "right"
    assert check_layer(OfNumbers(), Z).verdict == "right"
    for factors, name in (((2.0, 1.0), "W"), ((1.0, 2.0), "a")):
        (finding,) = check_layer(OfNumbers(*factors), Z).findings
        assert (finding.argument, finding.cause.name) == (name, "factor 2")


class Embedding:
    """Integers are constants."""

    def __init__(self, add, of_z=lambda z: None):
        self.E, self.add, self.of_z = eighths(RNG, 7, 3), add, of_z

    def forward(self, z):
        return self.E[z]

    def backward(self, z, delta):
        return self.of_z(z)

    def parameter_gradient(self, z, delta):
        gradient, z = np.zeros_like(self.E), z.astype(int)
        if self.add:
            np.add.at(gradient, z, delta)
        else:
            gradient[z] += delta
        return {"E": gradient}


class Rounds(Embedding):
    def forward(self, z):
        return super().forward(z.astype(int))


@pytest.mark.parametrize("of_z", [lambda z: None, lambda z: np.zeros(z.shape)])
@pytest.mark.parametrize("layer", [Embedding, Rounds])
@pytest.mark.parametrize("z", [np.array([1, 3, 3, 6]), [1, 3, 3, 6]], ids=["array", "list"])
def test_integers_that_are_looked_up_are_constants(layer, of_z, z):
    report = check_layer(layer(True, of_z), z)
    assert report.verdict == "right"
    assert report.notes == ("z holds integers: taken for constants",)
    assert check_layer(layer(False, of_z), z).verdict == "wrong"


def test_a_derivative_by_what_is_looked_up_is_refused():
    with pytest.raises(TypeError, match="z: expected floats, given int64: backward returns"):
        check_layer(Embedding(True, lambda z: np.ones(z.shape)), np.array([1, 3, 3, 6]))


@pytest.mark.parametrize("layer", [Plain(), Cached(), InOne()], ids=lambda layer: type(layer))
def test_integers_that_have_a_derivative_are_checked(layer):
    z = RNG.integers(-3, 4, (5, 4))
    report = check_layer(layer, z)
    assert report.verdict == "right" and report.notes == ("z holds integers: checked as floats",)
    assert report.compared > z.size


@pytest.mark.parametrize(
    "slope",
    [lambda z, delta: delta, lambda z, delta: 0.0 * delta, lambda z, delta: delta.T],
    ids=["wrong", "zero", "shape"],
)
def test_integers_with_a_wrong_derivative(slope):
    z = RNG.integers(-3, 4, (5, 4))
    (finding,) = check_layer(backward(Plain, slope)(), z).findings
    assert finding.rule.startswith(RULE_2)


def test_any_rank():
    z = np.random.default_rng(2).normal(size=(2, 3, 4))

    class Rows:
        def forward(self, z):
            return np.tanh(z).sum(axis=-1)

        def backward(self, z, delta):
            return delta[..., None] * (1.0 - np.tanh(z) ** 2)

    assert_layer(Rows(), z)


# ------------------------------------------------------------ functions of any signature


def affine(x, W, b):
    return np.tanh(W @ x + b)


def affine_vjp(x, W, b, delta):
    g = delta * (1.0 - affine(x, W, b) ** 2)
    return W.T @ g, np.outer(g, x), g


def affine_jvp(x, W, b, dx, dW, db):
    return (1.0 - affine(x, W, b) ** 2) * (W @ dx + dW @ x + db)


def in_trees(x, p):
    h = affine(x, p["W"], p["b"][0])
    return {"h": h, "sum": (h.sum(), 3)}


def in_trees_vjp(x, p, delta):
    dx, dW, db = affine_vjp(x, p["W"], p["b"][0], delta["h"] + delta["sum"][0])
    return dx, {"W": dW, "b": (db,)}


AT = Z[0], W, b


@pytest.mark.parametrize(
    ("f", "args", "options"),
    [
        (affine, AT, {"vjp": affine_vjp}),
        (affine, AT, {"vjp": lambda *a: dict(zip("xWb", affine_vjp(*a), strict=True))}),
        (affine, AT, {"vjp": lambda *a: affine_vjp(*a)[1], "wrt": "W"}),
        (affine, AT, {"vjp": lambda *a: affine_vjp(*a)[1:], "wrt": (1, "b")}),
        (affine, AT, {"jvp": affine_jvp}),
        (in_trees, (Z[0], {"W": W, "b": (b,)}), {"vjp": in_trees_vjp}),
        (lambda x: x**3, (2.0,), {"grad": lambda x: 3.0 * x**2, "hessian": lambda x: 6.0 * x}),
        (lambda x: W @ x, (Z[0],), {"jacobian": lambda x: W}),
        (lambda z, y: z[[0, 1], y].sum(), (W, [1, 2]), {"grad": lambda z, y: EDGE, "wrt": "z"}),
        (affine, [part.astype(np.float32) for part in AT], {"vjp": affine_vjp}),
        (lambda x: x**3, (2,), {"grad": lambda x: 3 * x**2}),
        (lambda x, k: x @ k, (b, Y[:3]), {"vjp": lambda x, k, d: (d * k, None)}),
        (
            lambda x, k: x @ k,
            (b, Y[:3]),
            {"vjp": lambda x, k, d: (d * k, d * x), "wrt": ("x", "k")},
        ),
    ],
)
def test_signatures(f, args, options):
    report = check(f, *args, **options)
    assert report.verdict == "right", str(report)


EDGE = np.zeros((3, 4))
EDGE[[0, 1], [1, 2]] = 1.0


@pytest.mark.parametrize("wrt", [None, "k", ("x", "k")])
def test_integers_are_checked_if_they_are_named_or_alone(wrt):
    """By what is taken for a constant a derivative is not passed over, either."""

    def vjp(x, k, delta):
        return {"x": delta * k, "k": -delta * x}

    if wrt is None:
        (finding,) = check(lambda k: b @ k, Y[:3], vjp=lambda k, delta: -delta * b).findings
        with pytest.raises(TypeError, match="vjp: expected None for b, whose integers are const"):
            check(np.dot, b, Y[:3], vjp=lambda a, k, delta: (delta * k, -delta * a))
    else:
        (finding,) = check(lambda x, k: x @ k, b, Y[:3], vjp=vjp, wrt=wrt).findings
    assert (finding.argument, finding.cause.name) == ("k", "sign")


def mismatched(*args):
    return np.ones((7, 7)) @ args[-1]


@pytest.mark.parametrize(
    ("claim", "note"),
    [
        ("vjp", "vjp(x, W, b, delta), called with (4,), (3, 4), (3,), (3,)"),
        ("jvp", "jvp(x, W, b, dx, dW, db), called with (4,), (3, 4), (3,), (4,), (3, 4), (3,)"),
        ("jacobian", "jacobian(x, W, b), called with (4,), (3, 4), (3,)"),
        ("f", "f(x, W, b), called with (4,), (3, 4), (3,)"),
    ],
)
def test_an_error_in_a_function_is_named_as_its_own(claim, note):
    f, claims = affine, {claim: mismatched}
    if claim == "f":
        f, claims = (lambda x, W, b: mismatched(b)), {"vjp": affine_vjp}
    with pytest.raises(ValueError, match="matmul") as caught:
        check(f, *AT, **claims)
    assert caught.value.__notes__ == [f"raised in your {note}"]


@pytest.mark.parametrize(
    ("method", "note"),
    [
        ("forward", "forward(z), called with (5, 4)"),
        ("backward", "backward(z, delta), called with (5, 4), (5, 3)"),
        ("parameter_gradient", "parameter_gradient(z, delta), called with (5, 4), (5, 3)"),
        ("jacobian", "jacobian(z), called with (5, 4)"),
        ("pullback_along", "pullback_along(z, dz, dtheta), called with (5, 4), (5, 4), dict"),
    ],
)
def test_an_error_in_a_layer_is_named_as_its_own(method, note):
    def raises(self, z, delta=None, dtheta=None):
        return np.ones((7, 7)) @ z

    layer = wrong(Linear, **{method: raises})(W)
    with pytest.raises(ValueError, match="matmul") as caught:
        check_layer(layer, Z)
    assert caught.value.__notes__ == [f"raised in your {note}"]


def test_a_wrong_answer_is_named():
    def wrong(*args):
        dx, dW, db = affine_vjp(*args)
        return dx, dW, 1.001 * db

    (finding,) = check(affine, *AT, vjp=wrong).findings
    assert (finding.rule, finding.argument) == ("vjp by b", "b")


@pytest.mark.parametrize(
    ("args", "options", "message"),
    [
        (AT, {}, "check: expected a claim, one of vjp, jvp, grad"),
        (AT, {"grad": "X.T"}, "grad: expected a function, given str"),
        (AT, {"vjp": 0}, "vjp: expected a function, given int"),
        (
            AT,
            {"vjp": lambda *a: a[:2]},
            r"vjp: expected a tuple of 3 \(x, W, b\), given tuple of 2",
        ),
        (AT, {"vjp": affine_vjp, "wrt": "V"}, "wrt: expected among x, W, b, given 'V'"),
        (AT, {"grad": affine_vjp}, r"grad: expected f to return one number, given shape \(3,\)"),
        ((Z[0], W, 1j * b), {"vjp": affine_vjp}, "b: expected real numbers, given complex"),
        ((Z[0], W, np.nan * b), {"vjp": affine_vjp}, "b: expected finite numbers"),
    ],
)
def test_bad_functions(args, options, message):
    with np.errstate(all="ignore"), pytest.raises((TypeError, ValueError), match=message):
        check(affine, *args, **options)


# ------------------------------------------------------------------ check_gradient


def cubic(x):
    return (x**3).sum() + x.ravel()[0] * x.ravel()[-1]


def cubic_gradient(x):
    gradient = 3.0 * x**2
    gradient.ravel()[0] += x.ravel()[-1]
    gradient.ravel()[-1] += x.ravel()[0]
    return gradient


@pytest.mark.parametrize("shape", [(4,), (3, 2), (2, 2, 3)])
def test_check_gradient(shape):
    x = eighths(np.random.default_rng(1), *shape)
    report = check_gradient(cubic, cubic_gradient, x)
    assert report.ok and report.compared >= x.size
    assert report.tolerance < 1e-10


@pytest.mark.parametrize(
    ("gradient", "words"),
    [
        (lambda x: -cubic_gradient(x), "sign"),
        (lambda x: cubic_gradient(x) / 2.0, "factor 1/2"),
        (lambda x: cubic_gradient(x).T, "transposed"),
        (lambda x: 3.0 * x**2, "gradient by x: wrong at"),
        (lambda x: cubic_gradient(x)[0], "shape (3,), expected (3, 3)"),
        (lambda x: cubic_gradient(x) + 1e-9, "gradient by x: wrong at"),
    ],
)
def test_wrong_gradient(gradient, words):
    report = check_gradient(cubic, gradient, eighths(np.random.default_rng(1), 3, 3))
    assert not report.ok
    assert words in str(report)


def test_what_has_no_gradient():
    with pytest.raises(TypeError, match=r"x: expected an array of numbers, given text$"):
        check_gradient(cubic, cubic_gradient, "hello")
    with pytest.raises(TypeError, match="f: expected a function, given ndarray"):
        check_gradient(b, cubic_gradient, b)


def test_kink_of_a_function():
    report = check_gradient(lambda x: np.abs(x).sum(), np.sign, [1.0, 0.0, -2.0])
    assert report.verdict == "cannot tell"
    assert "a kink at [1]: slopes -1 to 1; 0 returned" in report.notes[0]


class Squares:
    """z^2 with a factor that is a parameter; its second order may be wrong."""

    def __init__(self, theta, wrong=""):
        self.theta, self.wrong = theta, wrong

    def forward(self, z):
        return self.theta * z**2

    def backward(self, z, delta):
        return 2 * self.theta * z * delta

    def parameter_gradient(self, z, delta):
        return {"theta": (z**2 * delta).sum(axis=0)}

    def jacobian(self, z):
        return (2 * self.theta * z)[:, :, np.newaxis] * np.eye(z.shape[1])

    def pullback_along(self, z, dz, dtheta):
        d, f = dtheta["theta"], np.zeros_like(self.theta) if self.wrong == "theta" else self.theta
        d = 0 * d if self.wrong == "dtheta" else d

        def back(delta, change):
            change = 0 * change if self.wrong == "change" else change
            moved = 2 * (d * z * delta + f * (dz * delta + z * change))
            return moved, {"theta": (2 * z * dz * delta + z**2 * change).sum(axis=0)}

        return d * z**2 + 2 * f * z * dz, back


@pytest.mark.parametrize(
    ("wrong", "rules"),
    [
        ("theta", ("RULE 1", "RULE 2")),
        ("dtheta", ("RULE 1", "RULE 2")),
        ("change", ("RULE 2", "RULE 3, theta")),
    ],
)
def test_second_order(wrong, rules):
    """What a layer says of its second order is checked, and the wrong part named."""
    theta = eighths(RNG, 4)
    assert_layer(Squares(theta), Z)
    report = check_layer(Squares(theta, wrong), Z)
    found = [finding.rule for finding in report.findings]
    assert found == [f"pullback_along, {rule}" for rule in rules]


class Adds:
    """Gradients add up in dW, which is there from the beginning, as zeros."""

    def __init__(self, slip=1.0):
        self.W, self.slip = np.arange(6.0).reshape(3, 2) - 2.5, slip
        self.dW = np.zeros((3, 2))

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, delta):
        self.dW += self.slip * self.x.T @ delta
        return delta @ self.W.T


class AddsAndResets(Adds):
    def zero_grad(self):
        self.dW[:] = 0.0


def test_gradients_that_add_up():
    """That is right if they can be set to zero; and dW is no parameter."""
    z = np.random.default_rng(0).standard_normal((5, 3))
    assert check_layer(AddsAndResets(), z).ok
    (finding,) = check_layer(AddsAndResets(slip=-1.0), z).findings
    assert finding.argument == "W" and finding.cause.name == "sign"
    (finding,) = check_layer(Adds(), z).findings
    assert finding.argument == "W" and finding.cause.name == "accumulates"


def test_a_cache_that_is_never_renewed():
    """One object: forward elsewhere, forward, backward."""

    class Stale(Tanh):
        def forward(self, z):
            self.out = getattr(self, "out", np.tanh(z))
            return np.tanh(z)

        def backward(self, delta):
            return delta * (1.0 - self.out**2)

    (finding,) = check_layer(Stale(), Z).findings
    assert finding.cause.name == "caches"


def test_a_program_of_what_has_no_path():
    """A class in a function, and an object that holds itself, are left to the user to put in."""

    class Own:
        def forward(self, z):
            return z

        def backward(self, z, delta):
            return delta

    layer = Scale(1.5)
    layer.me = layer
    for brought in (Own(), layer):
        script = check_layer(brought, Z).reproduce()
        assert "# Put here in place of '...': " in script
        compile(script, "script", "exec")


@pytest.mark.parametrize(
    ("brought", "message"),
    [
        (Scale, "layer: expected an object, given the class Scale: make one"),
        (wrong(Tanh, backward=lambda self, z, d: (d, 3))(), "given a tuple of ndarray, int"),
    ],
)
def test_what_is_no_layer_is_named(brought, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_layer(brought, Z)


@pytest.mark.parametrize("output", ["text", 1j, None])
def test_an_output_that_is_no_number_is_a_fault(output):
    report = check_layer(wrong(Tanh, forward=lambda self, z: output)(), Z)
    assert report.verdict == "wrong"
    assert "RULE 1 (forward): type " in str(report)


def test_an_answer_of_another_shape_is_a_fault():
    report = check_layer(wrong(Tanh, backward=lambda self, z, delta: delta[:2])(), Z)
    (finding,) = report.findings
    assert finding.evidence == "shape (2, 4), expected (5, 4)"
