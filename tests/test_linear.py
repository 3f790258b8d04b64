"""The linear layer against loops and differences at 50 digits, with a free delta."""

import compare
import derived
import layer_loops
import loops
import numpy as np
import pytest
from designs import eighths

from reference_impl.linear import Linear

SHAPES = [(1, 3, 2), (2, 3, 4), (5, 2, 3), (5, 4, 2), (3, 3, 3), (2, 2, 2)]  # N, n, K


def design(N, n, K, bias):
    rng = layer_loops.rng(f"linear {N} {n} {K}")
    W, b = eighths(rng, K, n), eighths(rng, K) if bias else None
    return eighths(rng, N, n), W, b


@pytest.mark.parametrize("bias", [False, True], ids=["no bias", "bias"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rules(shape, bias):
    z, W, b = design(*shape, bias)
    case = f"{shape} {'with' if bias else 'without'} bias"
    layer = Linear(W, b)
    # Sums of products of multiples of 1/8: exact.
    layer_loops.check_layer_rules(
        "linear.", layer, case, z, layer_loops.linear, layer_loops.linear_jacobian, (W, b), ulp=1
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_parameter_gradient(shape):
    z, W, b = design(*shape, True)
    delta = layer_loops.free_delta(str(shape), (len(z), len(W)))
    gradient = Linear(W, b).parameter_gradient(z, delta)
    assert list(gradient) == ["W", "b"]
    expected = {
        "W": (layer_loops.linear_weight_gradient, W, 2),
        "b": (layer_loops.linear_bias_gradient, b, 3),
    }
    for name, (loop, parameter, position) in expected.items():
        verify(gradient[name], loops.at(50, loop, z, delta, parameter), "loops", f"{name} {shape}")
        by_differences = loops.differences(
            50, layer_loops.weighted_by(layer_loops.linear), (z, delta, W, b), position
        )
        verify(gradient[name], by_differences, "differences", f"{name} {shape}")
    without = Linear(W).parameter_gradient(z, delta)
    assert list(without) == ["W"]
    compare.same(without["W"], gradient["W"])


def verify(actual, expected, oracle, case):
    compare.check(
        actual, expected, statement="linear.parameter_gradient", oracle=oracle, case=case, ulp=1
    )


@pytest.mark.parametrize("bias", [False, True], ids=["no bias", "bias"])
def test_second_order(bias):
    z, W, b = design(5, 2, 3, bias)
    parameters = {"W": W, "b": b} if bias else {"W": W}
    layer_loops.check_second_order("linear.parameter_gradient", Linear(W, b), f"bias {bias}", z,
                                   layer_loops.linear, parameters, ulp=1)  # fmt: skip


def test_full_mantissa():
    rng = np.random.default_rng(3)
    z, W, b, delta = (rng.normal(size=size) for size in [(5, 4), (3, 4), 3, (5, 3)])
    layer = Linear(W, b)
    layer_loops.check_layer_rules(
        "linear.",
        layer,
        "full mantissa",
        z,
        layer_loops.linear,
        layer_loops.linear_jacobian,
        (W, b),
        ulp=32,  # entry by entry: a sum that cancels counts its rounding many times
    )
    gradient = layer.parameter_gradient(z, delta)
    for name, loop in (
        ("W", layer_loops.linear_weight_gradient),
        ("b", layer_loops.linear_bias_gradient),
    ):
        compare.check(
            gradient[name],
            loops.at(50, loop, z, delta, W),
            statement="linear.parameter_gradient",
            oracle="loops",
            case=f"full mantissa {name}",
            ulp=8,
        )


def test_by_hand():
    """One data point z = (2, -1), W = ((1, 3), (0, -2), (5, 1)), b = (1, 1, 1)."""
    layer = Linear([[1, 3], [0, -2], [5, 1]], [1, 1, 1])
    compare.same(layer.forward([[2, -1]]), np.array([[0.0, 3.0, 10.0]]))
    compare.same(layer.backward([[2, -1]], [[1, -1, 2]]), np.array([[11.0, 7.0]]))
    gradient = layer.parameter_gradient([[2, -1]], [[1, -1, 2]])
    compare.same(gradient["W"], np.array([[2.0, -1.0], [-2.0, 1.0], [4.0, -2.0]]))
    compare.same(gradient["b"], np.array([1.0, -1.0, 2.0]))


def test_rule_3_sums_over_the_data_points():
    """Not the mean, not the first point: twice the data, twice the gradient."""
    z, W, b = design(2, 3, 4, True)
    delta = layer_loops.free_delta("sum", (2, 4))
    layer = Linear(W, b)
    once = layer.parameter_gradient(z, delta)
    twice = layer.parameter_gradient(np.vstack([z, z]), np.vstack([delta, delta]))
    alone = [layer.parameter_gradient(z[[i]], delta[[i]]) for i in range(2)]
    for name in once:
        compare.same(twice[name], 2.0 * once[name])
        compare.same(alone[0][name] + alone[1][name], once[name])


def test_contract():
    z, W, b = design(5, 2, 3, True)
    layer_loops.check_contract(Linear(W, b), z, layer_loops.free_delta("contract", (5, 3)))


def test_parameters_are_copied_and_read_only():
    z, W, b = design(5, 2, 3, True)
    layer = Linear(W, b)
    before = layer.forward(z)
    W[:], b[:] = 0.0, 0.0
    compare.same(layer.forward(z), before)
    for parameter in (layer.W, layer.b):
        with pytest.raises(ValueError, match="read-only"):
            parameter[0] = 1.0
    with pytest.raises(AttributeError):
        layer.W = W


@pytest.mark.parametrize(
    ("W", "b", "message"),
    [
        ([1.0, 2.0], None, "W: expected a matrix"),
        (np.zeros((0, 2)), None, "W: expected a matrix"),
        ([[1.0, np.nan]], None, "W: expected"),
        ([[1.0, 2.0]], [1.0, 2.0], r"b: expected shape \(1,\) for W of shape \(1, 2\)"),
        ([[1.0, 2.0]], [[1.0]], r"b: expected shape \(1,\)"),
        ([[1.0, 2.0]], [np.inf], "b: expected finite numbers"),
        ([[1.0], [2.0], [3.0]], [1.0], r"b: expected shape \(3,\) for W of shape \(3, 1\)"),
        ([[1.0], [2.0], [3.0]], 1.0, r"b: expected shape \(3,\) for W of shape \(3, 1\)"),
    ],
)
def test_bad_parameters(W, b, message):
    with pytest.raises(ValueError, match=message):
        Linear(W, b)


@pytest.mark.parametrize(
    ("z", "delta", "message"),
    [
        ([1.0, 2.0], [[1.0]], "z: expected a matrix"),
        ([[1.0, 2.0, 3.0]], [[1.0]], r"z: expected 2 columns for W of shape \(1, 2\)"),
        ([[1.0, np.inf]], [[1.0]], "z: expected finite"),
        ([[1.0, 2.0]], [1.0], r"delta: expected the shape of the layer's output, \(1, 1\)"),
        ([[1.0, 2.0]], [[1.0], [1.0]], "delta: expected the shape"),
        ([[1.0, 2.0]], [[np.nan]], "delta: expected"),
        ([[1e200, 1e200]], [[1e200]], "exceeds the range"),
    ],
)
def test_bad_input(z, delta, message):
    layer = Linear([[1e150, 2e150]])
    for rule in (layer.backward, layer.parameter_gradient):
        with pytest.raises(ValueError, match=message):
            rule(z, delta)


def test_complex_is_refused():
    with pytest.raises(TypeError, match="W: expected real numbers"):
        Linear([[1j, 2.0]])
    with pytest.raises(TypeError, match="z: expected real numbers"):
        Linear([[1.0]]).forward([[1j]])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_derived(shape):
    """Each rule against its derived statement; RULE 3 says one thing of W and another of b."""
    z, W, b = design(*shape, True)
    delta, layer = layer_loops.free_delta(str(shape), (len(z), len(W))), Linear(W, b)
    gradient, given = layer.parameter_gradient(z, delta), {"Z": z, "delta'": delta}
    jacobian = derived.table("linear.jacobian", {"W": W})
    for name, actual, expected in [
        ("forward", layer.forward(z), derived.table("linear.forward", {"Z": z, "W": W, "b": b})),
        ("jacobian", layer.jacobian(z), [jacobian] * len(z)),
        (
            "backward",
            layer.backward(z, delta),
            [derived.table("linear.backward", {"W": W, "delta'": row}) for row in delta],
        ),
        ("parameter_gradient", gradient["W"], derived.table("linear.parameter_gradient", given)),
        (
            "parameter_gradient",
            gradient["b"],
            derived.table("linear.parameter_gradient", {"delta'": delta}, chain=1),
        ),
    ]:
        compare.check(
            actual,
            expected,
            statement=f"linear.{name}",
            oracle="50 digits",
            case=str(shape),
            ulp=1,
        )
