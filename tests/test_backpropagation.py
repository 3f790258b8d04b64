"""Backpropagation against loops and differences of the composed function, at 50 digits."""

from dataclasses import dataclass, field
from itertools import accumulate

import compare
import derived
import designs
import layer_loops
import loops
import numpy as np
import pytest
from designs import eighths
from mpmath import mp, mpf

from derivations.proof.digits import any_function
from reference_impl import arguments, softmax
from reference_impl.activations import LogSigmoid, ReLU, Sigmoid, Softmax, Softplus, Tanh
from reference_impl.backpropagation import (
    Chain,
    Sum,
    backpropagate,
    hessian_vector_product,
    of_position,
)
from reference_impl.composition import Concatenation
from reference_impl.linear import Linear
from reference_impl.log_softmax import LogSoftmax
from reference_impl.maps import LowRank
from reference_impl.nll import NLL, SoftNLL
from reference_impl.normalisation import BatchNorm

STACK = [design for design in designs.SOFTMAX if design.s is None]


def verify(name, oracle, case, actual, expected, ulp=16):
    compare.check(
        actual,
        expected,
        statement=f"backpropagation.{name}",
        oracle=oracle,
        case=str(case),
        ulp=ulp,
    )


# --------------------------------------- the stack: linear, log-softmax, NLL


@pytest.mark.parametrize("design", STACK, ids=str)
def test_layer_stack(design):
    """Cost, every delta and dC/dW of the softmax regression."""
    W, X, Y = design.W, design.X, design.Y
    found = backpropagate([Linear(W), LogSoftmax(), NLL(design.y)], X)

    cost = loops.at(design.digits, loops.softmax_nll, W, X, Y)
    verify("layer_stack", "loops", design, found.cost, cost)
    gradient = loops.at(design.digits, loops.softmax_nll_gradient, W, X, Y)
    verify("deltas", "loops", design, found.gradients[0]["W"], gradient)
    by_differences = loops.differences(design.digits, loops.softmax_nll, (W, X, Y), 0)
    verify("deltas", "differences", design, found.gradients[0]["W"], by_differences)
    by_differences = loops.differences(design.digits, loops.softmax_nll, (W, X, Y), 1)
    verify("rule_backward", "differences", design, found.deltas[0], by_differences)

    residual = loops.at(design.digits, probabilities_minus, W, X, Y)
    verify("deltas", "loops", f"{design}, delta2", found.deltas[1], residual)
    compare.same(found.deltas[2] + 0.0, -Y + 0.0)
    compare.same(found.deltas[3], np.array(1.0))
    compare.same(found.values[0], np.asarray(X, dtype=np.float64))
    compare.same(np.asarray(found.values[3]), np.asarray(found.cost))
    assert found.gradients[1:] == ({}, {})
    assert [np.shape(z) for z in found.values] == [np.shape(d) for d in found.deltas]


def probabilities_minus(W, X, Y):
    p = [loops.probabilities(W, x) for x in X]
    return [[p[i][a] - Y[i][a] for a in range(len(W))] for i in range(len(X))]


@pytest.mark.parametrize("design", STACK, ids=str)
def test_equals_softmax_regression(design):
    """The same numbers as the gradient that was derived directly."""
    found = backpropagate([Linear(design.W), LogSoftmax(), NLL(design.y)], design.X)
    arguments = design.W, design.X, design.y
    nll, gradient = softmax.nll(*arguments), softmax.nll_gradient(*arguments)
    verify("equals_direct", "softmax", design, found.cost, float(nll))
    verify("equals_direct", "softmax", design, found.gradients[0]["W"], gradient.tolist())


# ------------------------------------------------------------ a hidden layer

PHI = {
    "sigmoid": (Sigmoid(), loops.sigmoid),
    "log_sigmoid": (LogSigmoid(), loops.log_sigmoid),
    "tanh": (Tanh(), mp.tanh),
    "relu": (ReLU(), layer_loops.relu),
    "softplus": (Softplus(), loops.softplus),
}


