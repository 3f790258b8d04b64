"""The verdict: right, wrong or cannot tell, where a checker with a bare tolerance is wrong."""

import time

import numpy as np
import pytest
from scipy import special

from reference_impl.check import check, check_layer


def rng(seed=0):
    return np.random.default_rng(seed)


def elementwise(f, df):
    """A layer of one function of each entry, and what its author takes for its derivative."""

    class Elementwise:
        def forward(self, z):
            return f(z)

        def backward(self, z, delta):
            return delta * df(z)

    return Elementwise()


def tanh_slope(z):
    return 1.0 - np.tanh(z) ** 2


class LogSoftmax:
    def forward(self, z):
        return special.log_softmax(z, axis=1)

    def backward(self, z, delta):
        return delta - special.softmax(z, axis=1) * delta.sum(axis=1, keepdims=True)


# ------------------------------------------------------------------------- right


@pytest.mark.parametrize("K", [3, 10])
@pytest.mark.parametrize("seed", range(10))
def test_tiny_derivatives(K, seed):
    """Far from the largest logit the derivative is 1e-20, and forward is rounded at 1e-15."""
    z = rng(seed).normal(size=(4, K)) * 10.0
    assert check_layer(LogSoftmax(), z, seed).verdict == "right"


@pytest.mark.parametrize("scale", 10.0 ** np.arange(-8, 9, 2))
def test_scales(scale):
    """Steps follow the function: the logarithm ends at 0, whatever z is."""
    z = scale * np.exp(rng().normal(size=(3, 4)))
    assert check_layer(elementwise(np.log, lambda z: 1.0 / z), z).verdict == "right"
    assert check_layer(elementwise(np.log, lambda z: 1.001 / z), z).verdict == "wrong"


def test_mixed_scales():
    z = np.array([[1e-8, 1e-4, 1.0], [40.0, 1e5, 1e8]])
    assert check_layer(elementwise(np.log, lambda z: 1.0 / z), z).verdict == "right"
    assert check_layer(elementwise(np.square, lambda z: 2.0 * z), z).verdict == "right"


@pytest.mark.parametrize("seed", range(30))
def test_seeds(seed):
    """No seed finds a fault in what is right: a cancelled sum is judged by its terms."""
    z = rng(seed).normal(size=(5, 3))
    softmax = LogSoftmax()
    assert check_layer(softmax, z, seed).verdict == "right"
    assert check_layer(elementwise(np.tanh, tanh_slope), 5.0 * z, seed).verdict == "right"


class Single:
    """tanh, with forward, backward or both in single precision."""

    def __init__(self, forward, backward):
        self.types = forward, backward

    def forward(self, z):
        return np.tanh(z.astype(self.types[0])).astype(np.float64)

    def backward(self, z, delta):
        return (delta.astype(self.types[1]) * tanh_slope(z.astype(self.types[1]))).astype(float)


TYPES = [(np.float32, np.float32), (np.float64, np.float32), (np.float32, np.float64)]


@pytest.mark.parametrize("types", TYPES)
@pytest.mark.parametrize("seed", range(5))
def test_single_precision_inside(types, seed):
    """It is named, and it is no wrong derivative."""
    report = check_layer(Single(*types), rng(seed).normal(size=(4, 3)), seed)
    assert report.verdict == "right", str(report)
    assert any("float32" in note for note in report.notes)


@pytest.mark.parametrize("types", TYPES)
def test_wrong_in_single_precision(types):
    class Wrong(Single):
        def backward(self, z, delta):
            return 1.05 * super().backward(z, delta)

    assert check_layer(Wrong(*types), rng().normal(size=(4, 3))).verdict == "wrong"


def test_rows_may_depend_on_one_another():
    class Centred:
        def forward(self, z):
            return z - z.mean(axis=0)

        def backward(self, z, delta):
            return delta - delta.mean(axis=0)

    assert check_layer(Centred(), rng().normal(size=(5, 3))).verdict == "right"


# ------------------------------------------------------------------------- wrong


@pytest.mark.parametrize("factor", [1.0001, 1.0 + 1e-6, 1.0 + 1e-9, 0.5, -1.0, 0.0])
def test_factor(factor):
    layer = elementwise(np.tanh, lambda z: factor * tanh_slope(z))
    report = check_layer(layer, rng().normal(size=(5, 3)))
    assert report.verdict == "wrong"
    assert report.findings[0].rule == "RULE 2 (backward)"


