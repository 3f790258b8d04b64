"""Branches and dropout against loops, differences and derived lines; mistakes refused."""

from dataclasses import dataclass

import compare
import derived
import layer_loops
import loops
import numpy as np
import pytest
from designs import eighths
from mpmath import mp, mpf

from derivations import composition as lines
from derivations.composition import deltas_both, deltas_out as Δ, p, place
from derivations.notation import Σ, Size, a, i, j, o, t, u, δ
from derivations.proof.digits import any_function
from reference_impl.activations import Tanh
from reference_impl.backpropagation import Chain, Sum
from reference_impl.composition import Concatenation, Dropout, residual
from reference_impl.linear import Linear
from reference_impl.nll import NLL

SIZES = [(1, 2, 3, 4), (3, 2, 4, 1), (2, 3, 2, 2), (2, 2, 2, 2)]  # N, M, Q, K
each_size = pytest.mark.parametrize("size", SIZES, ids=str)


def branch(left, right):
    """f = left tanh(right z), as layers."""
    return Chain([Linear(right), Tanh(), Linear(left)])


def apart(row, left, right):
    """The same for one row, as plain loops."""
    inside = [mp.tanh(loops.dot(w, row)) for w in right]
    return [loops.dot(w, inside) for w in left]


def as_residual(z, F, A, G, B):
    return [[t + f for t, f in zip(row, apart(row, F, A), strict=True)] for row in z]


def as_sum(z, F, A, G, B):
    return [[f + g for f, g in zip(apart(row, F, A), apart(row, G, B), strict=True)] for row in z]


def side_by_side(z, F, A, H, B):
    return [apart(row, F, A) + apart(row, H, B) for row in z]


def case(name, size):
    """z, and the factors of both branches; only those of a concatenation differ in their outputs."""
    N, M, Q, K = size
    rng = layer_loops.rng(f"{name} {size}")
    z, F, A = eighths(rng, N, M), eighths(rng, M, Q), eighths(rng, Q, M, largest=1)
    K = K if name == "concatenation" else M
    return z, F, A, eighths(rng, K, 3), eighths(rng, 3, M, largest=1)


LAYERS = {
    "residual": (lambda F, A, G, B: residual(branch(F, A)), as_residual),
    "sum": (lambda F, A, G, B: Sum([branch(F, A), branch(G, B)]), as_sum),
    "concatenation": (lambda F, A, H, B: Concatenation([branch(F, A), branch(H, B)]), side_by_side),
}
each_layer = pytest.mark.parametrize("name", LAYERS)


def parameters(name):
    """The names of the factors, in their order."""
    return {"residual": ["1.2.W", "1.0.W"]}.get(name, ["0.2.W", "0.0.W", "1.2.W", "1.0.W"])


def check(rule, oracle, actual, expected, case, ulp=32):
    compare.check(actual, expected, statement=f"composition.{rule}", oracle=oracle, case=str(case),
                  ulp=ulp)  # fmt: skip


@each_layer
@each_size
def test_rules(name, size):
    make, forward = LAYERS[name]
    z, *factors = case(name, size)
    layer = make(*factors)
    value = layer.forward(z)
    check(f"{name}_forward", "loops", value, loops.at(50, forward, z, *factors), size)
    delta = layer_loops.free_delta(f"{name} {size}", value.shape)
    weighted = layer_loops.weighted_by(forward)
    expected = loops.differences(50, weighted, (z, delta, *factors), 0)
    check(f"{name}_backward", "differences", layer.backward(z, delta), expected, size)
    whole = np.array(loops.differences(50, forward, (z, *factors), 0), dtype=object)
    jacobian = layer.jacobian(z)
    for row in range(len(z)):
        own = whole[row, :, row].transpose(1, 0).tolist()
        check(f"{name}_jacobian", "differences", jacobian[row], own, f"{row} {size}")
    gradients = layer.parameter_gradient(z, delta)
    names = parameters(name)
    assert sorted(gradients) == sorted(names)
    for number, letter in enumerate(names):
        expected = loops.differences(50, weighted, (z, delta, *factors), 2 + number)
        rule = "residual_parameter_gradient" if name == "residual" else f"{name}_backward"
        check(rule, "differences", gradients[letter], expected, f"{letter} {size}")
    layer_loops.check_contract(layer, z, delta)