@pytest.mark.parametrize("sizes", [(1, 2, 3, 4), (5, 4, 2, 3), (3, 3, 3, 3)], ids=str)
@pytest.mark.parametrize("phi", PHI)
def test_hidden_layer(phi, sizes):
    """All values, deltas and gradients, with labels that are neither one-hot nor normalised."""
    N, n, M, K = sizes
    layer, function = PHI[phi]
    rng = layer_loops.rng(f"hidden {phi} {sizes}")
    x, W1, b1 = eighths(rng, N, n), eighths(rng, M, n, largest=1), eighths(rng, M)
    W2, b2, Y = eighths(rng, K, M, largest=1), eighths(rng, K), eighths(rng, N, K)

    def values(z, W1, b1, W2, b2, first=0):
        """z and what the layers from the first make of it."""
        rules = [
            lambda z: layer_loops.linear(z, W1, b1),
            layer_loops.elementwise(function),
            lambda z: layer_loops.linear(z, W2, b2),
            layer_loops.log_softmax_layer,
            lambda z: layer_loops.nll(z, Y),
        ]
        return list(accumulate(rules[first:], lambda z, rule: rule(z), initial=z))

    found = backpropagate([Linear(W1, b1), layer, Linear(W2, b2), LogSoftmax(), SoftNLL(Y)], x)
    theta = W1, b1, W2, b2
    Y = loops.exact(Y)
    exact = loops.at(50, values, x, *theta)
    compare.same(np.asarray(found.cost), found.values[5])
    compare.same(found.deltas[5], np.array(1.0))
    # Sums of products that may cancel: errors count in ulp of the largest entry.
    for position, expected in enumerate(exact):
        actual, case = found.values[position], f"{phi} {sizes}, value {position}"
        verify("hidden_layer", "loops", case, actual, expected, 64)
    computed = [(first, 0, found.deltas[first]) for first in range(5)]
    gradients = (found.gradients[layer][name] for layer in (0, 2) for name in "Wb")
    computed += [(0, position, gradient) for position, gradient in enumerate(gradients, 1)]
    for first, position, actual in computed:
        expected = loops.differences(
            50, lambda *given, first=first: values(*given, first=first)[-1],
            (exact[first], *theta), position)  # fmt: skip
        case = f"{phi} {sizes}, from {first} by {position}"
        verify("hidden_layer", "differences", case, actual, expected, 64)


# --------------------------------------------------------- chains and sums


def layers(width=3):
    rng = layer_loops.rng(f"layers {width}")
    return [
        Linear(eighths(rng, width, width, largest=1), eighths(rng, width)),
        Tanh(),
        Linear(eighths(rng, width + 1, width, largest=1)),
        Softmax(),
        LogSigmoid(),
    ]


def test_a_chain_is_a_layer():
    """RULES 1 to 3 and the Jacobian of the whole, from the layers one by one."""
    parts, rng = layers(), layer_loops.rng("chain")
    chain, z = Chain(parts), eighths(rng, 5, 3)
    delta = eighths(rng, 5, 4)
    values = [z]
    for part in parts:
        values.append(part.forward(values[-1]))
    deltas = [delta]
    for part, value in zip(reversed(parts), reversed(values[:-1]), strict=True):
        deltas.insert(0, part.backward(value, deltas[0]))
    compare.same(chain.forward(z), values[-1])
    compare.same(chain.backward(z, delta), deltas[0])
    gradient = chain.parameter_gradient(z, delta)
    assert list(gradient) == ["0.W", "0.b", "2.W"]
    for name, position in (("0.W", 0), ("0.b", 0), ("2.W", 2)):
        expected = parts[position].parameter_gradient(values[position], deltas[position + 1])
        compare.same(gradient[name], expected[name[2:]])
    pulled = np.einsum("iu,iuv->iv", delta, chain.jacobian(z))
    verify("composition_is_a_layer", "identity", "J^T delta", pulled, deltas[0].tolist(), 64)