@pytest.mark.parametrize("factor", [1.02, -1.0])
@pytest.mark.parametrize("shape", [(100, 100), (400, 500)])
def test_one_entry_of_many(shape, factor):
    """Found and located, in the time that there is."""
    z = rng().normal(size=shape)
    at = (shape[0] // 3, shape[1] // 7)
    factors = np.ones(shape)
    factors[at] = factor
    report = check_layer(elementwise(np.tanh, lambda z: factors * tanh_slope(z)), z)
    assert report.verdict == "wrong"
    (finding,) = report.findings
    assert finding.index == at
    assert finding.got == factor * finding.want or finding.error < 0.01 * abs(finding.want)


def test_one_entry_of_a_parameter():
    class Linear:
        def __init__(self):
            self.W = rng(1).normal(size=(100, 100))

        def forward(self, z):
            return z @ self.W.T

        def backward(self, z, delta):
            return delta @ self.W

        def parameter_gradient(self, z, delta):
            gradient = delta.T @ z
            gradient[17, 61] *= 1.02
            return {"W": gradient}

    report = check_layer(Linear(), rng().normal(size=(6, 100)))
    (finding,) = report.findings
    assert (finding.argument, finding.index) == ("W", (17, 61))


def test_a_parameter_left_out():
    class Affine:
        def __init__(self):
            self.W, self.b = rng(1).normal(size=(3, 4)), rng(2).normal(size=3)
            self.momentum = rng(3).normal(size=(3, 4))

        def forward(self, z):
            return z @ self.W.T + self.b

        def backward(self, z, delta):
            return delta @ self.W

        def parameter_gradient(self, z, delta):
            return {"W": delta.T @ z}

    z = rng().normal(size=(5, 4))
    report = check_layer(Affine(), z)
    assert report.verdict == "wrong"
    assert [finding.argument for finding in report.findings] == ["b"]
    assert report.findings[0].cause.name == "left out"
    assert check_layer(Affine(), z, params=["W"]).verdict == "right"


# ------------------------------------------------------------------- cannot tell


@pytest.mark.parametrize("slope", [lambda z: z > 0, lambda z: 0.3 * (z == 0) + (z > 0)])
def test_kink(slope):
    layer = elementwise(lambda z: np.maximum(z, 0.0), slope)
    report = check_layer(layer, [[1.0, -2.0], [0.0, 3.0], [1.0, 0.5]])
    assert report.verdict == "cannot tell"
    assert "a kink at [1, 0]: slopes 0 to" in report.notes[0] or "slopes -" in report.notes[0]


@pytest.mark.parametrize(("bend", "off"), [(0.0, 1e-4), (1.0, 0.05)])
def test_outside_the_slopes_at_a_kink(bend, off):
    """By more than the slopes may be off, which are known better where the sides are straight."""
    z = np.array([[1.0, -2.0], [0.0, 3.0], [1.0, 0.5]])
    for at, verdict in ((1.0 - off, "cannot tell"), (1.0 + off, "wrong")):
        report = check_layer(
            elementwise(
                lambda z: np.abs(z) * np.exp(bend * z),
                lambda z, at=at: np.where(
                    z == 0, at, (bend * np.abs(z) + np.sign(z)) * np.exp(bend * z)
                ),
            ),
            z,
        )
        assert report.verdict == verdict
        assert all(finding.index == (1, 0) for finding in report.findings)


@pytest.mark.parametrize("distance", [1e-300, 1e-12, -1e-9, 1e-7, 1e-6, -1e-5, 1e-3, 0.1])
def test_near_a_kink(distance):
    """Steps in proportion to an entry stay on its side of 0."""
    z = np.array([[1.0, -2.0], [distance, 3.0], [-1.0, 0.5]])
    right = elementwise(lambda z: np.maximum(z, 0.0), lambda z: z > 0)
    wrong = elementwise(lambda z: np.maximum(z, 0.0), lambda z: (z > 0) ^ (z == distance))
    assert check_layer(right, z).verdict == "right"
    assert check_layer(wrong, z).verdict == "wrong"


def test_noise_wider_than_the_derivative():
    """f is rounded to multiples of 2, and its change is smaller."""
    x = rng().normal(size=4)

    def f(x):
        return 1e16 + x @ x

    for claim in (2.0 * x, -2.0 * x, 0.0 * x):
        report = check(f, x, grad=lambda _, claim=claim: claim)
        assert report.verdict == "cannot tell", str(report)
        assert "noise is wider than the derivative" in str(report)


def test_random():
    draws = rng()

    def f(x):
        return (x * draws.uniform(size=x.shape)).sum()

    report = check(f, np.ones(3), grad=np.ones_like)
    assert report.verdict == "cannot tell"
    assert "another result in a second call" in report.notes[0]


def test_a_constant_is_right():
    assert check(lambda x: 0.0 * x.sum(), rng().normal(size=3), grad=np.zeros_like).ok


def test_the_end_of_a_domain():
    layer = elementwise(lambda z: np.arcsin(z), lambda z: 1.0 / np.sqrt(1.0 - z**2 + (z == 1)))
    report = check_layer(layer, [[0.5, 1.0], [-0.25, 0.125]])
    assert report.verdict == "cannot tell"


# ------------------------------------------------------------------------ behaviour


class Accumulates:
    def __init__(self):
        self.W, self.total = rng().normal(size=(3, 4)), np.zeros((3, 4))

    def forward(self, z):
        return z @ self.W.T

    def backward(self, z, delta):
        return delta @ self.W

    def parameter_gradient(self, z, delta):
        self.total += delta.T @ z
        return {"W": self.total.copy()}


class Remembers:
    def forward(self, z):
        self.z = z.copy()
        return np.tanh(z)

    def backward(self, z, delta):
        return delta * tanh_slope(self.z)


def of(backward):
    layer = elementwise(np.tanh, None)
    layer.backward = backward
    return layer


def writing(z, delta):
    z *= 1.0 + 1e-3
    return delta * tanh_slope(z / (1.0 + 1e-3))


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Accumulates(), "another result in a second call: a state is kept: it accumulates"),
        (Remembers(), "another result in a second call: a state is kept"),
        (of(writing), "the argument z was written to"),
        (of(lambda z, d: tanh_slope(z)), "not 0 for delta = 0"),
        (of(lambda z, d: d * np.abs(d) * tanh_slope(z)), "not linear in delta"),
        (of(lambda z, d: (d * tanh_slope(z))[:, :2]), "shape (5, 2), expected (5, 4)"),
        (of(lambda z, d: d * np.nan), "not finite at [0, 0]"),
        (of(lambda z, d: "tanh"), "expected numbers"),
        (of(lambda z, d: None), "nothing is returned"),
        (elementwise(lambda z: z / 0.0, np.ones_like), "RULE 1 (forward): not finite"),
    ],
)
def test_behaviour(layer, words):
    report = check_layer(layer, rng().normal(size=(5, 4)))
    assert report.verdict == "wrong"
    assert words in str(report), str(report)