@dataclass(frozen=True)
class AnyFunction:
    """A layer of the function that stands for any, phi or psi, in the derived statements."""

    seed: str

    def value(self, order, z):
        return np.vectorize(lambda t: float(any_function(self.seed, order, mpf(t))))(z)

    def forward(self, z):
        return self.value(0, z)

    def backward(self, z, delta):
        return delta * self.value(1, z)

    def parameter_gradient(self, z, delta):
        return {}


def any_branch(left, right, seed):
    return Chain([Linear(right), AnyFunction(seed), Linear(left)])


@each_size
def test_derived(size):
    """For any functions phi and psi in the branches."""
    N, M, _, K = size
    z, F, A, H, B = case("concatenation", size)
    rng = layer_loops.rng(f"derived {size}")
    G, delta, both = eighths(rng, M, 3), eighths(rng, N, M), eighths(rng, N, M + K)
    first, second = any_branch(F, A, "phi 0"), any_branch(G, B, "psi 0")
    other, places = any_branch(H, B, "psi 0"), np.eye(M + K)
    arrays = {"Z": z, "F": F, "A": A, "G": G, "B": B, "H": H, "delta'": delta,
              "E": places[:, :M], "E'": places[:, M:]}  # fmt: skip
    for name, layer, up in [
        ("residual", residual(first), delta),
        ("sum", Sum([first, second]), delta),
        ("concatenation", Concatenation([first, other]), both),
    ]:
        given = {**arrays, "delta'": up}
        for rule, actual in [("forward", layer.forward(z)), ("backward", layer.backward(z, up))]:
            expected = derived.table(f"composition.{name}_{rule}", given)
            check(f"{name}_{rule}", "50 digits", actual, expected, size, 64)
        whole = np.array(derived.table(f"composition.{name}_jacobian", given), dtype=object)
        for row, actual in enumerate(layer.jacobian(z)):
            own = whole[row, :, row].tolist()
            check(f"{name}_jacobian", "50 digits", actual, own, f"{row} {size}", 64)
    gradient = residual(first).parameter_gradient(z, delta)["1.2.W"]
    expected = derived.table("composition.residual_parameter_gradient", arrays)
    check("residual_parameter_gradient", "50 digits", gradient, expected, size, 64)


@each_size
def test_each_branch_gets_its_own_part(size):
    """And a residual the delta itself, besides."""
    z, F, A, H, B = case("concatenation", size)
    N, M, _, K = size
    layer = Concatenation([branch(F, A), branch(H, B)])
    delta = layer_loops.free_delta(f"parts {size}", (N, M + K))
    places = np.eye(M + K)
    of_first, of_other = branch(F, A), branch(H, B)
    first = of_first.backward(z, delta @ places[:, :M])
    other = of_other.backward(z, delta @ places[:, M:])
    compare.same(layer.backward(z, delta), first + other)
    compare.same(residual(of_first).backward(z, delta[:, :M]),
                 delta[:, :M] + of_first.backward(z, delta[:, :M]))  # fmt: skip


def dropped(z, mask):
    return [[m * t / (1 - mpf(0.375)) for t, m in zip(row, kept, strict=True)]
            for row, kept in zip(z, mask, strict=True)]  # fmt: skip


