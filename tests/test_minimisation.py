"""Newton, L-BFGS and gradient descent on functions whose minimum is known in closed form."""

from fractions import Fraction

import compare
import numpy as np
import pytest

from reference_impl import data, logistic
from reference_impl.engine import minimisation
from reference_impl.engine.minimisation import ConvergenceError

A = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 2.0]])
CENTRE = np.array([1.0, -2.0, 0.5])


def quadratic(w):
    """(w - c).A(w - c) / 2: the minimum 0 at c."""
    return (w - CENTRE) @ A @ (w - CENTRE) / 2, A @ (w - CENTRE)


def steep(w):
    """(1 + w^2)^(1/2): Newton's step is -w (1 + w^2), which diverges from |w| > 1."""
    root = np.sqrt(1 + w @ w)
    return root, w / root


def steep_hessian(w):
    return np.array([[(1 + w @ w) ** -1.5]])


def spector():
    X, y, _ = data.spector()
    return (
        lambda w: logistic.nll_and_gradient(w, X, y),
        lambda w: logistic.nll_hessian(w, X, y),
        X,
    )


def identity(g):
    return g


def check(actual, expected, statement, case, ulp=64):
    compare.check(actual, expected, statement=statement, oracle="closed form", case=case, ulp=ulp)


def test_newton_needs_one_step_for_a_quadratic():
    minimum = minimisation.newton(quadratic, lambda w: A, np.zeros(3))
    check(minimum.points[1], CENTRE.tolist(), "logistic.newton_step", "quadratic", ulp=4)
    assert minimum.steps <= 2
    compare.same(minimum.hessian, A)


def test_newton_halves_steps_that_lead_away():
    w = np.array([3.0])
    assert abs(w - (1 + w**2) * w) > 10  # a full step
    minimum = minimisation.newton(steep, steep_hessian, w)
    assert np.abs(minimum.point).max() < 1e-12
    assert minimum.evaluations > minimum.steps + 1
    assert (np.diff(minimum.values) <= 0).all()


def test_newton_converges_quadratically():
    """Each decrement is at most about the square of the one before."""
    value_and_gradient, hessian, _ = spector()
    minimum = minimisation.newton(value_and_gradient, hessian, np.zeros(4))
    late = minimum.gradient_norms[3:-1] / minimum.gradient_norms[0]
    assert (late[1:] <= 10 * late[:-1] ** 2).all() and len(late) >= 3
    assert minimum.decrement <= 1e-8


def curvature(w):
    """The Hessian of `steep` in any dimension."""
    root = np.sqrt(1 + w @ w)
    return np.eye(len(w)) / root - np.outer(w, w) / root**3


SEED = np.diag([0.5, 1.0, 2.0])


def bfgs(points, gradients):
    """B in fractions: the seed, right for the last pair along y; then V^T B V + s s^T / s.y."""
    points, gradients = (np.vectorize(Fraction)(rows) for rows in (points, gradients))
    pairs = list(zip(np.diff(points, axis=0), np.diff(gradients, axis=0), strict=True))
    s, y = pairs[-1]
    B = np.vectorize(Fraction)(SEED)
    B *= (s @ y) / (y @ B @ y)
    for s, y in pairs:
        V = np.eye(3, dtype=object) - np.outer(y, s) / (s @ y)
        B = V.T @ B @ V + np.outer(s, s) / (s @ y)
    return B


METHODS = {  # which end early, where every number has digits; and B before the last step
    "newton": (
        lambda start: minimisation.newton(steep, curvature, start, tol=0.5),
        lambda points, gradients: np.linalg.inv(curvature(points[-1])),
    ),
    "lbfgs": (
        lambda start: minimisation.lbfgs(steep, start, lambda g: SEED @ g, tol=0.1),
        bfgs,
    ),
    "gradient descent": (
        lambda start: minimisation.gradient_descent(steep, start, step=0.2, steps=5),
        lambda points, gradients: 0.2 * np.eye(3),
    ),
}


