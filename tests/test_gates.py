"""GELU, SiLU and functions in pieces against loops, differences and derived lines; mistakes."""

import compare
import derived
import layer_loops
import loops
import numpy as np
import pytest
from mpmath import mp, mpf

from derivations import gates as lines
from derivations.gates import r
from derivations.notation import Φ, exp, o, root, t, φ
from derivations.sigmoid import delta_out, sigma, z
from reference_impl import gates


def gelu(t):
    return t * (1 + mp.erf(t / mp.sqrt(2))) / 2


def gelu_tanh(t):
    return t / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (t + mpf(44715) / 1000000 * t**3)))


def leaky_relu(t):
    return t if t > 0 else t / 8


def elu(t):
    return t if t > 0 else (mp.exp(t) - 1) / 8


def squared_relu(t):
    return t**2 if t > 0 else mpf(0)


FUNCTIONS = {
    "gelu": (gates.GELU, gelu),
    "gelu_tanh": (gates.TANH_GELU, gelu_tanh),
    "silu": (gates.SILU, lambda t: t * loops.sigmoid(t)),
    "leaky_relu": (gates.leaky_relu(0.125), leaky_relu),
    "elu": (gates.elu(0.125), elu),
    "softsign": (gates.SOFTSIGN, lambda t: t / (1 + abs(t))),
    "squared_relu": (gates.SQUARED_RELU, squared_relu),
    "hard_tanh": (gates.HARD_TANH, lambda t: max(mpf(-1), min(t, mpf(1)))),
}
each_layer = pytest.mark.parametrize("name", FUNCTIONS)
NEAR = np.array([-9.5, -6.25, -3.0, -1.5, -0.8125, -0.375, -0.03125, 1e-6, 0.5, 0.875, 1.75, 4.5])
FAR = np.array([-1e300, -1e5, -745.0, -60.5, -38.0, 38.0, 60.5, 745.0, 1e5, 1e150])


def slope(function):
    return lambda t: loops.differences(150, function, (t,), 0)


def second(function):
    """Differences of differences; a straight line leaves rounding, far below every value."""
    return lambda t: mp.chop(loops.differences(80, slope(function), (t,), 0), mpf(10) ** -60)


@each_layer
def test_two_derivatives_by_differences(name):
    layer, function = FUNCTIONS[name]
    z = NEAR[None, :]
    for rule, actual, exact, ulp, entrywise in [
        ("forward", layer.forward(z), function, 8, True),
        ("derivative", layer.derivative(z), slope(function), 4, False),  # it has zeros
        ("derivative", layer.second_derivative(z), second(function), 4, False),
    ]:
        expected = [loops.at(80, lambda t, exact=exact: [exact(x) for x in t], NEAR)]
        compare.check(actual, expected, statement=f"gates.{name}_{rule}", oracle="differences",
                      case="near zero", ulp=ulp, entrywise=entrywise)  # fmt: skip


@each_layer
def test_rules(name):
    """Several rows, so that a transpose is another matrix."""
    (layer, function), z = FUNCTIONS[name], NEAR.reshape(3, 4)
    layer_loops.check_layer_rules(f"gates.{name}_", layer, "near zero", z,
                                  layer_loops.elementwise(function),
                                  layer_loops.diagonal(slope(function)), ulp=64)  # fmt: skip
    compare.same(layer.f(z), layer.forward(z))


@each_layer
def test_far_out(name):
    """Neither inf times zero nor an overflow on the way; warnings are errors in these tests."""
    layer, function = FUNCTIONS[name]
    for of_numbers in (layer.f, layer.df, layer.ddf):
        of_numbers(FAR)
    with mp.workdps(400):
        value = [[function(mpf(x)) for x in FAR]]
    compare.check(layer.forward(FAR[None, :]), value, statement=f"gates.{name}_forward",
                  oracle="loops", case="far", ulp=8)  # fmt: skip
    ends = np.array([[-1e30, 1e30]])
    limits = {"leaky_relu": (0.125, 1.0), "softsign": (1e-60, 1e-60), "hard_tanh": (0.0, 0.0),
              "squared_relu": (0.0, 2e30)}  # fmt: skip
    compare.check(layer.derivative(ends), [limits.get(name, (0.0, 1.0))], oracle="by hand",
                  statement=f"gates.{name}_derivative", case="far", ulp=4)  # fmt: skip
    assert np.abs(layer.second_derivative(ends)).max() <= (2.0 if name == "squared_relu" else 1e-80)