@pytest.mark.parametrize("size", [(1, 3), (4, 2), (3, 3)], ids=str)
def test_dropout(size):
    rng = layer_loops.rng(f"dropout {size}")
    z, mask = eighths(rng, *size), (eighths(rng, *size) > -1.0).astype(float)
    delta, layer = layer_loops.free_delta(f"dropout {size}", size), Dropout(mask, 0.375)
    arrays = {"Z": z, "mask": mask, "dropped": 0.375, "delta'": delta}
    check("dropout_forward", "loops", layer.forward(z), loops.at(50, dropped, z, mask), size, 2)
    expected = loops.differences(50, lambda z, m, delta: sum(
        (loops.dot(d, row) for d, row in zip(delta, dropped(z, m), strict=True)), mpf(0)),
        (z, mask, delta), 0)  # fmt: skip
    check("dropout_backward", "differences", layer.backward(z, delta), expected, size, 2)
    for rule, actual in [("forward", layer.forward(z)), ("backward", layer.backward(z, delta))]:
        expected = derived.table(f"composition.dropout_{rule}", arrays)
        check(f"dropout_{rule}", "50 digits", actual, expected, size, 2)
    whole = np.array(derived.table("composition.dropout_jacobian", arrays), dtype=object)
    for row, jacobian in enumerate(layer.jacobian(z)):
        own = whole[row, :, row].tolist()
        check("dropout_jacobian", "50 digits", jacobian, own, f"{row} {size}", 2)
    layer_loops.check_second_order("composition.dropout_backward", layer, str(size), z, dropped,
                                   rest=(loops.exact(mask),), ulp=2)  # fmt: skip
    layer_loops.check_contract(layer, z, delta)
    compare.same(Dropout(np.ones(size), 0.0).forward(z), z)


def test_dropout_moments():
    """All masks of three units, each with its probability: the mean and the variance."""
    z, chance = np.array([[1.5, -2.0, 0.25]]), 0.25
    mean = square = 0.0
    for number in range(8):
        mask = np.array([[float(number >> k & 1) for k in range(3)]])
        share = np.prod(np.where(mask == 1.0, 1.0 - chance, chance))
        value = Dropout(mask, chance).forward(z)
        mean, square = mean + share * value, square + share * (value - z) ** 2
    for chain, actual in enumerate([mean, square]):
        expected = [[derived.table("composition.dropout_moments", {"t": x, "dropped": chance}, chain=chain)
                     for x in z[0]]]  # fmt: skip
        check("dropout_moments", "50 digits", actual, expected, f"chain {chain}", 4)


@each_layer
def test_second_order(name):
    """Along a direction of z and of all factors: differences of the rules."""
    make, forward = LAYERS[name]
    z, *factors = case(name, (3, 2, 4, 3))
    names = parameters(name)
    moving, rest = factors[: len(names)], map(loops.exact, factors[len(names) :])
    layer_loops.check_second_order(f"composition.{name}_backward", make(*factors), name, z, forward,
                                   zip(names, moving, strict=True), tuple(rest), ulp=32)  # fmt: skip


def test_leading_axes():
    """N x T x M is N T rows."""
    z, F, A, H, B = case("concatenation", (2, 3, 2, 2))
    z = np.stack([z, 2.0 * z, -z])
    for layer in (residual(branch(F, A)), Concatenation([branch(F, A), branch(H, B)])):
        value = layer.forward(z)
        assert value.shape[:2] == (3, 2)
        delta = layer_loops.free_delta("axes", value.shape)
        for row in range(3):
            compare.same(value[row], layer.forward(z[row]))
            compare.same(layer.backward(z, delta)[row], layer.backward(z[row], delta[row]))


