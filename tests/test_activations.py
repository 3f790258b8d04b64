"""The activations against loops and differences at 50 digits, with a free delta."""

import compare
import derived
import layer_loops
import loops
import numpy as np
import pytest
from mpmath import mp, mpf

from reference_impl.activations import LogSigmoid, ReLU, Sigmoid, Softmax, Softplus, Tanh

ELEMENTWISE = {
    "sigmoid": (Sigmoid(), loops.sigmoid, layer_loops.sigmoid_derivative),
    "log_sigmoid": (LogSigmoid(), loops.log_sigmoid, layer_loops.log_sigmoid_derivative),
    "tanh": (Tanh(), mp.tanh, layer_loops.tanh_derivative),
    "relu": (ReLU(), layer_loops.relu, layer_loops.relu_derivative),
    "softplus": (Softplus(), loops.softplus, loops.sigmoid),
}
LAYERS = {
    name: (layer, layer_loops.elementwise(function), layer_loops.diagonal(derivative))
    for name, (layer, function, derivative) in ELEMENTWISE.items()
}
LAYERS["softmax"] = (Softmax(), layer_loops.softmax_layer, layer_loops.softmax_jacobian)
CASES = dict(layer_loops.inputs())
each_layer = pytest.mark.parametrize("name", LAYERS)


@each_layer
@pytest.mark.parametrize("case", CASES)
def test_rules(name, case):
    layer, forward, jacobian = LAYERS[name]
    # Each factor is within 4 ulp of a sigmoid or of a power of e^-|t|, a product adds both.
    layer_loops.check_layer_rules(
        f"activations.{name}_", layer, case, CASES[case], forward, jacobian, ulp=12
    )


# f'' by f and f'
SECOND = {
    "sigmoid": lambda f, df: df * (1 - 2 * f),
    "log_sigmoid": lambda f, df: -df * (1 - df),
    "tanh": lambda f, df: -2 * f * df,
    "relu": lambda f, df: mpf(0),
    "softplus": lambda f, df: df * (1 - df),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_derivatives_over_the_whole_range(name):
    layer, function, derivative = ELEMENTWISE[name]
    edges = [1e-300, -1e-300, 5e-324, 354.9, -372.5, 708.5, -745.1, 800.0, -800.0]
    t = np.concatenate([np.linspace(-745.5, 745.5, 60), edges])

    def second(entry):
        return SECOND[name](function(entry), derivative(entry))

    for actual, exact in [(layer.derivative, derivative), (layer.second_derivative, second)]:
        compare.check(
            actual(t[None, :]),
            [loops.at(750, lambda t, exact=exact: [exact(entry) for entry in t], t)],
            statement=f"activations.{name}_derivative",
            oracle="loops",
            case=f"|t| up to 800, {actual.__name__}",
            ulp=12,
            entrywise=True,
        )


@each_layer
def test_second_order(name):
    layer, forward, _ = LAYERS[name]
    statement = "softmax" if name == "softmax" else "any_function"
    layer_loops.check_second_order(f"activations.{statement}_second_order", layer, name,
                                   CASES["2x3"], forward, ulp=32)  # fmt: skip


def test_no_overflow():
    """Warnings are errors in these tests."""
    z = np.array([[1e308, -1e308, 1e4, -1e4]])
    for layer, _, _ in ELEMENTWISE.values():
        layer.forward(z), layer.backward(z, z), layer.jacobian(z)


def test_relu_at_its_kink():
    """The derivative from the left, 0, for 0.0 and for -0.0."""
    z = np.array([[0.0, -0.0, 5e-324, -5e-324]])
    compare.same(ReLU().backward(z, np.full((1, 4), 1 / 3)), np.array([[0.0, 0.0, 1 / 3, 0.0]]))
    compare.same(ReLU().jacobian(z)[0].diagonal(), np.array([0.0, 0.0, 1.0, 0.0]))


BY_HAND = {  # at z = (0, log 3), with delta = (2, 2)
    "sigmoid": ([0.5, 0.75], [0.5, 0.375]),
    "softplus": ([np.log(2), np.log(4)], [1.0, 1.5]),
    "log_sigmoid": ([-np.log(2), np.log(0.75)], [1.0, 0.5]),
    "tanh": ([0.0, 0.8], [2.0, 0.72]),
    "relu": ([0.0, np.log(3)], [0.0, 2.0]),
    "softmax": ([0.25, 0.75], [0.0, 0.0]),
}


@each_layer
def test_by_hand(name):
    layer, z = LAYERS[name][0], [[0.0, np.log(3)]]
    results = {"forward": layer.forward(z), "backward": layer.backward(z, [[2.0, 2.0]])}
    for (rule, actual), expected in zip(results.items(), BY_HAND[name], strict=True):
        compare.check(
            actual,
            [expected],
            statement=f"activations.{name}_{rule}",
            oracle="by hand",
            case="z = (0, log 3)",
            ulp=8,
        )


@each_layer
def test_contract(name):
    layer = LAYERS[name][0]
    z = CASES["5x4"].copy()
    layer_loops.check_contract(layer, z, layer_loops.free_delta("contract", z.shape))
    assert layer.parameter_gradient(z, z) == {}


@each_layer
@pytest.mark.parametrize(
    ("z", "delta", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0], "z: expected a matrix"),
        (np.zeros((2, 0)), np.zeros((2, 0)), "z: expected a matrix"),
        ([[np.nan, 1.0]], [[1.0, 1.0]], "z: expected"),
        ([[1.0, 2.0]], [1.0, 1.0], "delta: expected the shape"),
        ([[1.0, 2.0]], [[1.0, np.inf]], "delta: expected finite"),
    ],
)
def test_bad_input(name, z, delta, message):
    with pytest.raises(ValueError, match=message):
        LAYERS[name][0].backward(z, delta)


@each_layer
def test_single_precision_becomes_double(name):
    layer = LAYERS[name][0]
    z = CASES["5x4"].astype(np.float32)
    delta = layer_loops.free_delta("float32", z.shape).astype(np.float32)
    compare.same(layer.forward(z), layer.forward(z.astype(np.float64)))
    compare.same(layer.backward(z, delta), layer.backward(z.astype(np.float64), delta))


@each_layer
@pytest.mark.parametrize("case", CASES)
def test_derived(name, case):
    """Each rule of each data point against its derived statement."""
    layer, z, digits = LAYERS[name][0], CASES[case], layer_loops.enough_digits(CASES[case])
    delta = layer_loops.free_delta(case, z.shape)
    for rule, actual in [
        ("forward", layer.forward(z)),
        ("jacobian", layer.jacobian(z)),
        ("backward", layer.backward(z, delta)),
    ]:
        statement = f"activations.{name}_{rule}"
        compare.check(
            actual,
            [derived_row(statement, *row, digits) for row in zip(z, delta, strict=True)],
            statement=statement,
            oracle="50 digits",
            case=case,
            ulp=12,
        )


def derived_row(statement, z, delta, digits):
    if statement == "activations.relu_forward":  # said of one number
        return [derived.table(statement, {"t": t}) for t in z]
    arrays = {"z": z, "m": z > 0, "delta'": delta}
    return derived.table(statement, arrays, digits=digits)