def test_tail():
    """The quotient for (1 - Phi(t)) e^(t^2/2), without a rounding but that of the result."""
    above, below = (np.hstack([gates.TAIL[row + 2], gates.TAIL[row]]) for row in (0, 1))
    assert (gates.TAIL >= 0.0).all()
    with mp.workdps(50):
        points = [mpf(k) ** 2 / 1000 for k in range(198)]
        upper, lower = (
            [mp.polyval(list(map(mpf, of)), x) for x in points] for of in (above, below)
        )
        actual = np.array([float(a / b) for a, b in zip(upper, lower, strict=True)])
        exact = [mp.erfc(x / mp.sqrt(2)) * mp.exp(x * x / 2) / 2 for x in points]
    compare.check(actual, exact, statement="gates.gelu_forward", oracle="loops", case="quotient",
                  ulp=0.75, entrywise=True)  # fmt: skip


def test_gelu_of_both_tails():
    """Each entry by itself, where the size of t is small, where it is large, and where Phi is 0."""
    t = np.concatenate([np.linspace(-38.5, 9, 96), [-1e-300, -0.0, 0.0, 5e-324, -37.9, -39, 40]])
    with mp.workdps(400):
        value = [[gelu(mpf(x)) for x in t]]
    compare.check(gates.GELU.forward(t[None, :]), value, statement="gates.gelu_forward",
                  oracle="loops", case="both tails", ulp=8, entrywise=True)  # fmt: skip


@pytest.mark.parametrize(("name", "end"), [("gelu_tanh", 21.75), ("silu", 755.0)])
def test_left_tail(name, end):
    """The rounding of an exponent of 700 would show, and digits of a subnormal sigmoid."""
    layer, function = FUNCTIONS[name]
    t = np.array([[-21.126169740256888, *np.linspace(-end, -4.0, 96)]])
    for rule, actual, order in [
        ("forward", layer.forward(t), 0),
        ("derivative", layer.derivative(t), 1),
        ("derivative", layer.second_derivative(t), 2),
    ]:
        with mp.workdps(400):
            exact = [[mp.diff(function, mpf(x), order) for x in t[0]]]
        compare.check(actual, exact, statement=f"gates.{name}_{rule}", oracle="differences",
                      case="left tail", ulp=8, entrywise=True)  # fmt: skip


# which chains of the statement are slope and second derivative
SMOOTH = {"gelu": (0, 1), "gelu_tanh": (0, 2), "silu": (0, 1)}


@pytest.mark.parametrize("name", SMOOTH)
def test_derived(name):
    layer, points = FUNCTIONS[name][0], NEAR[None, :]
    statement, (first, bend) = f"gates.{name}_derivative", SMOOTH[name]
    for actual, chain in [(layer.derivative, first), (layer.second_derivative, bend)]:
        expected = [[derived.table(statement, {"t": x}, chain=chain) for x in NEAR]]
        compare.check(actual(points), expected, statement=statement, oracle="50 digits",
                      case=f"chain {chain}", ulp=4)  # fmt: skip
    delta = layer_loops.free_delta(name, points.shape)
    arrays = {"z": NEAR, "delta'": delta[0]}
    expected = [derived.table(f"gates.{name}_backward", arrays)]
    compare.check(layer.backward(points, delta), expected, statement=f"gates.{name}_backward",
                  oracle="50 digits", case="free delta", ulp=4)  # fmt: skip
    expected = [derived.table(f"gates.{name}_jacobian", arrays)]
    compare.check(layer.jacobian(points), expected, statement=f"gates.{name}_jacobian",
                  oracle="50 digits", case="free delta", ulp=4)  # fmt: skip


@pytest.mark.parametrize("name", ["leaky_relu", "elu", "softsign", "squared_relu"])
def test_derived_on_either_side(name):
    """Chains: slopes at r and at -r, then second derivatives at both."""
    layer, statement = FUNCTIONS[name][0], f"gates.{name}_derivative"
    size = np.abs(NEAR)
    for chain, actual in enumerate(
        [
            layer.derivative(size[None, :]),
            layer.derivative(-size[None, :]),
            layer.second_derivative(size[None, :]),
            layer.second_derivative(-size[None, :]),
        ]
    ):
        arrays = [{"r": x, "alpha": 0.125} for x in size]
        expected = [[derived.table(statement, given, chain=chain) for given in arrays]]
        compare.check(actual, expected, statement=statement, oracle="50 digits",
                      case=f"chain {chain}", ulp=8, entrywise=True)  # fmt: skip


