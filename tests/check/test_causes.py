"""The cause that is named for a wrong derivative, and where none is; see also test_catalogue."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from reference_impl.check.causes import BEHAVIOUR, causes
from reference_impl.check.looks import looks
from reference_impl.check.places import place
from reference_impl.check.problem import Case

Z = np.random.default_rng(8).normal(size=(5, 4))


def jacobian(f, x):
    """Central differences of fourth order, output x argument."""
    columns = []
    for k in range(x.size):
        step = np.zeros(x.size)
        step[k] = 1e-3 * max(1.0, abs(x.flat[k]))
        h = step.reshape(x.shape)
        near, far = f(x + h) - f(x - h), f(x + 2 * h) - f(x - 2 * h)
        columns.append((8.0 * near - far) / (12.0 * step[k]))
    J = np.stack(columns, axis=-1) if columns else np.zeros((*np.shape(f(x)), 0))
    return J.reshape(np.shape(f(x)) + x.shape)


def case_of(forward, claim, values, argument, rule="RULE 2 (backward)", seed=0, delta=None):
    """The case of a claim (values, delta) -> array about a function of named arrays."""
    values = {name: np.asarray(a, dtype=np.float64) for name, a in values.items()}

    def J(at):
        return jacobian(lambda x: np.asarray(forward(*{**at, argument: x}.values())), at[argument])

    def slopes(at, d):
        of = J(at)
        error = 1e-9 * (np.abs(of).max() + 1e-3) * (np.abs(d).sum() + 1e-3)
        want = np.tensordot(d, of, np.ndim(d))
        return want, np.full(want.shape, error)

    def ask(at, d):
        return np.asarray(claim(*at.values(), delta=d))

    value = np.asarray(forward(*values.values()))
    rng = np.random.default_rng(seed)
    if delta is None:
        delta = rng.choice([-1.0, 1.0], value.shape) * rng.uniform(0.5, 2.0, value.shape)
    delta = delta if value.shape else np.ones(())
    want, error = slopes(values, delta)
    got = ask(values, delta)
    return Case(
        rule, argument, got, want, error, values[argument], value, delta, J(values), values,
        ask, slopes,
    )  # fmt: skip


def tanh_case(got, **more):
    claim = lambda z, delta: got(z, delta * (1.0 - np.tanh(z) ** 2))  # noqa: E731
    return case_of(np.tanh, claim, {"z": more.pop("z", Z)}, "z", **more)


def names(case):
    return [cause.name for cause in causes(case)]


def test_no_factor_rests_on_one_entry():
    scalar = np.array([0.4])
    case = tanh_case(lambda z, right: 1.37 * right, z=scalar)
    assert names(replace(case, ask=None, slopes=None)) == []
    assert names(case) == ["factor"]  # other deltas and values are more entries
    assert names(replace(tanh_case(lambda z, right: -right, z=scalar), ask=None)) == ["sign"]


def test_no_factor_that_cannot_be_told_from_one():
    case = tanh_case(lambda z, right: (1.0 + 1e-9) * right)
    coarse = np.full(Z.shape, 1e-8)
    assert names(replace(case, error=coarse, slopes=None)) == []


def test_entries_that_are_not_explained_leave_no_cause():
    def got(z, right):
        result = -right
        result[0, 0] *= 1.001
        return result

    assert "sign" not in names(tanh_case(got))


SQUARE_Z = np.random.default_rng(3).normal(size=(4, 4))


def test_rivals_and_what_would_tell_them_apart():
    """At N = K the mean over rows is that over columns."""
    case = tanh_case(lambda z, right: right / 4.0, z=SQUARE_Z)
    first = causes(replace(case, ask=None))[0]
    assert {first.name, *first.rivals} >= {"mean over rows", "mean over columns"}
    assert "rows" in first.separate
    assert "columns" in first.separate


def test_where_it_is_wrong():
    def last_row(z, right):
        right[4] = right[4] ** 2 + 3.0
        return right

    assert place(looks(tanh_case(last_row))) == "in number 4 of the rows"
    above = tanh_case(lambda z, right: np.where(z > 0.3, right * z + 7.0, right))
    assert names(above) == ["one branch"]
    assert place(looks(above)).startswith("where the argument > 0")
    assert place(looks(tanh_case(lambda z, right: -right))) == ""


def test_what_is_not_finite():
    assert names(tanh_case(lambda z, right: right * np.nan)) == ["not finite"]


def array_case(rule, got, want, at, value, values=None):
    error = np.full(want.shape, 1e-9 * np.abs(want).max())
    given = values or {"z": at}
    return Case(rule, "z", got, want, error, at, value, np.ones(np.shape(value)), None, given)


def softmax_hessian(z):
    """Of logsumexp: diag(S) - S S^T, by hand."""
    S = softmax(z)
    return np.diag(S) - np.outer(S, S), S


VECTOR = np.array([0.3, -1.0, 0.8, 1.7])


@pytest.mark.parametrize(
    ("got", "name"),
    [
        (lambda H, S: np.diag(S), "missing outer product"),
        (lambda H, S: np.diag(np.diag(H)), "diagonal only"),
        (lambda H, S: 2.0 * H, "factor 2"),
        (lambda H, S: -H, "sign"),
        (lambda H, S: np.tril(H), "earlier entries lost"),
        (lambda H, S: np.triu(H), "later entries lost"),
    ],
)
def test_hessians(got, name):
    H, S = softmax_hessian(VECTOR)
    case = array_case("hessian", got(H, S), H, VECTOR, np.array(1.0))
    found = causes(case)
    assert name in [cause.name for cause in found], found


def test_gauss_newton():
    """f = sum_i (w_0 x_i + sin(w_1 x_i) - y_i)^2 / 2: the model's own curvature is left out."""
    x, y, w = np.array([0.5, 1.0, 2.0]), np.array([3.0, 3.0, 4.0]), np.array([0.3, 0.8, 0.2])
    r = w[0] * x + np.sin(w[1] * x) + w[2] ** 3 - y
    J = np.stack([x, x * np.cos(w[1] * x), np.full(3, 3 * w[2] ** 2)], axis=1)
    curvature = np.zeros((3, 3))
    curvature[1, 1] = -(r * x * x * np.sin(w[1] * x)).sum()
    curvature[2, 2] = 6 * w[2] * r.sum()
    case = array_case("hessian", J.T @ J, J.T @ J + curvature, w, np.array(1.0))
    assert names(case) == ["Gauss-Newton"]