def test_nested_chains_are_flat():
    parts = layers()
    nested = Chain([Chain([parts[0], Chain([parts[1]])]), Chain([Chain(parts[2:4]), parts[4]])])
    assert nested.layers == Chain(parts).layers
    assert Chain([Chain([]), Chain([Chain([])])]).layers == ()


def test_rule_3_is_not_computed_to_be_thrown_away():
    counted = Counted()
    Chain([counted, Tanh(), Sum([counted, Chain([counted])])]).backward([[1.0, 2.0]], [[1.0, 1.0]])
    assert counted.calls.count("forward") == counted.calls.count("backward") == 3
    assert "gradient" not in counted.calls


def test_arguments_are_checked_once(monkeypatch):
    """At the door: not between the layers of a chain, and not again for each rule."""
    checked = []
    finite = arguments.finite
    monkeypatch.setattr(arguments, "finite", lambda *given: checked.append(given) or finite(*given))
    chain = Chain([layers()[0], Tanh(), layers()[2]])
    checked.clear()
    chain.backward(np.ones((2, 3)), np.ones((2, 4)))
    assert [name for name, _ in checked] == ["z", "delta"]


@dataclass
class Counted:
    """The identity, counting its calls."""

    calls: list[str] = field(default_factory=list)

    def forward(self, z):
        self.calls.append("forward")
        return z

    def backward(self, z, delta):
        self.calls.append("backward")
        return delta

    def parameter_gradient(self, z, delta):
        self.calls.append("gradient")
        return {}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda layer: Chain([layer]),
        lambda layer: Sum([layer]),
        lambda layer: Chain([Tanh(), Sum([Chain([]), Chain([layer, Tanh()])])]),
    ],
    ids=["chain", "sum", "skip connection"],
)
@pytest.mark.parametrize("depth", [1, 2, 7])
def test_nothing_is_computed_twice(wrap, depth):
    """However deeply chains and sums nest: one forward, one backward, one gradient."""
    innermost = Counted()
    layer = innermost
    for _ in range(depth):
        layer = wrap(layer)
    backpropagate([layer, LogSoftmax(), NLL([0, 1])], [[1.0, 2.0], [3.0, -1.0]])
    assert innermost.calls == ["forward", "backward", "gradient"]


def test_the_empty_chain_is_the_identity():
    z, delta = eighths(layer_loops.rng("z"), 2, 3), eighths(layer_loops.rng("delta"), 2, 3)
    identity = Chain([])
    compare.same(identity.forward(z), z)
    compare.same(identity.backward(z, delta), delta)
    compare.same(identity.jacobian(z), np.tile(np.eye(3), (2, 1, 1)))
    assert identity.parameter_gradient(z, delta) == {}


def test_no_jacobian_where_rows_meet():
    """RULE 2 of a unit delta in every row would be a sum over rows."""
    z, norm = eighths(layer_loops.rng("rows meet"), 5, 3), BatchNorm(np.ones(3), np.zeros(3))
    for layer in (Chain([Tanh(), norm]), Sum([Chain([]), Chain([norm])])):
        with pytest.raises(TypeError, match=r"^jacobian: expected layers that map row by row"):
            layer.jacobian(z)


