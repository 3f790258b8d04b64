"""The layers once more, as plain loops in mpmath numbers, and what every layer must satisfy.

Each rule is written from its definition in the least clever form: the derivative of tanh is
1 - tanh^2, that of log-softmax [u = v] - S_v, and RULE 2 is the sum over the Jacobian. `at` and
`differences` of tests/loops.py supply the digits.
"""

import math
import zlib
from functools import partial

import compare
import loops
import numpy as np
from designs import eighths
from loops import dot, softmax
from mpmath import mp, mpf

SIZES = [(1, 3), (2, 3), (5, 2), (5, 4), (3, 3), (2, 2)]  # N x m: not square, and square


def inputs(m=None):
    """Inputs z (N x m) by name: signs at random, no zeros; saturated; ties; nearly linear."""
    sizes = [(N, m) for N in (1, 2, 5, m)] if m else SIZES
    for N, width in sizes:
        yield f"{N}x{width}", eighths(rng(f"{N}x{width}"), N, width)
    width = m or 3
    for largest in (30, 40, 300):
        # Multiples of 1/8 up to the largest, which is attained once in each row.
        z = eighths(rng(f"up to {largest}"), 2, width, largest=largest)
        z[0, 0], z[1, -1] = largest, -largest
        yield f"up to {largest}", z
    yield "equal entries", np.full((2, width), 0.75)
    yield "full mantissa", rng("full mantissa").normal(size=(5, width))