def test_hard_tanh_on_its_pieces():
    """Chains: slopes at p, -p, 1 + r and -(1 + r), then second derivatives in the same order."""
    inside, outside = np.array([[0.125, 0.875]]), np.array([[1.25, 40.0]])
    points = [inside, -inside, outside, -outside]
    for number, derivative in enumerate((gates.HARD_TANH.derivative,
                                         gates.HARD_TANH.second_derivative)):  # fmt: skip
        for place, at in enumerate(points):
            said = derived.table("gates.hard_tanh_derivative", {}, chain=4 * number + place)
            compare.same(derivative(at), np.full(at.shape, float(said)))


def test_gelu_tanh_gate():
    """t (1 + tanh h) / 2 = t sigma(2 h): at -9 the left side, in float64, has no digit left."""
    for x in (-9.0, -0.5, 3.0):
        with mp.workdps(120):
            h = mp.sqrt(2 / mp.pi) * (mpf(x) + mpf(44715) / 1000000 * mpf(x) ** 3)
            said = derived.table("gates.gelu_tanh_gate", {"t": x, "h": h}, digits=60)
            compare.agree([said], [gelu_tanh(mpf(x))], digits=50)
        compare.check(gates.TANH_GELU.forward([[x]]), [[said]], statement="gates.gelu_tanh_gate",
                      oracle="50 digits", case=str(x), ulp=64)  # fmt: skip
    inner = np.sqrt(2 / np.pi) * (-9.0 + 0.044715 * -(9.0**3))
    assert 1.0 + np.tanh(inner) == 0.0
    assert gates.TANH_GELU.forward([[-9.0]])[0, 0] < 0.0


def test_leading_axes():
    """N x T x M, unit by unit."""
    z = NEAR.reshape(2, 3, 2)
    compare.same(gates.GELU.forward(z).ravel(), gates.GELU.forward(NEAR[None])[0])
    compare.same(gates.SILU.backward(z, 2.0 * z).ravel(),
                 gates.SILU.backward(NEAR[None], 2.0 * NEAR[None])[0])  # fmt: skip
    assert gates.SILU.jacobian(z).shape == (2, 3, 2, 2)


def test_at_the_kinks():
    """The slope from the left."""
    zero, ends = np.array([[0.0, -0.0]]), np.array([[-1.0, 1.0]])
    compare.same(gates.leaky_relu(0.25).derivative(zero), np.array([[0.25, 0.25]]))
    compare.same(gates.elu(0.25).derivative(zero), np.array([[0.25, 0.25]]))
    compare.same(gates.SQUARED_RELU.second_derivative(zero), np.array([[0.0, 0.0]]))
    compare.same(gates.HARD_TANH.derivative(ends), np.array([[0.0, 1.0]]))


def test_by_hand():
    """t = log 3: sigma = 3/4, so that silu is (3/4) log 3 and its slope 3/4 + (3/16) log 3."""
    z = [[np.log(3.0), 0.0]]
    for actual, expected in [
        (gates.SILU.forward(z), [0.75 * np.log(3.0), 0.0]),
        (gates.SILU.backward(z, [[16.0, 2.0]]), [12.0 + 3.0 * np.log(3.0), 1.0]),
        (gates.GELU.derivative([[0.0, 0.0]]), [0.5, 0.5]),
        (gates.TANH_GELU.derivative([[0.0, 0.0]]), [0.5, 0.5]),
    ]:
        compare.check(actual, [expected], statement="gates.silu_derivative", oracle="by hand",
                      case="log 3", ulp=2)  # fmt: skip


@each_layer
def test_contract(name):
    layer, z = FUNCTIONS[name][0], NEAR[:, None].copy()
    layer_loops.check_contract(layer, z, layer_loops.free_delta("contract", z.shape))
    assert layer.parameter_gradient(z, z) == {}


@pytest.mark.parametrize("make", [gates.leaky_relu, gates.elu])
@pytest.mark.parametrize("alpha", [0.0, -0.5, np.inf, [1.0]])
def test_bad_alpha(make, alpha):
    with pytest.raises(ValueError, match=r"^alpha: expected"):
        make(alpha)


@pytest.mark.parametrize(
    ("z", "delta", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0], "z: expected a matrix"),
        ([[np.nan, 1.0]], [[1.0, 1.0]], "z: expected"),
        ([[1.0, 2.0]], [[1.0]], "delta: expected the shape"),
    ],
)
def test_bad_input(z, delta, message):
    with pytest.raises(ValueError, match=message):
        gates.GELU.backward(z, delta)