def test_fan_out():
    """z + V tanh(W z + b) + U z: the deltas of all uses add; by differences and by the layers."""
    rng = layer_loops.rng("fan out")
    z, W, delta = eighths(rng, 5, 3), eighths(rng, 2, 3, largest=1), eighths(rng, 5, 3)
    b, V, U = eighths(rng, 2), eighths(rng, 3, 2, largest=1), eighths(rng, 3, 3, largest=1)
    branch, straight = Chain([Linear(W, b), Tanh(), Linear(V)]), Linear(U)
    layer = Sum([Chain([]), branch, straight])

    def skip(z, W, b, V, U):
        hidden = layer_loops.elementwise(mp.tanh)(layer_loops.linear(z, W, b))
        parts = z, layer_loops.linear(hidden, V), layer_loops.linear(z, U)
        return [list(map(sum, zip(*rows, strict=True))) for rows in zip(*parts, strict=True)]

    given = {"1.0.W": W, "1.0.b": b, "1.2.W": V, "2.W": U}
    expected = loops.at(50, skip, z, *given.values())
    verify("fan_out", "loops", "forward", layer.forward(z), expected)
    weighted, gradients = layer_loops.weighted_by(skip), layer.parameter_gradient(z, delta)
    computed = layer.backward(z, delta), *(gradients[name] for name in given)
    for position, actual in zip((0, 2, 3, 4, 5), computed, strict=True):
        expected = loops.differences(50, weighted, (z, delta, *given.values()), position)
        verify("fan_out", "differences", f"skip {position}", actual, expected)
    layer_loops.check_second_order("backpropagation.hvp_forward_over_reverse", layer, "fan out",
                                   z, skip, given, ulp=16)  # fmt: skip
    parts = branch.backward(z, delta), straight.backward(z, delta)
    compare.same(layer.backward(z, delta), delta + parts[0] + parts[1])
    compare.same(layer.jacobian(z), np.eye(3) + branch.jacobian(z) + straight.jacobian(z))


def test_a_value_used_twice():
    """f + f = 2 f: twice the delta."""
    z = eighths(layer_loops.rng("twice"), 2, 3)
    compare.same(Sum([Tanh(), Tanh()]).backward(z, z), 2.0 * Tanh().backward(z, z))


@pytest.mark.parametrize(
    "layer",
    [Chain(layers()), Sum([Chain(layers(3)), Linear(np.ones((4, 3)))])],
    ids=["chain", "sum"],
)
def test_contract(layer):
    rng = layer_loops.rng("contract")
    layer_loops.check_contract(layer, eighths(rng, 5, 3), eighths(rng, 5, 4))


# ------------------------------------------------- Hessian-vector product


@pytest.mark.parametrize("design", STACK, ids=str)
def test_hvp_of_the_stack(design):
    W, X, Y, V = design.W, design.X, design.Y, design.V
    stack = [Linear(W), LogSoftmax(), NLL(design.y)]
    actual = hessian_vector_product(stack, X, [{"W": V}, {}, {}])[0]["W"]
    expected = loops.at(design.digits, loops.softmax_nll_hvp, W, X, Y, V)
    verify("hvp_forward_over_reverse", "loops", design, actual, expected, 64)


SMOOTH = {**PHI, "softmax": (Softmax(), None)}


@pytest.mark.parametrize("phi", SMOOTH)
def test_hvp_with_a_hidden_layer(phi):
    """H v is the derivative of the gradient along v: by loops that differentiate twice."""
    N, n, M, K = 2, 2, 3, 2
    layer, function = SMOOTH[phi]
    rng = layer_loops.rng(f"hvp {phi}")
    x, W1, b1 = eighths(rng, N, n), eighths(rng, M, n, largest=1), eighths(rng, M)
    W2, b2, Y = eighths(rng, K, M, largest=1), eighths(rng, K), eighths(rng, N, K)
    V1, c1, V2, c2 = eighths(rng, M, n), eighths(rng, M), eighths(rng, K, M), eighths(rng, K)
    activate = layer_loops.elementwise(function) if function else layer_loops.softmax_layer

    def cost(t, W1, b1, W2, b2):
        W1, b1, W2, b2 = (moved(t, *part) for part in ((W1, V1), (b1, c1), (W2, V2), (b2, c2)))
        z = activate(layer_loops.linear(loops.exact(x), W1, b1))
        log_p = layer_loops.log_softmax_layer(layer_loops.linear(z, W2, b2))
        return layer_loops.nll(log_p, loops.exact(Y))

    def slope(W1, b1, W2, b2):
        return loops.differences(60, lambda t: cost(t, W1, b1, W2, b2), (0,), 0)

    stack = [Linear(W1, b1), layer, Linear(W2, b2), LogSoftmax(), SoftNLL(Y)]
    direction = [{"W": V1, "b": c1}, {}, {"W": V2, "b": c2}, {}, {}]
    found = hessian_vector_product(stack, x, direction)
    computed = found[0]["W"], found[0]["b"], found[2]["W"], found[2]["b"]
    for position, actual in enumerate(computed):
        expected = loops.differences(50, slope, (W1, b1, W2, b2), position)
        case = f"{phi}, {position}"
        verify("hvp_forward_over_reverse", "differences", case, actual, expected, 64)