@pytest.mark.parametrize("method", METHODS)
def test_what_is_said_of_the_way(method):
    """Every number is that of the function at its point, bit for bit; the last step is -B g."""
    start = np.array([0.1, 0.3, -0.7])
    minimise, inverse = METHODS[method]
    minimum = minimise(start)
    points, (values, gradients) = minimum.points, zip(*map(steep, minimum.points), strict=True)
    compare.same(points[0], start)
    compare.same(points[-1], minimum.point)
    compare.same(minimum.values, np.array(values))
    compare.same(minimum.gradient_norms, np.array([np.sqrt(g @ g) for g in gradients]))
    compare.same(np.float64(minimum.value), values[-1])
    compare.same(minimum.gradient, gradients[-1])
    assert (np.diff(values) < 0).all() and minimum.steps == len(points) - 1
    assert minimum.evaluations >= minimum.steps + 1
    g, B = gradients[-2], inverse(points[:-1], gradients[:-1])
    check(np.float64(minimum.decrement), np.sqrt(float(g @ B @ g)),
          "logistic.newton_step", f"decrement, {method}", ulp=16)  # fmt: skip
    check(minimum.point, (points[-2] - B @ g).tolist(),
          "logistic.newton_step", f"last step, {method}", ulp=16)  # fmt: skip
    if method == "newton":
        compare.same(minimum.hessian, curvature(points[-2]))


def test_lbfgs_arrives_where_newton_does():
    value_and_gradient, hessian, X = spector()
    seed = np.linalg.inv(X.T @ X / 4)
    newton = minimisation.newton(value_and_gradient, hessian, np.zeros(4))
    other = minimisation.lbfgs(value_and_gradient, np.zeros(4), lambda g: seed @ g, tol=1e-13)
    compare.check(
        other.point,
        newton.point.tolist(),
        statement="logistic.newton_step",
        oracle="identity",
        case="L-BFGS",
        ulp=64,
    )
    assert other.hessian is None


def test_lbfgs_with_the_inverse_hessian_needs_one_step_for_a_quadratic():
    inverse = np.linalg.inv(A)
    minimum = minimisation.lbfgs(quadratic, np.zeros(3), lambda g: inverse @ g)
    check(minimum.points[1], CENTRE.tolist(), "logistic.newton_step", "quadratic, seeded", ulp=4)


def test_lbfgs_ends_on_a_quadratic_in_as_many_steps_as_variables():
    """With a seed that is far off, and steps of any length; a little more, since not exact."""
    minimum = minimisation.lbfgs(quadratic, np.zeros(3), identity, tol=1e-14)
    check(minimum.point, CENTRE.tolist(), "logistic.newton_step", "quadratic, unseeded", ulp=4)
    assert minimum.steps <= 20


def test_lbfgs_remembers_ten_steps():
    """In 30 dimensions with eigenvalues 1 to 1000: it converges after the first are forgotten."""
    eigenvalues = np.linspace(1.0, 1000.0, 30)
    minimum = minimisation.lbfgs(
        lambda w: (eigenvalues @ w**2 / 2, eigenvalues * w), np.ones(30), identity, tol=1e-10
    )
    assert 10 < minimum.steps < 200 and np.abs(minimum.point).max() < 1e-9


def test_gradient_descent_falls_as_proved():
    """By norm(g)^2 / (2 L) at least in each step, and to where Newton's method ends."""
    value_and_gradient, hessian, X = spector()
    L = np.linalg.eigvalsh(X.T @ X / 4)[-1]
    path = minimisation.gradient_descent(value_and_gradient, np.zeros(4), 1 / L, steps=500)
    promised = path.gradient_norms[:-1] ** 2 / (2 * L)
    assert (-np.diff(path.values) >= promised * (1 - 1e-12) - 1e-12).all()
    assert path.steps == 500 and path.evaluations == 501
    lowest = minimisation.newton(value_and_gradient, hessian, np.zeros(4)).value
    assert lowest < path.value < path.values[0]


def test_gradient_descent_with_too_long_a_step_diverges():
    """The bound is sharp for a quadratic: steps above 2/L lead away."""
    L = np.linalg.eigvalsh(A)[-1]
    good = minimisation.gradient_descent(quadratic, np.zeros(3), 1.9 / L, steps=300)
    bad = minimisation.gradient_descent(quadratic, np.zeros(3), 2.1 / L, steps=300)
    assert good.value < 1e-9 and bad.value > 1e6