@pytest.mark.parametrize(
    ("got", "name"),
    [
        (lambda J: J.transpose(0, 2, 1), "transposed"),
        (lambda J: J * np.eye(4), "diagonal only"),
        (lambda J: -J, "sign"),
        (lambda J: J * 5, "sum over rows"),
    ],
)
def test_jacobians_of_each_row(got, name):
    J = np.random.default_rng(2).normal(size=(5, 4, 4))
    assert names(array_case("jacobian", got(J), J, Z, Z.copy()))[0] == name


def test_a_whole_jacobian():
    J = np.random.default_rng(2).normal(size=(3, 2, 4))
    at, value = np.ones(4), np.ones((3, 2))
    assert names(array_case("jacobian", 3.0 * J, J, at, value)) == ["sum over rows", "factor 3"]


def test_a_length_may_be_a_factor_by_chance():
    """Of five rows, 4/5 is N - 1 for N, or a scale that was forgotten; 4 is no sum times 4/5."""
    first = causes(tanh_case(lambda z, right: right * 0.8))[0]
    assert (first.name, first.rivals) == ("N - 1 for N", ("factor 0.8",))
    assert first.separate == "an input with another number of rows"

    def forward(z):
        return softmax(z / 2.0, axis=1)

    def four_times(z, delta):
        p = forward(z)
        return 2.0 * p * (delta - (delta * p).sum(axis=1, keepdims=True))

    z = Z[:, :3]
    assert causes(case_of(forward, four_times, {"z": z}, "z"))[0].text == (
        "the right answer times 4"
    )


def test_what_is_clipped_is_so_everywhere():
    """The slope of Huber's line without its threshold is no bound: other entries are beyond it."""
    z = np.array([0.3, -1.2, 1.4, -2.0, 3.0, 0.7])

    def huber(z):
        return np.where(np.abs(z) <= 1.5, z * z / 2.0, 1.5 * (np.abs(z) - 0.75)).mean()

    def claim(z, delta):
        return np.where(np.abs(z) <= 1.5, z, np.sign(z)) / z.size

    assert "clipped" not in names(case_of(huber, claim, {"z": z}, "z", "gradient"))