def moved(t, theta, by):
    """theta + t by, for nested lists."""
    if isinstance(theta, list):
        return [moved(t, *pair) for pair in zip(theta, loops.exact(by), strict=True)]
    return theta + t * by


def test_hvp_is_symmetric():
    """<u, H v> = <v, H u> with a hidden layer."""
    rng = layer_loops.rng("symmetric")
    stack = [*layers()[:3], LogSoftmax(), NLL([0, 3, 1, 1, 0])]
    x = eighths(rng, 5, 3)
    gradients = backpropagate(stack, x).gradients
    u, v = (
        [{name: eighths(rng, *theta.shape) for name, theta in g.items()} for g in gradients]
        for _ in range(2)
    )

    def inner(a, b):
        return sum((a[l][name] * b[l][name]).sum() for l in range(5) for name in a[l])

    one = inner(u, hessian_vector_product(stack, x, v))
    two = inner(v, hessian_vector_product(stack, x, u))
    verify("hvp_forward_over_reverse", "identity", "symmetric", one, float(two), 64)


class Squares:
    """A layer of a reader's, theta_u z_u^2, which says its second order itself."""

    def __init__(self, theta):
        self.theta = theta

    def forward(self, z):
        return self.theta * z**2

    def backward(self, z, delta):
        return 2 * self.theta * z * delta

    def parameter_gradient(self, z, delta):
        return {"theta": (z**2 * delta).sum(axis=0)}

    def pullback_along(self, z, dz, dtheta):
        d = dtheta["theta"]

        def back(delta, change):
            moved = 2 * (d * z * delta + self.theta * (dz * delta + z * change))
            return moved, {"theta": (2 * z * dz * delta + z**2 * change).sum(axis=0)}

        return d * z**2 + 2 * self.theta * z * dz, back


def test_hvp_of_a_skip_connection_and_a_readers_layer():
    """W + theta z^2 + a chain in a sum in a chain: by loops that differentiate twice."""
    N, n, K = 2, 2, 3
    rng = layer_loops.rng("hvp of any layer")
    x, theta, W, Y = eighths(rng, N, n), eighths(rng, n), eighths(rng, K, n), eighths(rng, N, K)
    v, V = eighths(rng, n), eighths(rng, K, n)

    def cost(t, theta, W):
        theta, W = moved(t, theta, v), moved(t, W, V)
        rows = loops.exact(x)
        z = [[r[u] + mp.tanh(theta[u] * r[u] ** 2) for u in range(n)] for r in rows]
        return layer_loops.nll(
            layer_loops.log_softmax_layer(layer_loops.linear(z, W)), loops.exact(Y)
        )

    def slope(theta, W):
        return loops.differences(60, lambda t: cost(t, theta, W), (0,), 0)

    skip = Sum([Chain([]), Chain([Squares(theta), Tanh()])])
    stack = [skip, Linear(W), LogSoftmax(), SoftNLL(Y)]
    found = hessian_vector_product(stack, x, [{"1.0.theta": v}, {"W": V}, {}, {}])
    for position, actual in enumerate((found[0]["1.0.theta"], found[1]["W"])):
        expected = loops.differences(50, slope, (theta, W), position)
        verify("hvp_forward_over_reverse", "differences", f"skip, {position}", actual, expected, 64)