def test_by_hand():
    """z = (1, 2) and f(z) = (2 z_2, 3 z_1): z + f(z) = (5, 5)."""
    f = Linear([[0.0, 2.0], [3.0, 0.0]])
    compare.same(residual(f).forward([[1.0, 2.0]]), np.array([[5.0, 5.0]]))
    compare.same(residual(f).backward([[1.0, 2.0]], [[1.0, 10.0]]), np.array([[31.0, 12.0]]))
    both = Concatenation([f, Linear([[1.0, 1.0]])])
    compare.same(both.forward([[1.0, 2.0]]), np.array([[4.0, 3.0, 3.0]]))
    compare.same(both.backward([[1.0, 2.0]], [[1.0, 10.0, 100.0]]), np.array([[130.0, 102.0]]))
    half = Dropout([[1, 0]], 0.5)
    compare.same(half.forward([[1.0, 2.0]]), np.array([[2.0, 0.0]]))
    compare.same(half.backward([[1.0, 2.0]], [[1 / 3, 10.0]]), np.array([[2 / 3, 0.0]]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Concatenation([]), "layers: expected at least one layer to concatenate"),
        (
            lambda: Concatenation([Linear([[1.0]]), NLL([0])]).forward([[0.0]]),
            "layers: expected out",
        ),
        (
            lambda: residual(Linear([[1.0, 0.0]])).forward([[1.0, 2.0]]),
            "layers: expected outputs of",
        ),
        (lambda: Dropout([[0.5]], 0.5), "mask: expected numbers 0 and 1, given 0.5 at index"),
        (lambda: Dropout([1, 0], 0.5), "mask: expected a matrix"),
        (lambda: Dropout([[1]], 1.0), "p: expected a number below 1, given 1"),
        (lambda: Dropout([[1]], -0.5), "p: expected a number from 0 to 1, given -0.5"),
        (
            lambda: Dropout([[1, 1]], 0.5).forward([[1.0]]),
            r"z: expected the shape of mask, \(1, 2\)",
        ),
        (lambda: Dropout([[1]], 0.5).forward([[1e308]]), r"z / \(1 - p\) exceeds the range"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# What people get wrong, each a result that verification has to refuse.

J, L, mask = lines.of_first, lines.of_second, lines.mask
through = Σ(o, Δ[i, o] * J[i, o, u])
MISTAKES = {
    "the branch alone": ("residual_backward", 0, through),
    "the skip alone": ("residual_backward", 0, Δ[i, u]),
    "Jacobian not transposed": ("residual_backward", 0, Δ[i, u] + Σ(o, Δ[i, o] * J[i, u, o])),
    "identity everywhere": ("residual_jacobian", 0, δ(i, j) * (1 + J[i, u, o])),
    "halved": ("residual_backward", 0, (Δ[i, u] + through) / 2),
    "deltas shared out": (
        "sum_backward",
        0,
        Σ(o, Δ[i, o] * (J[i, o, u] + L[i, o, u])) / 2,
    ),
    "one branch": ("sum_backward", 0, through),
    "Jacobians multiplied": (
        "sum_jacobian",
        0,
        δ(i, j) * Σ(lines.e, J[i, u, lines.e] * L[i, lines.e, o]),
    ),
    "all deltas to both": (
        "concatenation_backward",
        0,
        Σ(place, deltas_both[i, place]) * (Σ(u, J[i, u, o]) + Σ(a, lines.of_other[i, a, o])),
    ),
    "the first part alone": (
        "concatenation_backward",
        0,
        Σ(u, lines.delta_first[i, u] * J[i, u, o]),
    ),
    "no factor on the way down": ("dropout_backward", 0, Δ[i, u] * mask[i, u]),
    "factor p": ("dropout_backward", 0, Δ[i, u] * mask[i, u] / p),
    "no mask on the way down": ("dropout_backward", 0, Δ[i, u] / (1 - p)),
    "factor twice": ("dropout_backward", 0, Δ[i, u] * mask[i, u] / (1 - p) ** 2),
    "mean of the plain mask": ("dropout_moments", 0, t * (1 - p)),
    "variance of the plain mask": ("dropout_moments", 1, t**2 * p * (1 - p)),
    "mean over the units": ("residual_backward", 0, Δ[i, u] + through / Size(lines.M)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_refused(mistake):
    name, chain, wrong = MISTAKES[mistake]
    assert derived.rejected(f"composition.{name}", wrong, chain)


def test_the_helper_does_not_refuse_what_is_right():
    assert not derived.rejected("composition.residual_backward", Δ[i, u] + through)