# -------------------------------------------------------------------- second order


def quartic(x):
    return (x**4).sum() / 12.0 + x[0] * x[1]


def quartic_hessian(x):
    H = np.diag(x**2)
    H[0, 1] = H[1, 0] = 1.0
    return H


def quartic_gradient(x):
    return x**3 / 3.0 + np.array([x[1], x[0], *np.zeros(len(x) - 2)])


@pytest.mark.parametrize("grad", [None, quartic_gradient])
def test_hessian(grad):
    x = rng().normal(size=4)
    assert check(quartic, x, grad=grad, hessian=quartic_hessian).ok
    assert check(quartic, x, grad=grad, hvp=lambda x, v: quartic_hessian(x) @ v).ok

    def wrong(x):
        H = quartic_hessian(x)
        H[2, 3] = 1e-3
        return H

    assert check(quartic, x, grad=grad, hessian=wrong).verdict == "wrong"
    assert check(quartic, x, grad=grad, hvp=lambda x, v: wrong(x) @ v).verdict == "wrong"


# --------------------------------------------------------------------------- time


def slow(seconds):
    """The square, that takes so much of the processor's time."""

    def f(x):
        start = time.process_time()
        while time.process_time() - start < seconds:
            pass
        return (x**2).sum()

    return f


def test_budget():
    """A slow function: the time is kept, and what was left out is said."""
    start = time.process_time()
    report = check(slow(2e-3), rng().normal(size=300), grad=lambda x: 2.0 * x, budget=1.0)
    assert time.process_time() - start < 2.0
    assert report.verdict == "right"
    assert "300 entries compared one by one" in str(report)


def test_no_time():
    report = check(slow(0.05), rng().normal(size=3), grad=lambda x: 2.0 * x, budget=0.2)
    assert report.verdict == "cannot tell"
    assert "0.2 s" in report.notes[0]


def test_a_derivative_that_is_zero_is_compared():
    """A bias in front of a batch norm changes nothing: its gradient is a rounding of zero."""
    rng = np.random.default_rng(4)
    z, b = rng.standard_normal((5, 3)), rng.standard_normal(3)

    def norm(z, b):
        h = z + b
        return (h - h.mean(axis=0)) / np.sqrt(h.var(axis=0) + 1e-5)

    def vjp(z, b, delta):
        h, root = norm(z, b), np.sqrt((z + b).var(axis=0) + 1e-5)
        d = (delta - delta.mean(axis=0) - h * (delta * h).mean(axis=0)) / root
        return d, d.sum(axis=0)

    assert check(norm, z, b, vjp=vjp).verdict == "right"

    def shifted(z, b, delta):
        of_z, of_b = vjp(z, b, delta)
        return of_z, of_b + 1e-3 * delta[0]

    assert check(norm, z, b, vjp=shifted).verdict == "wrong"


def test_what_is_wrong_in_words():
    of_scalar = check(lambda a: a**3, 2.0, grad=lambda a: 2.0 * a**2)
    assert "gradient by a: wrong: got 8, differences give 12 +-" in str(of_scalar)
    at, units = np.array([1.0, -2.0, 3.0]), np.array([0.0, 0.0, 1.0])
    of_entry = check(lambda x: (x**2).sum(), at, grad=lambda x: 2.0 * x + units)
    assert "gradient by x: wrong at [2]: got 7, differences give 6 +-" in str(of_entry)