def test_leading_axes():
    """N x T x n is N T rows through a stack: cost, deltas, gradients, products with the Hessian."""
    rng = layer_loops.rng("leading axes")
    x, weights = eighths(rng, 2, 3, 4), (eighths(rng, 5, 4), eighths(rng, 3, 5))
    stack = [Linear(weights[0]), Softmax(), Linear(weights[1]), LogSoftmax(),
             NLL([0, 2, 1, 1, 0, 2])]  # fmt: skip
    found, flat = backpropagate(stack, x), backpropagate(stack, x.reshape(6, 4))
    assert found.cost == flat.cost
    for one, other in zip(found.deltas[:-1], flat.deltas[:-1], strict=True):
        assert one.shape[:2] == (2, 3)
        compare.same(one.reshape(other.shape), other)
    direction = [{k: eighths(rng, *v.shape) for k, v in part.items()} for part in flat.gradients]
    products = (hessian_vector_product(stack, given, direction) for given in (x, x.reshape(6, 4)))
    for pair in (zip(found.gradients, flat.gradients, strict=True), zip(*products, strict=True)):
        for one, other in pair:
            for name in one:
                compare.same(one[name], other[name])
    for layer, z in ((0, x), (2, Softmax().forward(x @ weights[0].T))):
        expected = np.einsum("abi,abj->ij", found.deltas[layer + 1], z)
        compare.check(found.gradients[layer]["W"], expected.tolist(), ulp=16, case="leading axes",
                      statement="linear.parameter_gradient", oracle="identity")  # fmt: skip
    with pytest.raises(ValueError, match="z: expected one row for each of the 6 labels"):
        backpropagate(stack, x[:1])


def test_names_begin_with_a_position():
    named = {"2.W": np.array([2.0, -3.0]), "0.1.b": 5.0, "2.b": np.array([7.0])}
    first, second, third = of_position(named, 3)
    assert (first, second, sorted(third)) == ({"1.b": 5.0}, {}, ["W", "b"])
    assert (third["W"].tolist(), third["b"].tolist()) == ([2.0, -3.0], [7.0])


def test_hvp_bad_input():
    stack, x = [Linear(np.ones((2, 2))), LogSoftmax(), NLL([0])], [[1.0, 2.0]]
    for direction in ([{"W": np.ones((2, 2))}], [{}, {}, {}], [{"V": np.ones((2, 2))}, {}, {}]):
        with pytest.raises(ValueError, match="direction: expected the parameters"):
            hessian_vector_product(stack, x, direction)
    with pytest.raises(ValueError, match="direction of W: expected the shape of the parameter"):
        hessian_vector_product(stack, x, [{"W": np.ones((2, 1))}, {}, {}])
    with pytest.raises(TypeError, match=r"second order of AnyFunction is not known: .*no method"):
        hessian_vector_product([AnyFunction(), NLL([0])], x, [{}, {}])


# ------------------------------------------------------------- backpropagate


def test_by_hand():
    """x = (1, 2), W = 0, two classes, label 0: C = log 2, dC/dW = ((-1/2, -1), (1/2, 1))."""
    found = backpropagate([Linear(np.zeros((2, 2))), LogSoftmax(), NLL([0])], [[1.0, 2.0]])
    verify("deltas", "by hand", "W = 0", found.cost, mp.log(2), 1)
    compare.same(found.gradients[0]["W"], np.array([[-0.5, -1.0], [0.5, 1.0]]))
    compare.same(found.deltas[1], np.array([[-0.5, 0.5]]))
    assert not found.deltas[0].any()


def test_the_sum_over_data_points():
    rng = layer_loops.rng("additive")
    parts, x, y = layers()[:3], eighths(rng, 5, 3), np.array([0, 3, 1, 1, 0])
    stack = [*parts, LogSoftmax()]

    def gradient(rows):
        return backpropagate([*stack, NLL(y[rows])], x[rows]).gradients[0]["W"]

    together = sum(gradient([i]) for i in range(5))
    verify("rule_parameters", "identity", "one by one", gradient(list(range(5))), together.tolist())