def test_a_term_with_a_fitted_number_is_no_rival_of_one_without():
    """A skip path that is lost is delta; delta times the norm of f, over that norm, says the same."""
    W = np.random.default_rng(4).normal(size=(4, 4))

    def claim(z, delta):
        return (delta * (1.0 - np.tanh(z @ W) ** 2)) @ W.T

    found = causes(case_of(lambda z: z + np.tanh(z @ W), claim, {"z": Z}, "z"))
    assert [cause.name for cause in found] == ["missing delta"]


def test_the_roles_are_exchanged_for_a_product_with_a_direction():
    """J v: where J^T v is returned, the Jacobian is transposed."""
    J, v = np.random.default_rng(2).normal(size=(4, 4)), np.array([1.0, -2.0, 0.5, 0.7])
    want, error = J @ v, np.full(4, 1e-9)
    case = Case("jvp", "z", J.T @ v, want, error, VECTOR, VECTOR, v, J, {"z": VECTOR})
    assert "transposed" in names(case) or names(case) == []
    wide = np.random.default_rng(2).normal(size=(3, 4))
    case = Case("jvp", "z", -wide @ v, wide @ v, np.full(3, 1e-9), VECTOR, np.ones(3), v, wide, {})
    assert names(case) == ["sign"]


def test_what_is_known_but_not_differentiated_by():
    x, W = (
        np.random.default_rng(2).normal(size=(5, 4)),
        np.random.default_rng(3).normal(size=(4, 3)),
    )
    case = case_of(lambda x: x @ W, lambda x, delta: x @ W @ W.T, {"x": x}, "x")
    case = replace(case, known={"W": W})
    assert causes(case)[0].name == "f W^T"


def test_behaviour_has_names():
    assert all(cause.name == name and cause.text for name, cause in BEHAVIOUR.items())


def cost_case(gradient, **values):
    """The case of a claim about X w, y and a penalty: only w is differentiated by."""
    case = case_of(ridge, lambda w, delta: gradient(w), {"w": WEIGHTS}, "w", "gradient by w")
    return replace(case, known=values)


DATA = np.random.default_rng(5).normal(size=(7, 3))
BITS, WEIGHTS = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0]), np.array([0.4, -1.1, 0.7])


def ridge(w):
    z = DATA @ w
    return (np.logaddexp(0.0, z) - BITS * z).sum() + 0.35 * (w * w).sum()


def ridge_gradient(w):
    return DATA.T @ (1.0 / (1.0 + np.exp(-DATA @ w)) - BITS) + 0.7 * w


@pytest.mark.parametrize(
    ("gradient", "name", "words"),
    [
        (lambda w: ridge_gradient(w) - 0.7 * w, "missing w", "lacks 0.7 times the term w"),
        (lambda w: ridge_gradient(w) - 0.7 * w * [0, 1, 1], "penalty", "lambda = 0, -0.7, -0.7"),
        (
            lambda w: ridge_gradient(w) + np.array([1.0, 0.5, 0.0]),
            "constant part",
            "off by 1, 0.5 at 2 of 3",
        ),
        (lambda w: np.array([3.0, 0.5, 2.0]), "constant", "does not depend on w"),
    ],
)
def test_how_a_fault_depends_on_the_argument(gradient, name, words):
    """Of a cost whose data nobody shows."""
    first = causes(cost_case(gradient))[0]
    assert first.name == name and words in first.text, first


def test_a_cause_in_the_data():
    case = cost_case(lambda w: ridge_gradient(w) + DATA.T @ BITS, X=DATA, y=BITS)
    assert "X^T" in causes(case)[0].text


W = np.random.default_rng(9).normal(size=(4, 3))


def test_a_term_of_the_right_answer_is_what_is_left_of_it():
    """W is used twice, and one use is left out."""
    case = case_of(
        lambda z, W: np.tanh(z @ W) @ W.T,
        lambda z, W, delta: delta.T @ np.tanh(z @ W),
        {"z": Z, "W": W},
        "W",
    )
    first = causes(case)[0]
    assert first.name == "missing z^T ((delta W) (1 - tanh(z W)^2))"
    assert "delta^T tanh(z W)" in first.rivals


def test_the_slope_inside():
    case = case_of(
        lambda z, W: np.tanh(z @ W) * z[:, :3],
        lambda z, W, delta: z.T @ (delta * z[:, :3]),
        {"z": Z, "W": W},
        "W",
    )
    assert names(case)[0] == "missing the slope of tanh at (z W)"