def test_it_says_why_it_stopped():
    flat = np.diag([1.0, 0.0, 1.0])
    with pytest.raises(ConvergenceError, match="not positive definite in float64 after 0 steps"):
        minimisation.newton(quadratic, lambda w: flat, np.zeros(3))
    with pytest.raises(ConvergenceError, match="above 1e-08, after 1 steps"):
        minimisation.newton(steep, steep_hessian, [0.5], max_iter=1)
    with pytest.raises(ConvergenceError, match=r"above 1e-08, after 2 steps"):
        minimisation.lbfgs(quadratic, np.zeros(3), identity, max_iter=2)


@pytest.mark.parametrize("method", ["newton", "lbfgs"])
def test_a_wrong_gradient_is_an_error(method):
    """Its negative points upwards: however short the step, the value does not fall."""

    def wrong(w):
        value, gradient = quadratic(w)
        return value, -gradient

    with pytest.raises(ConvergenceError, match="no step makes the value fall after 0 steps"):
        if method == "newton":
            minimisation.newton(wrong, lambda w: A, np.zeros(3))
        else:
            minimisation.lbfgs(wrong, np.zeros(3), identity)


def test_a_value_that_is_not_a_number_is_no_fall():
    """-log(1 - w) - w: not a number from w = 1 on, where Newton's first step would end."""

    def barrier(w):
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(-np.log(1 - w[0]) - 3 * w[0]), np.array([1 / (1 - w[0]) - 3])

    minimum = minimisation.newton(barrier, lambda w: np.array([[(1 - w[0]) ** -2.0]]), [0.0])
    check(minimum.point, [2 / 3], "logistic.newton_step", "barrier", ulp=4)
    assert minimum.evaluations > minimum.steps + 1


def test_the_start_is_not_changed():
    start = np.zeros(3)
    minimum = minimisation.newton(quadratic, lambda w: A, start)
    assert not start.any() and not np.shares_memory(minimum.points, start)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"start": [[1.0]]}, ValueError, r"^start: expected shape \(n,\)"),
        ({"start": []}, ValueError, r"^start: expected shape \(n,\)"),
        ({"start": [np.nan]}, ValueError, r"^start: expected numbers"),
        ({"start": ["1"]}, TypeError, r"^start: expected real numbers"),
        ({"tol": -1.0}, ValueError, r"^tol: expected one number >= 0"),
        ({"tol": None}, TypeError, r"^tol: expected"),
        ({"max_iter": 0}, ValueError, r"^max_iter: expected an integer >= 1"),
        ({"max_iter": 1.5}, TypeError, r"^max_iter: expected an integer"),
    ],
)
def test_wrong_arguments(changed, error, message):
    call = {"start": [0.5]} | changed
    with pytest.raises(error, match=message):
        minimisation.newton(steep, steep_hessian, **call)
    with pytest.raises(error, match=message):
        minimisation.lbfgs(steep, inverse_hessian=identity, **call)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"step": -1.0}, ValueError, r"^step: expected one number >= 0"),
        ({"step": "1"}, TypeError, r"^step: expected"),
        ({"steps": 0}, ValueError, r"^steps: expected an integer >= 1"),
        ({"steps": 2.0}, TypeError, r"^steps: expected an integer"),
        ({"start": [np.inf]}, ValueError, r"^start: expected finite numbers"),
    ],
)
def test_wrong_arguments_of_gradient_descent(changed, error, message):
    call = {"start": [0.5], "step": 1.0, "steps": 2} | changed
    with pytest.raises(error, match=message):
        minimisation.gradient_descent(steep, **call)


def test_lbfgs_leaves_a_flat_place():
    """(1 + w^2)^(1/2) is nearly linear at 1e6: what the first steps tell of it leads far away."""
    found = minimisation.lbfgs(steep, [1e6], lambda g: 1e5 * g, tol=1e-12)
    compare.check(1.0 + found.point, [1.0], statement="logistic.newton_step", oracle="identity",
                  case="from a flat place", ulp=2)  # fmt: skip


@pytest.mark.parametrize("wrong", [np.eye(2), np.full((3, 3), np.nan), np.ones(3)])
def test_a_hessian_that_is_none(wrong):
    with pytest.raises(
        ValueError, match=r"^hessian: expected a finite matrix of shape \(3, 3\), given"
    ):
        minimisation.newton(quadratic, lambda w: wrong, np.zeros(3))