def test_chain_or_layers():
    parts = [*layers()[:3], LogSoftmax(), NLL([0, 1])]
    x = eighths(layer_loops.rng("either"), 2, 3)
    one, two = (
        backpropagate(parts, x),
        backpropagate(Chain([Chain(parts[:2]), Chain(parts[2:])]), x),
    )
    assert len(one.values) == len(two.values) == len(two.deltas) == 6
    assert len(one.gradients) == len(two.gradients) == 5
    compare.same(one.cost, two.cost)
    for first, second in zip(one.deltas, two.deltas, strict=True):
        compare.same(first, second)


def test_arguments_are_neither_kept_nor_changed():
    parts = [*layers()[:3], LogSoftmax(), NLL([0, 1])]
    x = eighths(layer_loops.rng("kept"), 2, 3)
    before = x.copy()
    found = backpropagate(parts, x)
    compare.same(x, before)
    x[:] = 0.0
    compare.same(found.values[0], before)


@pytest.mark.parametrize(
    ("parts", "x", "message"),
    [
        ([Tanh()], [[1.0]], "layers: expected a cost layer at the end"),
        ([], [[1.0]], "layers: expected a cost layer at the end"),
        ([Linear([[1.0, 2.0]]), NLL([0])], [[1.0]], "z: expected 2 columns"),
        ([NLL([0])], [1.0], "x: expected a matrix"),
        ([NLL([0])], [[np.nan]], "x: expected"),
        (
            [Sum([Tanh(), Linear([[1.0, 2.0]])]), NLL([0])],
            [[1.0, 2.0]],
            "outputs of the same shape",
        ),
    ],
)
def test_bad_input(parts, x, message):
    with pytest.raises(ValueError, match=message):
        backpropagate(parts, x)


def test_the_callers_list_is_not_kept():
    for make in (Chain, Sum):
        parts = [Tanh()]
        layer = make(parts)
        parts.append(Tanh())
        compare.same(layer.forward([[0.5, 1.0]]), Tanh().forward([[0.5, 1.0]]))


@pytest.mark.parametrize("make", [Chain, Sum, Concatenation, lambda f: backpropagate(f, [[1.0]])])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["x"], "^layers: expected objects with forward, backward .*, given str$"),
        ([Tanh(), Tanh], "^layers: expected objects with forward, backward .*, given type$"),
        ([Tanh(), None], "^layers: expected objects with forward, backward .*, given NoneType$"),
        (Linear([[1.0]]), "^layers: expected layers in a list, given Linear$"),
    ],
)
def test_what_is_no_layer(make, wrong, message):
    with pytest.raises(TypeError, match=message):
        make(wrong)


class AsItIs:
    """A layer of a reader that hands on what it is given."""

    def forward(self, z):
        return z

    def backward(self, z, delta):
        return delta

    def parameter_gradient(self, z, delta):
        return {}


@pytest.mark.parametrize("make", [Chain, Sum, Concatenation])
def test_a_result_is_not_the_callers_array(make):
    layer, z, delta = make([AsItIs()]), np.ones((2, 3)), np.full((2, 3), 2.0)
    forward, backward = layer.forward(z), layer.backward(z, delta)
    assert not np.shares_memory(forward, z) and not np.shares_memory(backward, delta)
    compare.same(forward, z)
    compare.same(backward, delta)


def test_a_sum_beyond_float64():
    twice, big = Sum([Chain([]), Chain([])]), [[1e308]]
    for call in (lambda: twice.forward(big), lambda: twice.backward([[1.0]], big)):
        with pytest.raises(ValueError, match=r"^the sum of the layers exceeds the range"):
            call()