def test_beyond_the_range():
    with pytest.raises(ValueError, match=r"^f\(z\) exceeds the range of float64"):
        gates.SQUARED_RELU.forward([[1e200]])
    with pytest.raises(ValueError, match=r"^delta f'\(z\) exceeds the range of float64"):
        gates.SQUARED_RELU.backward([[1e150]], [[1e200]])


@each_layer
def test_change_of_rule_2(name):
    """Along dz: J dz, and f'(z) times the change of delta + f''(z) dz delta."""
    (layer, function), z = FUNCTIONS[name], NEAR[None, :]
    dz, delta, change = (layer_loops.free_delta(f"{name} {k}", z.shape) for k in range(3))
    moved, back = layer.pullback_along(z, dz, {})

    def expected(dz, delta, change, z):
        f1, f2 = slope(function), second(function)
        first = [f1(t) * d for t, d in zip(z, dz, strict=True)]
        rows = zip(z, dz, delta, change, strict=True)
        return [first, [f1(t) * c + f2(t) * d * old for t, d, old, c in rows]]

    exact = loops.at(80, expected, dz[0], delta[0], change[0], NEAR)
    compare.check(np.vstack([moved, back(delta, change)[0]]), exact, oracle="differences",
                  statement=f"gates.{name}_backward", case="second order", ulp=8)  # fmt: skip


# What people get wrong, each a result that verification has to refuse.

h, h1 = lines.inner(t), lines.inner_slope(t)
gate = lines.tanh(h)
MISTAKES = {
    "the gate alone": ("gelu_derivative", 0, Φ(t)),
    "density for distribution": ("gelu_derivative", 0, φ(t) + t * φ(t)),
    "half of the second derivative": ("gelu_derivative", 1, (1 - t**2) * φ(t)),
    "sigmoid of 1.702 t": (
        "gelu_derivative",
        0,
        sigma(t * 851 / 500) + t * 851 / 500 * sigma(t * 851 / 500) * sigma(-(t * 851 / 500)),
    ),
    "no inner slope": ("gelu_tanh_derivative", 0, (1 + gate) / 2 + t / 2 * (1 - gate**2)),
    "no factor 3": (
        "gelu_tanh_derivative",
        0,
        (1 + gate) / 2 + t / 2 * (1 - gate**2) * root(2 / lines.pi()) * (1 + lines.cubic * t**2),
    ),
    "slope of the exact one": ("gelu_tanh_derivative", 0, Φ(t) + t * φ(t)),
    "the constant gate": ("silu_derivative", 0, sigma(t)),
    "no t": ("silu_derivative", 0, sigma(t) + sigma(t) * (1 - sigma(t))),
    "sign of the bend": (
        "silu_derivative",
        1,
        sigma(t) * (1 - sigma(t)) * (2 - t * (1 - 2 * sigma(t))),
    ),
    "summed deltas": ("silu_backward", 0, delta_out[o] * sigma(z[o])),
    "slope 1 on the left": ("leaky_relu_derivative", 1, 1),
    "no alpha": ("elu_derivative", 1, exp(-r)),
    "value for slope": ("elu_derivative", 1, lines.alpha * (exp(-r) - 1)),
    "not squared": ("softsign_derivative", 0, 1 / (1 + r)),
    "no 2": ("squared_relu_derivative", 0, r),
    "slope outside": ("hard_tanh_derivative", 2, 1),
    "second derivative of tanh": ("hard_tanh_derivative", 4, -2 * lines.inside),
    "second derivative outside": ("hard_tanh_derivative", 6, r),
    "a spike at the kink": ("hard_tanh_derivative", 7, -1),
    "sigmoid of h": ("gelu_tanh_gate", 0, t * sigma(lines.value)),
    "half the gate": ("gelu_tanh_gate", 0, t / 2 * sigma(2 * lines.value)),
    "tanh for the gate": ("gelu_tanh_gate", 0, t * lines.tanh(lines.value)),
    "both pieces": (
        "pieces_backward",
        0,
        delta_out[o] * (lines.any_phi.prime(z[o]) + lines.any_psi.prime(z[o])),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_refused(mistake):
    name, chain, wrong = MISTAKES[mistake]
    assert derived.rejected(f"gates.{name}", wrong, chain)
