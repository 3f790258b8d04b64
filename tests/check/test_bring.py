"""The checker is checked: wrong layers are found and diagnosed, right ones pass everywhere."""

from dataclasses import dataclass

import numpy as np
import pytest
from designs import eighths

from reference_impl import differences
from reference_impl.activations import LogSigmoid, ReLU, Sigmoid, Softmax, Softplus, Tanh
from reference_impl.backpropagation import Chain, Sum
from reference_impl.gradient_check import assert_layer, check_gradient, check_layer
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


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 300.0])
@pytest.mark.parametrize("name", RIGHT)
def test_no_false_alarm(name, scale):
    report = check_layer(RIGHT[name], scale * Z, seed=int(scale))
    assert report.ok, str(report)
    assert report.compared >= 20 + 20  # each entry of RULE 2 and of the Jacobian at least
    assert report.notes == ()
    assert str(report).startswith("no fault found")


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
        [RULE_2, "it equals the right answer with the sign flipped"],
    ),
    "transposed Jacobian": (
        wrong(Linear, backward=lambda self, z, delta: delta @ self.W.T)(SQUARE.W),
        [RULE_2, "it equals J delta: the transposed Jacobian is used"],
    ),
    "transposed Jacobian of log-softmax": (
        backward(LogSoftmax, lambda z, d: d - (softmax(z) * d).sum(axis=1, keepdims=True))(),
        [RULE_2, "it equals J delta: the transposed Jacobian is used"],
    ),
    "missing sum over the data points": (
        weights(lambda z, delta: delta[:, :, None] * z[:, None, :])(W),
        [RULE_3_W, "shape (5, 3, 4), expected (3, 4)", "data points: their sum is missing"],
    ),
    "first data point only": (
        weights(lambda z, delta: np.outer(delta[0], z[0]))(W),
        [RULE_3_W, "the first data point only"],
    ),
    "last data point lost": (
        weights(lambda z, delta: delta[:-1].T @ z[:-1])(W),
        [RULE_3_W, "without the last data point"],
    ),
    "mean instead of sum": (
        weights(lambda z, delta: delta.T @ z / len(z))(W),
        [RULE_3_W, "the right answer / 5: a mean over the data points, not their sum"],
    ),
    "mean in the backward of a cost": (
        backward(NLL, lambda z, delta: -delta * np.eye(4)[Y] / len(z))(Y),
        [RULE_2, "a mean over the data points, not their sum"],
    ),
    "gradient transposed": (
        weights(lambda z, delta: z.T @ delta)(W),
        [RULE_3_W, "shape (4, 3), expected (3, 4)", "the right answer transposed"],
    ),
    "square gradient transposed": (
        weights(lambda z, delta: z.T @ delta)(SQUARE.W),
        [RULE_3_W, "the right answer transposed"],
    ),
    "bias summed over the outputs": (
        wrong(
            Linear,
            parameter_gradient=lambda self, z, d: {"W": d.T @ z, "b": d.sum(axis=1)},
        )(W, b),
        [RULE_3_B, "shape (5,), expected (3,)", "delta summed over the outputs"],
    ),
    "parameter gradient ignores delta": (
        weights(lambda z, delta: np.ones_like(delta).T @ z)(W),
        [RULE_3_W, "delta is ignored", "not 0 for delta = 0"],
    ),
    "delta summed over the data points": (
        backward(LogSoftmax, lambda z, d: d - softmax(z) * d.sum(axis=0))(),
        [RULE_2, "the rule of log-softmax with delta summed over the data points"],
    ),
    "softmax, delta summed over the data points": (
        backward(Softmax, lambda z, d: softmax(z) * (d - (softmax(z) * d).sum(axis=0)))(),
        [RULE_2, "softmax's rule with delta summed over the data points"],
    ),
    "diag(S)": (
        backward(Softmax, lambda z, delta: delta * softmax(z))(),
        [RULE_2, "diag(S) instead of diag(S) - S S^T"],
    ),
    "only the diagonal": (
        backward(Softmax, lambda z, delta: delta * softmax(z) * (1.0 - softmax(z)))(),
        [RULE_2, "the Jacobian is not diagonal"],
    ),
    "diag(S) in the Jacobian": (
        jacobian(Softmax, lambda z: softmax(z)[:, :, None] * np.eye(4))(),
        ["jacobian", "diag(S) with S = forward(z): - S S^T is missing"],
    ),
    "Jacobian transposed": (
        jacobian(LogSoftmax, lambda z: np.eye(4) - softmax(z)[:, :, None])(),
        ["jacobian", "the transposed Jacobian"],
    ),
    "delta ignored": (
        backward(Tanh, lambda z, delta: 1.0 - np.tanh(z) ** 2)(),
        [RULE_2, "delta is ignored", "not 0 for delta = 0"],
    ),
    "delta of a cost ignored": (
        backward(NLL, lambda z, delta: -np.eye(4)[Y])(Y),
        [RULE_2, "delta is ignored", "not 0 for delta = 0"],
    ),
    "one-hot labels assumed": (
        backward(LogSoftmax, lambda z, delta: delta + softmax(z))(),
        [RULE_2, "delta is taken to sum to -1", "not 0 for delta = 0"],
    ),
    "softmax for log-softmax": (
        backward(LogSoftmax, centred)(),
        [RULE_2, "the rule of softmax; this is log-softmax"],
    ),
    "log-softmax for softmax": (
        backward(Softmax, LogSoftmax().backward)(),
        [RULE_2, "the rule of log-softmax; this is softmax"],
    ),
    "factor 1/2": (
        backward(Softplus, lambda z, delta: delta * sigmoid(z) / 2.0)(),
        [RULE_2, "it is the right answer * 0.5"],
    ),
    "factor 1.000001": (
        backward(Softplus, lambda z, delta: 1.000001 * delta * sigmoid(z))(),
        [RULE_2, "it is the right answer * 1.000001"],
    ),
    "factor 1 + 1e-10": (
        backward(Softplus, lambda z, delta: (1.0 + 1e-10) * delta * sigmoid(z))(),
        [RULE_2, "it is the right answer * 1.0000000001"],
    ),
    "skip connection without its delta": (
        backward(
            type("Skip", (Tanh,), {"forward": lambda self, z: z + np.tanh(z)}), Tanh().backward
        )(),
        [RULE_2, "deltas of a value used twice add"],
    ),
    "derivative missing": (
        backward(Tanh, lambda z, delta: delta)(),
        [RULE_2, "it is passed on unchanged, without a derivative"],
    ),
    "z taken for the output": (
        backward(Sigmoid, lambda z, delta: delta * z * (1.0 - z))(),
        [RULE_2, "z is taken for a sigmoid's output"],
    ),
    "z taken for the output of tanh": (
        backward(Tanh, lambda z, delta: delta * (1.0 - z**2))(),
        [RULE_2, "z is taken for the output of tanh"],
    ),
    "zero": (backward(Tanh, lambda z, delta: 0.0 * delta)(), [RULE_2, "it equals zero"]),
    "one column wrong": (
        backward(Tanh, lambda z, d: Tanh().backward(z, d) * np.array([1.0, 1.0, 3.0, 1.0]))(),
        [RULE_2, "only where index 1 is 2"],
    ),
    "quadratic in delta": (
        backward(Tanh, lambda z, delta: Tanh().backward(z, delta * np.abs(delta)))(),
        [RULE_2, "not linear in delta"],
    ),
    "forward wrong": (
        wrong(Softplus, forward=lambda self, z: 2.0 * np.log1p(np.exp(z)))(),
        [RULE_2, "jacobian", "look at RULE 1 (forward) first"],
    ),
    "accumulates": (Accumulates(W), [RULE_3_W, "a state is kept: it accumulates"]),
    "remembers the last input": (RemembersTheLastInput(), [RULE_2, "a state is kept"]),
    "argument changed": (backward(Tanh, writes)(), ["an argument was written to"]),
    "rows mixed": (
        wrong(Tanh, forward=lambda self, z: mixes_rows(z))(),
        ["RULE 1 (forward): row 0 of the output depends on row 1 of the input"],
    ),
    "single precision": (
        wrong(Tanh, forward=lambda self, z: np.tanh(z.astype(np.float32)))(),
        ["RULE 1 (forward): type float32, expected float64"],
    ),
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
        [RULE_2 + ": type object", "shape (), expected (5, 4)"],
    ),
    "column in place of a row": (
        wrong(Tanh, forward=lambda self, z: np.tanh(z).T)(),
        ["RULE 1 (forward): shape (4, 5), expected (5, out), or () for a cost layer"],
    ),
    "unknown parameter": (
        wrong(Linear, parameter_gradient=lambda self, z, delta: {"V": delta.T @ z})(W),
        ["RULE 3 (parameter_gradient, V): the layer has no parameter of this name"],
    ),
    "wrong inside a chain": (
        Chain([SQUARE, backward(Sigmoid, lambda z, d: -Sigmoid().backward(z, d))(), Linear(W, b)]),
        [RULE_2, "RULE 3 (parameter_gradient, 0.W)", "the sign flipped"],
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_fault(name):
    layer, words = PLANTED[name]
    report = check_layer(layer, Z)
    assert not report.ok
    for word in words:
        assert word in str(report), str(report)
    with pytest.raises(AssertionError) as caught:
        assert_layer(layer, Z)
    assert words[-1] in str(caught.value)


def test_corpus():
    assert len(PLANTED) >= 40 and len(RIGHT) >= 16


# --------------------------------------------------------------------------- kinks


@pytest.mark.parametrize("distance", [0.0, -0.0, 1e-300, 1e-12, -1e-9, 1e-8, -1e-7, 1e-6])
def test_kink(distance):
    """At a kink, or too close to it for differences, there is a note and no fault."""
    z = np.array([[1.0, -2.0], [distance, 3.0]])
    report = check_layer(ReLU(), z)
    assert report.ok, str(report)
    (note,) = report.notes
    assert "RULE 2 (backward): a kink at [1, 0]: slope" in note


@pytest.mark.parametrize("distance", [2e-6, -1e-5, 1e-4, -1e-3, 0.01, -0.1])
def test_near_a_kink(distance):
    """Here differences see one side only, with small steps."""
    z = np.array([[1.0, -2.0], [distance, 3.0]])
    report = check_layer(ReLU(), z)
    assert report.ok and report.notes == (), str(report)
    wrong_side = backward(ReLU, lambda z, delta: delta * (z < 0))()
    assert not check_layer(wrong_side, z).ok


def test_kink_by_a_parameter():
    """The hidden unit is exactly 0 for one data point."""
    layer = Chain([Linear([[1.0, 1.0], [2.0, 1.0]]), ReLU()])
    report = check_layer(layer, [[1.0, -1.0], [0.5, 1.0], [-3.0, 1.0]])
    assert report.ok
    assert [note.split(":")[0] for note in report.notes] == [
        RULE_2,
        "RULE 3 (parameter_gradient, 0.W)",
    ]


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
    report = check_layer(Linear(rng.normal(size=(2, 500))), rng.normal(size=(1, 500)))
    assert report.ok
    assert "RULE 2 (backward): 256 of 500 entries compared" in report.notes


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


def test_not_finite_nearby():
    """The function ends at z: no differences, so nothing was shown to be right."""

    class Root(Tanh):
        def forward(self, z):
            return np.sqrt(z)

        def backward(self, z, delta):
            return delta

        def jacobian(self, z):
            return np.tile(np.eye(z.shape[1]), (len(z), 1, 1))

    report = check_layer(Root(), np.array([[0.0, 0.25]]))
    assert "RULE 2 (backward): RULE 1 is not finite near [0, 0]" in report.findings


SMOOTH = {
    "exp": (np.exp, np.exp, [-3.0, 0.5, 2.0]),
    "sin": (np.sin, np.cos, [-3.0, 0.5, 200.0]),
    "log": (np.log, lambda t: 1.0 / t, [0.2, 3.0, 5000.0]),
    "cube": (lambda t: t**3, lambda t: 3.0 * t**2, [-0.125, 7.0, 1e5]),
    "flat": (lambda t: 0.0 * t, lambda t: 0.0 * t, [1.0, -2.0]),
    "noisy": (lambda t: (1e6 + np.sin(t)) - 1e6, np.cos, [0.25, 4.0]),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_the_error_of_differences_is_honest(name):
    """A derivative is at most 4 estimated errors away; and the estimate is small."""
    f, derivative, points = SMOOTH[name]
    for t in points:
        found = differences.slope(f, np.array([t]), np.ones(1))
        error = abs(found.value[0] - derivative(t))
        assert error <= 4.0 * found.error[0], (name, t, error, found.error)
        noise = 1e6 if name == "noisy" else 1.0
        assert found.error[0] < 1e-10 * noise * max(1.0, abs(derivative(t))) and not found.kink


def test_bad_input():
    with pytest.raises(ValueError, match="too many: check a smaller one"):
        check_layer(Tanh(), np.ones((50, 50)))
    with pytest.raises(ValueError, match="z: expected a matrix"):
        check_layer(Tanh(), [1.0, 2.0])
    with pytest.raises(ValueError, match="z: expected finite"):
        check_layer(Tanh(), [[np.inf, 2.0]])


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
    assert report.ok and report.compared == x.size
    assert report.tolerance < 1e-10


@pytest.mark.parametrize(
    ("gradient", "words"),
    [
        (lambda x: -cubic_gradient(x), "the right answer with the sign flipped"),
        (lambda x: cubic_gradient(x) / 2.0, "the right answer * 0.5"),
        (lambda x: cubic_gradient(x).T, "the right answer transposed"),
        (lambda x: 3.0 * x**2, "the gradient: wrong at"),
        (lambda x: cubic_gradient(x)[0], "shape (3,), expected (3, 3)"),
        (lambda x: cubic_gradient(x) + 1e-9, "the gradient: wrong at"),
    ],
)
def test_wrong_gradient(gradient, words):
    report = check_gradient(cubic, gradient, eighths(np.random.default_rng(1), 3, 3))
    assert not report.ok
    assert words in str(report)


def test_kink_of_a_function():
    report = check_gradient(lambda x: np.abs(x).sum(), np.sign, [1.0, 0.0, -2.0])
    assert report.ok
    assert "a kink at [1]: slope -1 from the left, 1 from the right; 0 returned" in report.notes[0]


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
    found = [finding.split(": wrong at")[0] for finding in report.findings]
    assert found == [f"pullback_along, {rule}" for rule in rules]


def test_gradients_that_are_added_up_are_no_parameters():
    """dW exists from the beginning, as zeros."""

    class Adds:
        def __init__(self, slip=1.0):
            self.W, self.slip = np.arange(6.0).reshape(3, 2) - 2.5, slip
            self.dW = np.zeros((3, 2))

        def forward(self, x):
            self.x = x
            return x @ self.W

        def backward(self, delta):
            self.dW += self.slip * self.x.T @ delta
            return delta @ self.W.T

    z = np.random.default_rng(0).standard_normal((5, 3))
    report = check_layer(Adds(), z)
    assert report.ok, str(report)
    assert any("accumulates from call to call" in note for note in report.notes)
    (finding,) = check_layer(Adds(slip=-1.0), z).findings
    assert finding.argument == "W" and finding.cause.name == "sign"