def rng(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def free_delta(name, shape):
    """A random delta: not one-hot, no zeros, rows that sum to anything."""
    return eighths(rng("delta " + name), *shape)


def enough_digits(z):
    """1 - tanh^2 t is about 4 e^-2|t|, and 50 digits shall remain."""
    return 50 + int(2 * np.ptp(z) / np.log(10))


def normals(rng, rows, columns):
    """Untrained weights: standard normals, drawn row by row, over the root of the columns."""
    root = math.sqrt(columns)
    return np.array([[rng.standard_normal() / root for _ in range(columns)] for _ in range(rows)])


def check_held(layer, expected):
    """Bit for bit what a layer holds."""
    for actual, right in zip(held(layer), expected, strict=True):
        compare.same(actual, right)


def held(layer):
    """Every array and number that a layer and those in it hold, in order."""
    for part in vars(layer).values():
        if isinstance(part, tuple):
            yield from (number for inner in part for number in held(inner))
        elif isinstance(part, np.ndarray | float):
            yield part


# RULE 1: z is a list of rows, one for each data point


def elementwise(function):
    def forward(z):
        return [[function(t) for t in row] for row in z]

    return forward


def relu(t):
    return t if t > 0 else mpf(0)


def softmax_layer(z):
    return [softmax(row) for row in z]


def log_softmax_layer(z):
    return [[mp.log(p) for p in softmax(row)] for row in z]


def linear(z, W, b=None):
    return [[dot(W[a], row) + (mpf(0) if b is None else b[a]) for a in range(len(W))] for row in z]


def nll(z, Y):
    total = mpf(0)
    for i in range(len(z)):
        for u in range(len(z[i])):
            total -= Y[i][u] * z[i][u]
    return total


# the Jacobian of each data point: J[i][u][v]


def diagonal(derivative):
    def jacobian(z):
        return [
            [
                [derivative(t) if u == v else mpf(0) for v in range(len(row))]
                for u, t in enumerate(row)
            ]
            for row in z
        ]

    return jacobian


def sigmoid_derivative(t):
    return loops.sigmoid(t) * (1 - loops.sigmoid(t))


def log_sigmoid_derivative(t):
    return 1 - loops.sigmoid(t)


def tanh_derivative(t):
    return 1 - mp.tanh(t) ** 2


def relu_derivative(t):
    return mpf(1) if t > 0 else mpf(0)


def softmax_jacobian(z):
    return [loops.softmax_jacobian(row) for row in z]


def log_softmax_jacobian(z):
    jacobian = []
    for row in z:
        S, m = softmax(row), len(row)
        jacobian.append([[(1 if u == v else 0) - S[v] for v in range(m)] for u in range(m)])
    return jacobian


def linear_jacobian(z, W, b=None):
    return [[[W[a][k] for k in range(len(W[0]))] for a in range(len(W))] for _ in z]


# RULES 2 and 3, from the Jacobians


def backward(jacobian, z, delta, *parameters):
    """delta_v(i) = sum_u delta'_u(i) J_uv(i)."""
    J = jacobian(z, *parameters)
    result = []
    for i in range(len(z)):
        row = []
        for v in range(len(z[i])):
            total = mpf(0)
            for u in range(len(delta[i])):
                total += delta[i][u] * J[i][u][v]
            row.append(total)
        result.append(row)
    return result


def linear_weight_gradient(z, delta, W):
    gradient = []
    for a in range(len(W)):
        row = []
        for k in range(len(W[0])):
            total = mpf(0)
            for i in range(len(z)):
                total += delta[i][a] * z[i][k]
            row.append(total)
        gradient.append(row)
    return gradient


def linear_bias_gradient(z, delta, b):
    gradient = []
    for a in range(len(b)):
        total = mpf(0)
        for i in range(len(z)):
            total += delta[i][a]
        gradient.append(total)
    return gradient


def weighted(forward, z, delta, *parameters):
    """sum_i sum_u delta_u(i) f_u(z(i)): its derivative by z is what RULE 2 returns."""
    output = forward(z, *parameters)
    total = mpf(0)
    for i in range(len(output)):
        total += dot(delta[i], output[i])
    return total


# what every layer N x in -> N x out is tested against


def check_layer_rules(statements, layer, case, z, forward, jacobian, parameters=(), *, ulp):
    """RULE 1, the Jacobian and RULE 2 against loops and against differences, with a free delta.

    `statements` is how the statements' ids begin: "linear.", "activations.tanh_".
    """
    digits = enough_digits(z)

    def verify(name, oracle, actual, expected, ulp, entrywise=False):
        compare.check(
            actual,
            expected,
            statement=statements + name,
            oracle=oracle,
            case=case,
            ulp=ulp,
            entrywise=entrywise,
        )

    output = layer.forward(z)
    verify("forward", "loops", output, loops.at(digits, forward, z, *parameters), ulp, True)
    J = loops.at(digits, jacobian, z, *parameters)
    verify("jacobian", "loops", layer.jacobian(z), J, ulp, True)

    delta = free_delta(case, output.shape)
    right = loops.at(digits, backward_by(jacobian), z, delta, *parameters)
    verify("backward", "loops", layer.backward(z, delta), right, ulp)
    right = loops.differences(digits, weighted_by(forward), (z, delta, *parameters), 0)
    verify("backward", "differences", layer.backward(z, delta), right, ulp)


def weighted_by(forward):
    return lambda z, delta, *parameters: weighted(forward, z, delta, *parameters)


def backward_by(jacobian):
    return lambda z, delta, *parameters: backward(jacobian, z, delta, *parameters)


def second_order(name, layer, forward, z, parameters, rest=()):
    """`pullback_along` in a random direction beside differences of the rules: pairs, by name.

    `forward` is a loop of z, the parameters, which all change, and the rest, which does not.
    """
    start, numbers = (z, *parameters.values()), rng(f"along {name}")
    along = [eighths(numbers, *part.shape) for part in start]
    delta, change = (free_delta(f"{name} {k}", layer.forward(z).shape) for k in range(2))

    def moved(step, place=None):
        at = [shifted(part, way, step) for part, way in zip(start, along, strict=True)]
        if place is None:
            return forward(*at, *rest)
        turned = shifted(delta, change, step)
        return loops.differences(80, lambda *given: inner(forward(*given), turned),
                                 (*at, *rest), place)  # fmt: skip

    value, back = layer.pullback_along(z, along[0], dict(zip(parameters, along[1:], strict=True)))
    deltas, gradients = back(delta, change)
    found = [value, deltas, *(gradients[key] for key in parameters)]
    for place, actual in enumerate(found, start=-1):
        of = moved if place < 0 else partial(moved, place=place)
        yield place, actual, loops.differences(50, of, (mpf(0),), 0)


def check_second_order(statement, layer, case, z, forward, parameters=(), rest=(), *, ulp):
    """The rules of a layer, differentiated along a direction; `parameters` by name."""
    found = second_order(case, layer, forward, z, dict(parameters), rest)
    for place, actual, expected in found:
        compare.check(actual, expected, statement=statement, oracle="differences",
                      case=f"{case}, along {place}", ulp=ulp)  # fmt: skip


def shifted(part, way, step):
    return loops._map2(lambda t, d: t + step * d, loops.exact(part), loops.exact(way))


def inner(a, b):
    """The sum of the products of the entries."""
    if isinstance(a, list):
        return sum((inner(x, y) for x, y in zip(a, b, strict=True)), mpf(0))
    return a * b


def check_contract(layer, z, delta):
    """Nothing kept, nothing written to, linear in delta, 0 for delta = 0."""
    other_z, other_delta = np.flip(z, axis=0).copy(), 2.0 * delta
    z_before, delta_before = z.copy(), delta.copy()
    first = layer.forward(z), layer.backward(z, delta), layer.parameter_gradient(z, delta)
    layer.forward(other_z), layer.backward(other_z, other_delta)
    doubled = layer.backward(z, other_delta)
    again = layer.forward(z), layer.backward(z, delta), layer.parameter_gradient(z, delta)
    for one, two in zip(first[:2], again[:2], strict=True):
        compare.same(one, two)
    for name in first[2]:
        compare.same(first[2][name], again[2][name])
    compare.same(z, z_before)
    compare.same(delta, delta_before)
    compare.same(doubled, 2.0 * first[1])  # a power of two: exact
    assert not layer.backward(z, np.zeros_like(delta)).any()
    frozen = [np.array(part) for part in first[:2]]
    z[...], delta[...] = 7.0, 7.0  # the results must not be views of the arguments
    for one, two in zip(first[:2], frozen, strict=True):
        compare.same(np.asarray(one), two)