def test_a_square_matrix_that_is_transposed():
    M = np.random.default_rng(6).normal(size=(3, 3))
    case = case_of(
        lambda z, W, M: np.tanh(z @ W) @ M,
        lambda z, W, M, delta: ((delta @ M) * (1.0 - np.tanh(z @ W) ** 2)) @ W.T,
        {"z": Z, "W": W, "M": M},
        "z",
    )
    assert "the right one has M^T: it is transposed" in causes(case)[0].text


def test_an_axis_of_length_one():
    case = case_of(lambda b: Z + b, lambda b, delta: delta.sum(axis=0), {"b": np.ones((1, 4))}, "b")
    assert names(case)[0] == "length 1"


def test_means_of_what_contributes_to_each_entry():
    """As many times each: a mean over these; not as many: that of the duplicates."""
    cube = np.random.default_rng(7).normal(size=(3, 4, 5))
    scale = case_of(
        lambda s: cube * s[:, None, None],
        lambda s, delta: (cube * delta).mean(axis=(1, 2)),
        {"s": np.arange(1.0, 4.0)},
        "s",
    )
    assert names(scale)[0] == "mean over contributions to each entry"
    taken = np.array([0, 1, 1, 2, 2, 2])

    def lookup(E, delta):
        sums = np.zeros(E.shape)
        np.add.at(sums, taken, delta)
        return sums / np.bincount(taken)[:, None]

    case = case_of(lambda E: E[taken], lookup, {"E": W[:3]}, "E")
    assert names(case)[0] == "mean of duplicates"


def test_overlapping_contributions_overwritten():
    def got(z, delta):
        result = np.zeros(z.shape)
        for k in range(delta.shape[1]):
            result[:, k : k + 2] = delta[:, k : k + 1] / 2.0
        return result

    case = case_of(lambda z: (z[:, 1:] + z[:, :-1]) / 2.0, got, {"z": Z}, "z")
    assert names(case)[0] == "duplicates overwritten"


def test_where_a_residual_is_small():
    y = np.random.default_rng(1).normal(size=Z.shape)

    def inner(r):
        return np.abs(r) < 0.5

    def huber(z, y):
        r = z - y
        return np.where(inner(r), r * r, np.abs(r) - 0.25).sum()

    case = case_of(
        huber,
        lambda z, y, delta: np.where(inner(z - y), z - y, np.sign(z - y)),
        {"z": Z, "y": y},
        "z",
    )
    first = causes(case)[0]
    assert first.name == "factor 1/2" and "residual (argument - y)| < 0.5" in first.text


def test_one_number_explains_no_constant():
    """A constant part is not a function of the cost, just because a coefficient makes it one."""
    y = (Z > 0.0) * 1.0
    p = 1.0 / (1.0 + np.exp(-Z))

    def total(p):
        return p.sum() + y.sum()

    case = case_of(
        lambda p: 1.0 - 2.0 * (p * y).sum() / total(p),
        lambda p, delta: -2.0 * y / total(p),
        {"p": p},
        "p",
    )
    assert not any("f" in name.split() for name in names(case)), names(case)


def test_what_does_not_depend_on_delta():
    added = tanh_case(lambda z, right: right + np.cos(z) ** 3)
    assert names(added) == ["constant part"] and "depend on delta" in causes(added)[0].text
    assert names(tanh_case(lambda z, right: np.cos(z) ** 3 / (2.0 + z))) == ["delta ignored"]


def test_another_arguments_derivative():
    case = tanh_case(lambda z, right: np.cos(z))
    assert names(replace(case, others={"y": np.cos(Z)})) == ["swapped"]


def test_weights_that_never_change():
    weights = np.random.default_rng(4).uniform(0.5, 2.0, Z.shape)
    assert names(tanh_case(lambda z, right: right * weights)) == ["weights"]


def test_integers():
    assert names(tanh_case(lambda z, right: np.floor(9.3 * right).astype(int))) == ["integers"]


@pytest.mark.parametrize(
    ("got", "name"),
    [
        (lambda H: H + 0.7 * np.eye(4), "penalty"),
        (lambda H: H - 0.7 * np.diag([0, 1, 1, 1]), "penalty"),
        (lambda H: H + 0.7, "constant added"),
        (lambda H: H + np.array([0.0, 0.7, 0.7, 0.7]), "broadcast"),
        (lambda H: H + np.triu(H, 1) - np.tril(H, -1), "not symmetric"),
    ],
)
def test_forms_of_a_hessian(got, name):
    H, _ = softmax_hessian(VECTOR)
    assert names(array_case("hessian", got(H), H, VECTOR, np.array(1.0)))[0] == name