def test_a_product_beyond_float64():
    low_rank = LowRank([[0.0], [0.0]], [[0.0]], [[0.0], [0.0]])
    v = {"W": [[1.0], [0.0]], "A": [[0.0]], "B": [[0.0], [0.0]]}
    with pytest.raises(ValueError, match=r"^H v exceeds the range of float64"):
        hessian_vector_product([low_rank, LogSoftmax(), NLL([0])], [[1e160]], [v, {}, {}])


def test_a_sum_needs_a_layer():
    with pytest.raises(ValueError, match="at least one layer"):
        Sum([])


# ---------------------------------------------------- the derived statements


@pytest.mark.parametrize("design", STACK, ids=str)
def test_stack_derived(design):
    """The cost, the deltas, the gradients and a product with the Hessian."""
    given = {"W": design.W, "X": design.X, "Y": design.Y, "V": design.V}
    stack = [Linear(design.W), LogSoftmax(), NLL(design.y)]
    found = backpropagate(stack, design.X)
    product = hessian_vector_product(stack, design.X, [{"W": design.V}, {}, {}])[0]["W"]
    at_logits = {"z2": found.values[1], "Y": design.Y}
    for name, chain, arrays, actual, ulp in [
        ("layer_stack", 0, given, found.cost, 16),
        ("deltas", 2, at_logits, found.deltas[1], 16),
        ("deltas", 3, given, found.gradients[0]["W"], 16),
        ("equals_direct", 0, given, found.gradients[0]["W"], 16),
        ("equals_direct", 1, given, found.deltas[0], 16),
        ("hvp_forward_over_reverse", 0, given, product, 64),
    ]:
        statement = f"backpropagation.{name}"
        expected = derived.table(statement, arrays, digits=design.digits, chain=chain)
        verify(name, "50 digits", f"{design}, {chain}", actual, expected, ulp)


@np.vectorize
def stand_in(order, t):
    """The function that stands for any in the derived statements, differentiated so often."""
    return float(any_function("phi 0", order, mpf(t)))


class AnyFunction:
    """A layer of that function."""

    def forward(self, z):
        return stand_in(0, z)

    def backward(self, z, delta):
        return delta * stand_in(1, z)

    def parameter_gradient(self, z, delta):
        return {}


@pytest.mark.parametrize("sizes", [(1, 2, 3, 4), (5, 4, 2, 3)], ids=str)
def test_hidden_layer_derived(sizes):
    N, n, M, K = sizes
    rng = layer_loops.rng(f"any function {sizes}")
    X, W1, b1 = eighths(rng, N, n), eighths(rng, M, n, largest=1), eighths(rng, M)
    W2, b2, Y = eighths(rng, K, M, largest=1), eighths(rng, K), eighths(rng, N, K)
    stack = [Linear(W1, b1), AnyFunction(), Linear(W2, b2), LogSoftmax(), SoftNLL(Y)]
    found = backpropagate(stack, X)
    arrays = {"X": X, "W1": W1, "b1": b1, "W2": W2, "b2": b2, "Y": Y}
    computed = (
        found.gradients[0]["W"],
        found.gradients[0]["b"],
        found.gradients[2]["W"],
        found.gradients[2]["b"],
        found.deltas[0],
    )
    for chain, actual in enumerate(computed, 1):
        expected = derived.table("backpropagation.hidden_layer", arrays, chain=chain)
        verify("hidden_layer", "50 digits", f"{sizes} {chain}", actual, expected, 64)


def test_fan_out_derived():
    rng = layer_loops.rng("fan out, any function")
    z, W, delta = eighths(rng, 5, 3), eighths(rng, 3, 3, largest=1), eighths(rng, 5, 3)
    layer = Sum([Chain([]), Chain([Linear(W), AnyFunction()])])
    expected = [
        derived.table("backpropagation.fan_out", {"x": row, "W": W, "eta'": d}, chain=1)
        for row, d in zip(z, delta, strict=True)
    ]
    verify("fan_out", "50 digits", "skip connection", layer.backward(z, delta), expected)
