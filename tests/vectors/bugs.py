"""Implementations with a known bug, each of which some vectors tell from the right one.

A test carries the flag of every bug that makes a function fail it. So a program
that fails the tests of one flag, and no others, has that bug. Everything here is computed entry
by entry with Python's floats, whose elementary functions are the same on every processor.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from mpmath import mp, mpf

from vectors import careful
from vectors.careful import (
    class_gradient,
    exp,
    gradient,
    labels,
    log,
    log1p,
    ones,
    rows,
    rowwise,
    sigmoid,
    softmax,
)

PLAIN = 1e6  # times its bound: an answer that is as far off is a control for those who compare


@dataclass(frozen=True)
class Flag:
    """What is wrong with a program that fails the tests of a flag."""

    bug_type: str
    effect: str
    description: str

    def as_dict(self) -> dict[str, str]:
        return {"bugType": self.bug_type, "effect": self.effect, "description": self.description}


@dataclass(frozen=True)
class Bug:
    """An implementation of a function that has a bug."""

    flag: str
    function: str
    name: str
    implementation: Callable[..., Any]


def found(function: str, given: dict[str, Any], output: Any, ulp: Any) -> list[tuple[Bug, float]]:
    """Every bug of a function, with its distance from an output in units of the bound."""
    return [(bug, distance(bug, given, output, ulp)) for bug in BUGS if bug.function == function]


def distance(bug: Bug, given: dict[str, Any], output: Any, ulp: Any) -> float:
    """The largest error of a buggy answer, in bounds; infinite for one of another shape, or NaN."""
    return largest(run(bug, given), output, ulp)


def run(bug: Bug, given: dict[str, Any]) -> Any:
    """What a buggy implementation answers."""
    arrays = {
        name: np.array(value, dtype=float) if isinstance(value, list) and name != "axis" else value
        for name, value in given.items()
    }
    with np.errstate(all="ignore"):
        try:
            result = bug.implementation(**arrays)
        except (IndexError, ValueError, np.linalg.LinAlgError):  # it fails, an answer too
            return math.nan
    if isinstance(result, dict):
        return {name: np.asarray(part).tolist() for name, part in result.items()}
    return np.asarray(result).tolist()


def answer(bug: Bug, given: dict[str, Any]) -> Any:
    """What a buggy implementation answers, as a file holds it."""
    return _written(run(bug, given))


def _written(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _written(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_written(entry) for entry in value]
    return float(f"{value:.12g}") if math.isfinite(value) else str(value)


def largest(computed: Any, output: Any, ulp: Any) -> float:
    """The largest error of nested lists, each entry in units of its bound in ulp."""
    if isinstance(output, dict):
        if not isinstance(computed, dict):
            return math.inf
        bounds = ulp if isinstance(ulp, dict) else dict.fromkeys(output, ulp)
        return max(largest(computed[name], output[name], bounds[name]) for name in output)
    if isinstance(output, list):
        if not isinstance(computed, list) or len(computed) != len(output):
            return math.inf
        bounds = ulp if isinstance(ulp, list) else [ulp] * len(output)
        return max(largest(*entries) for entries in zip(computed, output, bounds, strict=True))
    if isinstance(computed, list) or not math.isfinite(computed):
        return math.inf
    with mp.workdps(60):
        difference = abs(mpf(computed) - output)
        last = max(mp.frexp(output)[1] - 1, -1022) - 52 if output else -1074
        bound = mpf(2) ** last * ulp
        return float(difference / bound) if bound else math.inf if difference else 0.0


# ------------------------------------------------------------------ flags

FLAGS = {
    "overflow": Flag(
        "exponential of a large number",
        "inf or NaN, or 0 in place of a tiny number",
        "e^t without the largest logit taken off, or without a case for the sign of t",
    ),
    "confident": Flag(
        "a number is added to 1, or taken from it, where its digits are lost",
        "a small loss, residual or derivative becomes 0, or loses its digits",
        "log(1 + x) in place of log1p(x), log of a rounded probability, p - 1, 1 - p, 1 - tanh^2",
    ),
    "ties": Flag(
        "the largest is not unique",
        "all that are as large as the largest are left out, not one of them",
        "a mask z == max(z) in place of argmax",
    ),
    "axis": Flag(
        "wrong axis",
        "sums over the data points in place of the classes, or the other way round",
        "the argument axis is ignored, or axis 0 is taken",
    ),
    "weights": Flag(
        "ignored argument",
        "every data point, or every term, counts once",
        "sample weights, class weights, or those of a log-sum-exp, are not used, or normalised",
    ),
    "mean for sum": Flag(
        "wrong factor",
        "a loss or a gradient is 1/N of what it should be, or N times",
        "a mean over the data points in place of a sum, or the other way round",
    ),
    "sign": Flag(
        "wrong factor",
        "descent ascends",
        "the log-likelihood or its gradient in place of those of the negative log-likelihood",
    ),
    "penalty": Flag(
        "wrong factor",
        "another estimate",
        "a penalty that is ignored, counts twice, or spares a coefficient that it should not",
    ),
    "soft labels": Flag(
        "wrong type of a label",
        "a label is taken for the class that has most of it",
        "probabilities that are rounded to 0 and 1",
    ),
    "row sums": Flag(
        "unfounded assumption",
        "residuals that are right for probabilities only",
        "p - y in place of p sum_b y_b - y, where labels need not add up to one",
    ),
    "label types": Flag(
        "wrong type of a label",
        "the label of another class is meant",
        "labels in eight bits with a sign: 200 becomes -56",
    ),
    "absent class": Flag(
        "wrong shape",
        "a gradient of too few classes, or an index beyond the end",
        "as many classes as the largest label says, where the last classes have no data point",
    ),
    "square": Flag(
        "transposed argument",
        "wrong numbers, where other shapes give an error",
        "W in place of W^T: no shape gives it away, since all sizes are equal",
    ),
    "coupled classes": Flag(
        "missing term",
        "a Hessian, or a step of Newton's method, that is wrong but looks plausible",
        "the blocks -p_a p_b of two classes are left out",
    ),
    "tail": Flag(
        "a number is added to 1, or taken from it, where its digits are lost",
        "an activation or its derivative is 0, or noise, where it is small",
        "1 + erf, 1 + tanh, e^t - 1 or 1 - tanh^2 as they are written",
    ),
    "kink": Flag(
        "another convention",
        "another derivative at the kink",
        "the slope from the right, or the middle of both, where this project takes that from the left",
    ),
    "approximation": Flag(
        "another function",
        "errors of up to 1e-3",
        "GELU by tanh in place of the exact one, or the other way round",
    ),
    "parameter": Flag(
        "ignored argument",
        "the result of another layer",
        "alpha, eps, tau, gamma, smoothing or a bias is not used, or enters in another way",
    ),
    "delta": Flag(
        "ignored argument",
        "right only at the end of a network, for one cost",
        "the delta of the output is taken to be 1, or to sum to a certain number",
    ),
    "chain rule": Flag(
        "missing term",
        "a gradient that is wrong but looks plausible",
        "the diagonal of the Jacobian only, or statistics taken for constants",
    ),
    "variance": Flag(
        "cancellation",
        "a variance that is noise, or negative, where the mean is large",
        "E[z^2] - E[z]^2 in place of the mean of squared deviations",
    ),
    "eps": Flag(
        "wrong place of a term",
        "results that differ where the variance is small",
        "eps outside the root, or added to the standard deviation",
    ),
    "divisor": Flag(
        "wrong factor",
        "variances that are too large, for few numbers by much",
        "N - 1 in place of N, or K - 1 in place of K",
    ),
    "mask": Flag(
        "ignored argument",
        "what is hidden takes part",
        "the mask is ignored, or taken off after the weights were normalised, or shifts them",
    ),
    "scale": Flag(
        "wrong factor",
        "attention that is too sharp, and gradients that are too large",
        "1 / sqrt(d) is left out",
    ),
    "repeated": Flag(
        "missing term",
        "what occurs more than once has the gradient of one occurrence",
        "gradient[symbols] += delta in place of a sum over the places",
    ),
    "flipped": Flag(
        "another convention",
        "a filter that is turned around",
        "convolution in place of correlation, or the way back with the kernel as it stands",
    ),
    "branch": Flag(
        "missing term",
        "a gradient that is wrong but looks plausible",
        "one way from the input to the cost is left out where several meet",
    ),
    "offset": Flag(
        "ignored argument",
        "the gradient of another model",
        "an offset of the logits is not used, or used again as a feature",
    ),
    "information": Flag(
        "another quantity",
        "standard errors and steps of another method",
        "the expected information in place of the observed one, or the other way round",
    ),
    "not converged": Flag(
        "stopped too early",
        "an estimate with few right digits",
        "one step of Newton's method, or a tolerance of 1e-3 for the last step",
    ),
    "quasi-complete": Flag(
        "missing case",
        "an estimate that does not exist is looked for",
        "complete separation only is seen, or any is called complete",
    ),
    "units": Flag(
        "absolute tolerance",
        "the verdict depends on the units of the data",
        "margins below 1e-8 are taken for zero",
    ),
}


# ------------------------------------------------------------------ logits


def _shifted_sum(z):
    return exp(z - z.max()).sum()


def _all_largest_left_out(z):
    """The sum of the others, where all that are as large as the largest are left out."""
    e = exp(z - z.max())
    return log1p(e[z != z.max()].sum())


def _log_of_sum(z):
    return (z - z.max()) - log(_shifted_sum(z))


def _without_ties(z):
    return (z - z.max()) - _all_largest_left_out(z)


def _unshifted(z):
    return z - log(exp(z).sum())


def _last_axis(function):
    return lambda z, axis=-1, **given: function(z, **given)


def _unshifted_sum(z, axis=-1, b=None):
    b = np.ones_like(z) if b is None else np.broadcast_to(b, z.shape)
    return log((b * exp(z)).sum(axis=tuple(axis) if isinstance(axis, list) else axis))


LOGITS = [
    Bug("overflow", "sigmoid.sigmoid", "e^t / (1 + e^t)", lambda t: exp(t) / (1.0 + exp(t))),
    Bug("overflow", "sigmoid.sigmoid", "1 / (1 + e^-t)", lambda t: 1.0 / (1.0 + exp(-t))),
    Bug("confident", "sigmoid.sigmoid", "1 - sigma(-t)", lambda t: 1.0 - sigmoid(-t)),
    Bug("overflow", "sigmoid.log_sigmoid", "-log(1 + e^-t)", lambda t: -log1p(exp(-t))),
    Bug("confident", "sigmoid.log_sigmoid", "log of sigma(t)", lambda t: log(sigmoid(t))),
    Bug("overflow", "sigmoid.softplus", "log(1 + e^t)", lambda t: log1p(exp(t))),
    Bug("confident", "sigmoid.softplus", "log(1 + x) for log1p(x)",
        lambda t: np.maximum(t, 0.0) + log(1.0 + exp(-np.abs(t)))),
    Bug("overflow", "softmax.softmax", "no shift", rowwise(lambda z: exp(z) / exp(z).sum())),
    Bug("axis", "softmax.softmax", "always the last axis", _last_axis(rowwise(softmax))),
    Bug("overflow", "softmax.log_softmax", "no shift", rowwise(_unshifted)),
    Bug("confident", "softmax.log_softmax", "log of the softmax",
        rowwise(lambda z: log(softmax(z)))),
    Bug("confident", "softmax.log_softmax", "log(1 + x) for log1p(x)", rowwise(_log_of_sum)),
    Bug("ties", "softmax.log_softmax", "all that are largest left out", rowwise(_without_ties)),
    Bug("axis", "softmax.log_softmax", "always the last axis",
        _last_axis(rowwise(careful.log_softmax))),
    Bug("overflow", "softmax.logsumexp", "no shift", _unshifted_sum),
    Bug("weights", "softmax.logsumexp", "b is ignored",
        lambda z, axis=-1, b=None: careful.logsumexp(z, axis)),
    Bug("axis", "softmax.logsumexp", "always the last axis", _last_axis(careful.logsumexp)),
    Bug("confident", "softmax.jacobian", "S (1 - S) of a rounded S",
        lambda z: careful.curvature(softmax(z), careless=True)),
    Bug("chain rule", "softmax.jacobian", "the diagonal only",
        lambda z: careful.curvature(softmax(z), diagonal=True)),
]  # fmt: skip


# ------------------------------------------------------------------ regression


def _mean(function):
    """A mean over the data points in place of their sum."""

    def divided(**given):
        result = function(**given)
        N = len(given["X"] if "X" in given else given["z"])
        if isinstance(result, dict):
            return {name: part / N for name, part in result.items()}
        return result / N

    return divided


def _minus(function):
    return lambda **given: -function(**given)


def _unweighted(function):
    return lambda sample_weight=None, **given: function(**given)


def _careless_residuals(t, y):
    return sigmoid(t) - y


def _naive_residuals(t, y):
    return exp(t) / (1.0 + exp(t)) - y


def _careless_variance(t):
    return sigmoid(t) * (1.0 - sigmoid(t))


def _careless_nll(w, X, y, sample_weight=None):
    p = sigmoid(X @ w)
    return -(ones(X, sample_weight) * np.where(y == 1, log(p), log(1.0 - p))).sum()


def _naive_nll(w, X, y, sample_weight=None):
    """log(1 + e^z) - y z without a case for the sign of z."""
    return (ones(X, sample_weight) * (log1p(exp(X @ w)) - y * (X @ w))).sum()


def _normalised_nll(w, X, y, sample_weight=None):
    s = ones(X, sample_weight)
    return careful.nll(w, X, y, s if sample_weight is None else s / s.sum())


def _careless_class_residuals(z, y):
    return rows(softmax, z) - np.eye(z.shape[1])[labels(y)]


def _naive_class_residuals(z, y):
    """Probabilities without a shift."""
    E = exp(z)
    return E / E.sum(axis=1, keepdims=True) - np.eye(z.shape[1])[labels(y)]


def _small_labels(function):
    """Labels that are kept in eight bits with a sign."""

    def cast(**given):
        return function(**{**given, "y": given["y"].astype(np.int64).astype(np.int8)})

    return cast


def _classes_seen(function):
    """As many classes as labels were seen."""

    def seen(**given):
        return function(**{**given, "W": given["W"][: int(given["y"].max()) + 1]})

    return seen


def _square(W, X, y, sample_weight=None):
    """X W where that has a meaning, X W^T elsewhere."""
    Z = X @ W if W.shape[0] == W.shape[1] else X @ W.T
    return (ones(X, sample_weight)[:, None] * careful.class_residuals(Z, y)).T @ X


def _careless_apply(p, q):
    return p * (q - (p * q).sum())


def _diagonal_apply(p, q):
    return p * (p @ (1.0 - np.eye(len(p)))) * q


def _careless_soft_nll(w, X, q):
    p = sigmoid(X @ w)
    return -(q * log(p) + (1.0 - q) * log(1.0 - p)).sum()


def _hard_gradient(W, X, Y):
    hard = np.eye(len(W))[Y.argmax(axis=1)] * Y.sum(axis=1, keepdims=True)
    return careful.soft_gradient(W, X, hard)


def _normalised_class_weights(y, class_weight, **given):
    share = class_weight / class_weight[labels(y)].sum()
    return careful.class_weighted_gradient(share, y, **given)


_CONFIDENT = "1 - p of a rounded p"
_MINUS = "p - y of a rounded p"


def _nll_bugs(prefix, functions):
    for name, function in functions.items():
        yield Bug("weights", f"{prefix}.{name}", "weights ignored", _unweighted(function))
        yield Bug("mean for sum", f"{prefix}.{name}", "mean for sum", _mean(function))


REGRESSION = [
    *_nll_bugs("logistic", {"nll": careful.nll, "nll_gradient": gradient,
                            "nll_hessian": careful.hessian, "nll_hvp": careful.hvp}),
    *_nll_bugs("softmax", {"nll": careful.class_nll, "nll_gradient": class_gradient,
                           "nll_hessian": careful.class_hessian, "nll_hvp": careful.class_hvp}),
    Bug("confident", "logistic.nll", "log of a rounded p", _careless_nll),
    Bug("overflow", "logistic.nll", "log(1 + e^z) - y z", _naive_nll),
    Bug("weights", "logistic.nll", "weights divided by their sum", _normalised_nll),
    Bug("sign", "logistic.nll", "the log-likelihood", _minus(careful.nll)),
    Bug("confident", "logistic.nll_gradient", _MINUS,
        partial(gradient, residuals=_careless_residuals)),
    Bug("overflow", "logistic.nll_gradient", "e^z / (1 + e^z)",
        partial(gradient, residuals=_naive_residuals)),
    Bug("sign", "logistic.nll_gradient", "X^T (y - p)", _minus(gradient)),
    Bug("confident", "logistic.nll_hessian", _CONFIDENT,
        partial(careful.hessian, variance=_careless_variance)),
    Bug("confident", "logistic.nll_hvp", _CONFIDENT,
        partial(careful.hvp, variance=_careless_variance)),
    Bug("penalty", "logistic.penalised_gradient", "penalty ignored",
        lambda penalty, **given: gradient(**given)),
    Bug("penalty", "logistic.penalised_gradient", "penalty |w|^2, without the half",
        careful.ridge(gradient, "w", 2.0)),
    Bug("penalty", "logistic.penalised_gradient", "the first coefficient is not penalised",
        careful.ridge(gradient, "w", spared=1)),
    Bug("confident", "logistic.penalised_gradient", _MINUS,
        careful.ridge(partial(gradient, residuals=_careless_residuals), "w")),
    Bug("weights", "logistic.mean_gradient", "divided by N", _mean(gradient)),
    Bug("mean for sum", "logistic.mean_gradient", "sum for mean", gradient),
    Bug("soft labels", "logistic.soft_nll", "labels are rounded",
        lambda w, X, q: careful.soft_nll(w, X, np.where(q >= 0.5, 1.0, 0.0))),
    Bug("confident", "logistic.soft_nll", "log of a rounded p", _careless_soft_nll),
    Bug("mean for sum", "logistic.soft_nll", "mean for sum", _mean(careful.soft_nll)),
    Bug("confident", "sigmoid.residuals", _MINUS, _careless_residuals),
    Bug("overflow", "sigmoid.residuals", "e^t / (1 + e^t)",
        lambda t, y: np.where(y == 1, -1.0 / (1.0 + exp(t)), exp(t) / (1.0 + exp(t)))),
    *(
        Bug(flag, function, name, partial(right, log_softmax=wrong))
        for function, right in (
            ("softmax.nll", careful.class_nll), ("softmax.losses", careful.class_losses))
        for flag, name, wrong in (
            ("confident", "log of the softmax", lambda z: log(softmax(z))),
            ("confident", "log(1 + x) for log1p(x)", _log_of_sum),
            ("overflow", "no shift", _unshifted),
            ("ties", "all that are largest left out", _without_ties))
    ),
    *(
        Bug(flag, f"softmax.{name}", what, bug(function))
        for name, function in (("nll", careful.class_nll), ("nll_gradient", class_gradient))
        for flag, what, bug in (
            ("label types", "labels in eight bits", _small_labels),
            ("absent class", "as many classes as labels", _classes_seen))
    ),
    Bug("confident", "softmax.nll_gradient", _MINUS,
        partial(class_gradient, residuals=_careless_class_residuals)),
    Bug("overflow", "softmax.nll_gradient", "no shift",
        partial(class_gradient, residuals=_naive_class_residuals)),
    Bug("square", "softmax.nll_gradient", "X W for X W^T", _square),
    Bug("sign", "softmax.nll_gradient", "(Y - P)^T X", _minus(class_gradient)),
    Bug("confident", "softmax.nll_hessian", _CONFIDENT,
        partial(careful.class_hessian, careless=True)),
    Bug("coupled classes", "softmax.nll_hessian", "the blocks of two classes are 0",
        partial(careful.class_hessian, diagonal=True)),
    Bug("confident", "softmax.nll_hvp", "p (q - p.q)",
        partial(careful.class_hvp, apply=_careless_apply)),
    Bug("coupled classes", "softmax.nll_hvp", "the blocks of two classes are 0",
        partial(careful.class_hvp, apply=_diagonal_apply)),
    Bug("penalty", "softmax.penalised_gradient", "penalty ignored",
        lambda penalty, **given: class_gradient(**given)),
    Bug("penalty", "softmax.penalised_gradient", "penalty |W|^2, without the half",
        careful.ridge(class_gradient, "W", 2.0)),
    Bug("penalty", "softmax.penalised_gradient", "the first column is not penalised",
        careful.ridge(class_gradient, "W", spared=1)),
    Bug("soft labels", "softmax.soft_gradient", "the largest label alone", _hard_gradient),
    Bug("row sums", "softmax.soft_gradient", "P - Y",
        lambda W, X, Y: (rows(softmax, X @ W.T) - Y).T @ X),
    Bug("mean for sum", "softmax.soft_gradient", "mean for sum", _mean(careful.soft_gradient)),
    Bug("weights", "softmax.class_weighted_gradient", "weights ignored",
        lambda class_weight, **given: class_gradient(**given)),
    Bug("weights", "softmax.class_weighted_gradient", "divided by the sum of the weights",
        _normalised_class_weights),
    Bug("confident", "softmax.residuals", _MINUS, _careless_class_residuals),
    Bug("overflow", "softmax.residuals", "no shift", _naive_class_residuals),
]  # fmt: skip


# ------------------------------------------------------------------ functions of one number


def _slope_bugs(flag, layer, name, slope):
    """A wrong derivative, in RULE 2 and along a direction."""
    yield Bug(flag, f"{layer}_backward", name, careful.backward(slope))
    if layer.split(".")[1] in ("tanh", "relu", "gelu", "gelu_tanh", "silu"):
        yield Bug(flag, f"{layer}_jvp", name, careful.jvp(slope))


def _forward(flag, layer, name, f):
    return Bug(flag, f"{layer}_forward", name, careful.forward(f))


def _flat_slope(t):
    return 1.0 - careful.tanh(t) ** 2


def _erf_normal(t):
    return (1.0 + careful.erf(t / math.sqrt(2.0))) / 2.0


_GELU, _TANH_GELU = careful.SLOPES["gates.gelu"], careful.SLOPES["gates.gelu_tanh"]

ELEMENTWISE = [
    _forward("overflow", "activations.sigmoid", "e^t / (1 + e^t)", lambda t: exp(t) / (1.0 + exp(t))),
    *_slope_bugs("confident", "activations.sigmoid", _CONFIDENT, _careless_variance),
    _forward("confident", "activations.log_sigmoid", "log of sigma(t)", lambda t: log(sigmoid(t))),
    *_slope_bugs("confident", "activations.log_sigmoid", "1 - sigma(t)", lambda t: 1.0 - sigmoid(t)),
    _forward("overflow", "activations.softplus", "log(1 + e^t)", lambda t: log(1.0 + exp(t))),
    *_slope_bugs("tail", "activations.tanh", "1 - tanh^2", _flat_slope),
    *_slope_bugs("kink", "activations.relu", "f'(0) = 1", lambda t: np.where(t >= 0, 1.0, 0.0)),
    *_slope_bugs("kink", "activations.relu", "f'(0) = 1/2", lambda t: (np.sign(t) + 1.0) / 2.0),
    _forward("tail", "gates.gelu", "1 + erf", lambda t: t * _erf_normal(t)),
    _forward("approximation", "gates.gelu", "the form with tanh", _TANH_GELU[0]),
    *_slope_bugs("tail", "gates.gelu", "1 + erf",
                 lambda t: _erf_normal(t) + t * careful.density(t)),
    *_slope_bugs("approximation", "gates.gelu", "the form with tanh", _TANH_GELU[1]),
    *_slope_bugs("chain rule", "gates.gelu", "Phi(t) only", careful.normal),
    _forward("tail", "gates.gelu_tanh", "1 + tanh",
             lambda t: t * (1.0 + careful.tanh(careful.bent(t)[0])) / 2.0),
    _forward("approximation", "gates.gelu_tanh", "the exact form", _GELU[0]),
    *_slope_bugs("approximation", "gates.gelu_tanh", "the exact form", _GELU[1]),
    _forward("overflow", "gates.silu", "t e^t / (1 + e^t)", lambda t: t * exp(t) / (1.0 + exp(t))),
    *_slope_bugs("chain rule", "gates.silu", "sigma(t) only", sigmoid),
    _forward("parameter", "gates.leaky_relu", "alpha = 0.01",
             lambda t, alpha: np.where(t > 0, t, 0.01 * t)),
    *_slope_bugs("kink", "gates.leaky_relu", "f'(0) = 1",
                 lambda t, alpha: np.where(t >= 0, 1.0, alpha)),
    *_slope_bugs("parameter", "gates.leaky_relu", "alpha = 0.01",
                 lambda t, alpha: np.where(t > 0, 1.0, 0.01)),
    _forward("tail", "gates.elu", "e^t - 1",
             lambda t, alpha: np.where(t > 0, t, alpha * (exp(np.minimum(t, 0.0)) - 1.0))),
    _forward("parameter", "gates.elu", "alpha = 1",
             lambda t, alpha: careful.SLOPES["gates.elu"][0](t, 1.0)),
    _forward("overflow", "gates.elu", "a product with a mask",
             lambda t, alpha: (t > 0) * t + (t <= 0) * alpha * careful.expm1(t)),
    *_slope_bugs("kink", "gates.elu", "f'(0) = 1",
                 lambda t, alpha: np.where(t >= 0, 1.0, alpha * exp(np.minimum(t, 0.0)))),
    *_slope_bugs("parameter", "gates.elu", "alpha = 1",
                 lambda t, alpha: careful.SLOPES["gates.elu"][1](t, 1.0)),
    *_slope_bugs("chain rule", "gates.softsign", "1 / (1 + |t|)", lambda t: 1.0 / (1.0 + np.abs(t))),
    *_slope_bugs("chain rule", "gates.squared_relu", "max(t, 0)", lambda t: np.maximum(t, 0.0)),
    *_slope_bugs("kink", "gates.hard_tanh", "f'(-1) = 1, f'(1) = 0",
                 lambda t: np.where((t >= -1.0) & (t < 1.0), 1.0, 0.0)),
]  # fmt: skip


# ------------------------------------------------------------------ layers


def _delta_of_ones(function):
    return lambda delta, **given: function(delta=np.ones_like(delta), **given)


def _squares(z, eps, axis):
    """The variance by E[z^2] - E[z]^2."""
    m = z.mean(axis=axis, keepdims=True)
    root = np.sqrt((z * z).mean(axis=axis, keepdims=True) - m * m + eps)
    return (z - m) / root, root


def _eps_outside(z, eps, axis):
    d = z - z.mean(axis=axis, keepdims=True)
    root = np.sqrt((d * d).mean(axis=axis, keepdims=True)) + eps
    return d / root, root


def _one_less(z, eps, axis):
    d = z - z.mean(axis=axis, keepdims=True)
    root = np.sqrt((d * d).sum(axis=axis, keepdims=True) / (z.shape[axis] - 1) + eps)
    return d / root, root


def _fixed_eps(z, eps, axis):
    return careful.standardised(z, 1e-5, axis)


def _rms_outside(z, eps, axis):
    root = np.sqrt((z * z).mean(axis=axis, keepdims=True)) + eps
    return z / root, root


def _constants(scale, axis):
    """RULE 2 with the statistics taken for constants."""
    return lambda z, delta, gain, eps, bias=0.0: gain * delta / scale(z, eps, axis)[1]


def _norm_bugs(name, axis):
    layer = f"normalisation.{name}"
    rules = ("forward", "backward", "parameter_gradient", "jvp")
    for flag, what, scale in (
        ("variance", "E[z^2] - E[z]^2", _squares),
        ("eps", "eps outside the root", _eps_outside),
        ("divisor", "N - 1 for N", _one_less),
        ("parameter", "eps is ignored", _fixed_eps),
    ):
        for rule, function in zip(rules, careful.norm(scale, axis), strict=True):
            yield Bug(flag, f"{layer}_{rule}", what, function)
    other = careful.norm(careful.standardised, 1 - axis)
    for rule, function in zip(rules, other, strict=True):
        yield Bug("axis", f"{layer}_{rule}", "the other axis", function)
    yield Bug("chain rule", f"{layer}_backward", "mean and variance taken for constants",
              _constants(careful.standardised, axis))  # fmt: skip
    yield Bug("delta", f"{layer}_backward", "delta taken to be 1",
              _delta_of_ones(careful.norm(careful.standardised, axis)[1]))  # fmt: skip


def _hidden_after(queries, keys, mask):
    """The mask after the weights were normalised, so that rows do not sum to one."""
    return mask * careful.attended(queries, keys, np.ones_like(mask))


def _all_seen(queries, keys, mask):
    return careful.attended(queries, keys, np.ones_like(mask))


def _only_hidden(queries, keys, mask):
    """Factors that only hide: any number above zero counts as 1."""
    return careful.attended(queries, keys, np.where(mask > 0, 1.0, 0.0))


def _unscaled(queries, keys, mask):
    return careful.attended(queries, keys, mask, scores=lambda q, k: q @ k.T)


LAYERS = [
    Bug("overflow", "activations.softmax_forward", "no shift",
        rowwise(lambda z: exp(z) / exp(z).sum())),
    Bug("axis", "activations.softmax_forward", "over the data points",
        lambda z: rowwise(softmax)(z, axis=0)),
    *(
        Bug(flag, "activations.softmax_backward", name, careful.row_rule(rule))
        for flag, name, rule in (
            ("chain rule", "S (1 - S) delta: the diagonal only", _diagonal_apply),
            ("confident", "S (delta - S.delta)", _careless_apply),
            ("delta", "delta taken to be 1", lambda p, d: careful.softmax_rule(p, np.ones_like(d))))
    ),
    *(
        Bug(flag, "activations.softmax_jvp", name, careful.along(careful.row_rule(rule)))
        for flag, name, rule in (
            ("chain rule", "S (1 - S) dz: the diagonal only", _diagonal_apply),
            ("confident", "S (dz - S.dz)", _careless_apply))
    ),
    *(
        Bug(flag, "log_softmax.backward", name, careful.row_rule(rule))
        for flag, name, rule in (
            ("delta", "delta + S: deltas taken to sum to -1", lambda p, d: d + p),
            ("confident", "delta - S sum delta", lambda p, d: d - p * d.sum()),
            ("chain rule", "the rule of softmax", careful.softmax_rule))
    ),
    Bug("chain rule", "activations.softmax_second_order", "S beside the delta is held",
        lambda z, delta, dz: careful.FUNCTIONS["activations.softmax_jvp"](z=z, dz=dz)
        * careful.log_softmax_along(z, delta)),
    Bug("delta", "log_softmax.second_order", "deltas taken to sum to -1",
        lambda z, delta, dz: careful.row_rule(careful.softmax_rule)(z, dz)),
    Bug("chain rule", "log_softmax.second_order", "the diagonal only",
        lambda z, delta, dz: -careful.row_rule(_diagonal_apply)(z, dz)
        * delta.sum(axis=1, keepdims=True)),
    Bug("chain rule", "log_softmax.jvp", "the diagonal only",
        lambda z, dz: dz * (1.0 - rows(softmax, z))),
    Bug("mean for sum", "nll.forward", "mean for sum", _mean(careful.nll_layer)),
    Bug("weights", "nll.forward", "weights ignored", _unweighted(careful.nll_layer)),
    Bug("parameter", "nll.forward", "smoothing ignored",
        lambda smoothing=0.0, **given: careful.nll_layer(**given)),
    Bug("divisor", "nll.forward", "smoothing / (K - 1)",
        lambda z, smoothing=0.0, **given: careful.nll_layer(
            z=z, smoothing=smoothing * z.shape[1] / (z.shape[1] - 1), **given)),
    Bug("sign", "nll.forward", "the sum of z, not of -z", _minus(careful.nll_layer)),
    Bug("mean for sum", "nll.backward", "mean for sum", _mean(careful.nll_backward)),
    Bug("weights", "nll.backward", "weights ignored", _unweighted(careful.nll_backward)),
    Bug("delta", "nll.backward", "delta taken to be 1",
        lambda delta, **given: careful.nll_backward(delta=1.0, **given)),
    Bug("parameter", "nll.backward", "smoothing ignored",
        lambda smoothing=0.0, **given: careful.nll_backward(**given)),
    Bug("weights", "nll.jvp", "weights ignored",
        lambda z, y, dz, sample_weight=None, smoothing=0.0: careful.nll_layer(
            dz, y, smoothing=smoothing)),
    Bug("parameter", "linear.forward", "the bias is ignored",
        lambda z, W, b=None: careful.linear(z, W)),
    Bug("square", "linear.forward", "z W for z W^T",
        lambda z, W, b=None: careful.linear(z, W.T if W.shape[0] == W.shape[1] else W, b)),
    Bug("square", "linear.backward", "delta W^T for delta W",
        lambda z, delta, W, b=None: delta @ (W.T if W.shape[0] == W.shape[1] else W)),
    Bug("square", "linear.parameter_gradient", "z^T delta for delta^T z",
        lambda z, delta, W, b=None: careful.linear_gradient(
            *((delta, z) if W.shape[0] == W.shape[1] else (z, delta)), W, b)
        if b is None or W.shape[0] != W.shape[1]
        else {"W": z.T @ delta, "b": delta.sum(axis=0)}),
    Bug("mean for sum", "linear.parameter_gradient", "mean for sum", _mean(careful.linear_gradient)),
    Bug("delta", "linear.parameter_gradient", "delta taken to be 1",
        _delta_of_ones(careful.linear_gradient)),
    Bug("square", "linear.jvp", "dz W for dz W^T",
        lambda z, dz, W, b=None: dz @ (W if W.shape[0] == W.shape[1] else W.T)),
    Bug("chain rule", "linear.jvp_with_parameters", "z dW^T is missing",
        lambda z, W, dz, dW, b=None, db=None: careful.linear(dz, W, db)),
    *_norm_bugs("layer_norm", 1),
    *_norm_bugs("batch_norm", 0),
    *(
        Bug(flag, f"normalisation.rms_norm_{rule}", what, function)
        for flag, what, scale in (
            ("eps", "eps outside the root", _rms_outside),
            ("chain rule", "the mean is taken off", careful.standardised))
        for rule, function in zip(
            ("forward", "backward", "parameter_gradient", "jvp"), careful.norm(scale, 1), strict=True)
    ),
    Bug("eps", "normalisation.batch_norm_inference_forward", "eps outside the root",
        lambda z, mean, variance, gain, bias, eps: (
            gain * (z - mean) / (np.sqrt(variance) + eps) + bias)),
    Bug("chain rule", "normalisation.batch_norm_inference_forward", "the statistics of the batch",
        lambda z, mean, variance, gain, bias, eps: careful.norm(careful.standardised, 0)[0](
            z, gain, eps, bias)),
    Bug("chain rule", "normalisation.batch_norm_inference_backward", "the rule of the batch",
        lambda z, delta, mean, variance, gain, bias, eps: careful.norm(
            careful.standardised, 0)[1](z, delta, gain, eps)),
    Bug("mask", "attention.forward", "the mask is ignored",
        partial(careful.attention, attended=_all_seen)),
    Bug("mask", "attention.forward", "the mask after the weights were normalised",
        partial(careful.attention, attended=_hidden_after)),
    Bug("mask", "attention.forward", "factors that only hide",
        partial(careful.attention, attended=_only_hidden)),
    Bug("scale", "attention.forward", "1 / sqrt(d) left out",
        partial(careful.attention, attended=_unscaled)),
    Bug("scale", "attention.backward", "1 / sqrt(d) left out",
        partial(careful.attention_backward, scaled=False)),
    Bug("chain rule", "attention.backward", "p g: the weights taken to be independent",
        partial(careful.attention_backward, through=lambda P, G: P * G)),
    Bug("delta", "attention.backward", "delta taken to be 1",
        _delta_of_ones(careful.attention_backward)),
]  # fmt: skip


# ------------------------------------------------------------------ maps, branches, links


def _transposed(W):
    """W^T where no shape gives it away."""
    return W.T if W.shape[0] == W.shape[1] else W


def _kept_once(y, delta, W):
    gradient = np.zeros_like(W)
    gradient[labels(y)] = delta
    return gradient


def _turned(function, name="W"):
    return lambda **given: function(**given | {name: given[name][:, ::-1]})


def _fixed(function, **values):
    return lambda **given: function(**given | values)


def _both_informations(link, place):
    """One information for both."""

    def same(w, X, y):
        one = (X.T * link(X @ w, y)[place]) @ X
        return {"observed": one, "expected": one}

    return same


def _rounded_hazard(z, y):
    """1 - e^-u as it is written."""
    u = exp(z)
    p = 1.0 - exp(-u)
    bend = u * (exp(-u) * (u - 1.0) + exp(-2.0 * u)) / p**2
    return np.where(y == 1, -u * exp(-u) / p, u), np.where(y == 1, bend, u), u * u * exp(-u) / p


def _rounded_normal(z, y):
    """1 - Phi(z) for the other label, and Phi by 1 + erf."""
    t = np.where(y == 1, z, -z)
    p = np.where(y == 1, _erf_normal(z), 1.0 - _erf_normal(z))
    m = careful.density(z) / p
    spread = careful.density(z) ** 2 / (_erf_normal(z) * (1.0 - _erf_normal(z)))
    return np.where(y == 1, -m, m), m * (m + t), spread


_CONV = careful.FUNCTIONS["maps.convolution_jvp"]
_LOW_RANK = careful.FUNCTIONS["maps.low_rank_backward"]
_DROP_BACK = careful.FUNCTIONS["composition.dropout_backward"]

MAPS = [
    Bug("parameter", "maps.leading_axes_forward", "the bias is ignored",
        lambda z, W, b=None: careful.linear(z, W)),
    Bug("square", "maps.leading_axes_forward", "z W for z W^T",
        lambda z, W, b=None: careful.linear(z, _transposed(W), b)),
    Bug("square", "maps.leading_axes_backward", "delta W^T for delta W",
        lambda z, delta, W, b=None: delta @ _transposed(W)),
    Bug("mean for sum", "maps.leading_axes_parameter_gradient", "mean over the places",
        lambda z, delta, **given: careful.leading_gradient(z, delta / z.shape[1], **given)),
    Bug("axis", "maps.leading_axes_parameter_gradient", "the last place alone",
        lambda z, delta, W, b=None: careful.linear_gradient(z[:, -1], delta[:, -1], W, b)),
    Bug("square", "maps.leading_axes_jvp", "dz W for dz W^T",
        lambda z, dz, W, b=None: dz @ _transposed(W).T),
    Bug("repeated", "maps.embedding_parameter_gradient", "gradient[symbols] = delta",
        lambda y, delta, W: {"W": _kept_once(y, delta, W)}),
    Bug("delta", "maps.embedding_parameter_gradient", "delta taken to be 1",
        lambda y, delta, W: {"W": careful.added(y, np.ones_like(delta), W)}),
    Bug("flipped", "maps.convolution_forward", "the kernel turned around",
        _turned(careful.convolution)),
    Bug("parameter", "maps.convolution_forward", "the stride is ignored",
        _fixed(careful.convolution, stride=1)),
    Bug("parameter", "maps.convolution_forward", "the padding is ignored",
        _fixed(careful.convolution, padding=0)),
    Bug("flipped", "maps.convolution_backward", "the kernel as a convolution has it",
        _turned(careful.convolution_backward)),
    Bug("branch", "maps.convolution_backward", "windows that overlap do not add",
        lambda z, delta, W, b=None, stride=1, padding=0: careful.convolution_backward(
            z, delta, W[:, :1], b, stride, padding)),
    Bug("flipped", "maps.convolution_parameter_gradient", "taps from the other end",
        lambda z, delta, W, **given: {
            name: part[:, ::-1] if name == "W" else part
            for name, part in careful.convolution_gradient(z, delta, W, **given).items()}),
    Bug("mean for sum", "maps.convolution_parameter_gradient", "mean for sum",
        _mean(careful.convolution_gradient)),
    Bug("flipped", "maps.convolution_jvp", "the kernel turned around", _turned(_CONV)),
    Bug("flipped", "maps.convolution_flip", "the kernel as it stands",
        _turned(careful.convolution_flip)),
    Bug("parameter", "maps.convolution_flip", "the padding of the way up",
        lambda delta, W, padding: careful.convolution_flip(
            delta, W, W.shape[1] - 1 - padding)),
    Bug("parameter", "maps.low_rank_forward", "alpha is ignored",
        _fixed(careful.low_rank, alpha=1.0)),
    Bug("branch", "maps.low_rank_forward", "the thin matrices are left out",
        _fixed(careful.low_rank, alpha=0.0)),
    Bug("parameter", "maps.low_rank_backward", "alpha is ignored", _fixed(_LOW_RANK, alpha=1.0)),
    Bug("branch", "maps.low_rank_backward", "the way through the thin matrices is left out",
        _fixed(_LOW_RANK, alpha=0.0)),
    Bug("parameter", "maps.low_rank_parameter_gradient", "alpha is ignored",
        _fixed(careful.low_rank_gradient, alpha=1.0)),
    Bug("parameter", "maps.low_rank_jvp", "alpha is ignored",
        _fixed(careful.FUNCTIONS["maps.low_rank_jvp"], alpha=1.0)),
    Bug("parameter", "maps.tied_forward", "nothing between",
        lambda y, W: careful.looked_up(y, W) @ W.T),
    Bug("branch", "maps.tied_parameter_gradient", "the use as a table alone",
        partial(careful.tied_gradient, twice=False)),
    Bug("branch", "maps.tied_parameter_gradient", "the use as weights alone",
        lambda y, delta, W: {"W": delta.T @ careful.tanh(careful.looked_up(y, W))}),
    Bug("repeated", "maps.tied_parameter_gradient", "gradient[symbols] = delta",
        lambda y, delta, W: {"W": delta.T @ careful.tanh(careful.looked_up(y, W)) + _kept_once(
            y, delta @ W * careful.tanh_slope(careful.looked_up(y, W)), W)}),
    Bug("branch", "composition.residual_forward", "the input is left out", careful.branch),
    Bug("branch", "composition.residual_backward", "the delta as it is is left out",
        careful.branch_backward),
    Bug("branch", "composition.residual_backward", "the branch is left out",
        lambda z, delta, A, F: delta),
    Bug("delta", "composition.residual_parameter_gradient", "delta taken to be 1",
        _delta_of_ones(careful.residual_gradient)),
    Bug("branch", "composition.residual_jvp", "the direction as it is is left out",
        careful.branch_along),
    Bug("branch", "composition.sum_forward", "the last branch alone",
        lambda z, A, F, B, G: careful.branch(z, B, G, sigmoid)),
    Bug("branch", "composition.sum_backward", "the last branch alone",
        lambda z, delta, A, F, B, G: careful.branch_backward(z, delta, B, G, careful.variance)),
    Bug("mean for sum", "composition.sum_backward", "half of the deltas to each",
        lambda z, delta, **given: careful.sum_backward(z, delta / 2.0, **given)),
    Bug("branch", "composition.sum_jvp", "the first branch alone",
        lambda z, dz, A, F, B, G: careful.branch_along(z, dz, A, F)),
    Bug("branch", "composition.concatenation_backward", "the last branch alone",
        lambda z, delta, A, F, B, H: careful.branch_backward(
            z, delta[:, len(F):], B, H, careful.variance)),
    *(
        Bug("tail", f"composition.{name}", "1 - tanh^2", bug)
        for name, bug in (
            ("residual_backward", lambda z, delta, A, F: delta + careful.branch_backward(
                z, delta, A, F, _flat_slope)),
            ("residual_parameter_gradient", lambda z, delta, A, F: careful.residual_gradient(
                z, delta, A, F, _flat_slope)),
            ("residual_jvp", lambda z, dz, A, F: dz + careful.branch_along(
                z, dz, A, F, _flat_slope)),
            ("sum_backward", partial(careful.sum_backward, slope=_flat_slope)),
            ("concatenation_backward", partial(careful.concatenation_backward, slope=_flat_slope)))
    ),
    Bug("parameter", "composition.dropout_forward", "1 / (1 - p) left out",
        lambda z, mask, p: mask * z),
    Bug("parameter", "composition.dropout_forward", "p is what is kept",
        lambda z, mask, p: mask * z / p),
    Bug("mask", "composition.dropout_backward", "the mask is ignored",
        lambda z, delta, mask, p: delta / (1.0 - p)),
    Bug("parameter", "composition.dropout_backward", "1 / (1 - p) left out",
        _fixed(_DROP_BACK, p=0.0)),
    Bug("parameter", "composition.dropout_moments", "1 / (1 - p) left out",
        lambda z, p: {"mean": (1.0 - p) * z, "variance": z**2 * p * (1.0 - p)}),
    Bug("mask", "composition.dropout_jvp", "the mask is ignored",
        lambda z, dz, mask, p: dz / (1.0 - p)),
    *(
        Bug("offset", f"regression.{name}", "the offset is ignored",
            lambda offset, function=function, **given: function(
                offset=np.zeros_like(offset), **given))
        for name, function in (
            ("offset_gradient", careful.offset_gradient),
            ("offset_hessian", careful.offset_hessian),
            ("offset_softmax_gradient", careful.offset_softmax_gradient),
            ("penalty_gradient", careful.penalty_gradient),
            ("penalty_hessian", careful.penalty_hessian),
            ("penalty_newton_step", careful.penalty_newton_step))
    ),
    Bug("confident", "regression.offset_gradient", _MINUS,
        partial(careful.offset_gradient, residuals=_careless_residuals)),
    Bug("confident", "regression.offset_hessian", _CONFIDENT,
        partial(careful.offset_hessian, variance=_careless_variance)),
    Bug("confident", "regression.offset_softmax_gradient", _MINUS,
        partial(careful.offset_softmax_gradient, residuals=_careless_class_residuals)),
    Bug("mean for sum", "regression.offset_gradient", "mean for sum",
        _mean(careful.offset_gradient)),
    *(
        Bug("penalty", f"regression.{name}", what,
            lambda penalty, change=change, function=function, **given: function(
                penalty=change(penalty), **given))
        for name, function in (
            ("penalty_gradient", careful.penalty_gradient),
            ("penalty_hessian", careful.penalty_hessian),
            ("penalty_newton_step", careful.penalty_newton_step))
        for what, change in (
            ("penalty |w|^2, without the half", lambda c: 2.0 * c),
            ("one strength for all", lambda c: np.full_like(c, c[0])))
    ),
    Bug("sign", "regression.odds_ratio", "e^-w", lambda w: exp(-w)),
    Bug("chain rule", "regression.odds_ratio_variance", "e^w c",
        lambda w, covariance: exp(w) * np.diag(covariance)),
    *(
        Bug("confident", f"regression.{name}_{rule}", _CONFIDENT, of(wrong))
        for name, wrong in (("probit", _rounded_normal), ("cloglog", _rounded_hazard))
        for rule, of in (
            ("gradient", careful.link_gradient), ("hessian", careful.link_hessian))
    ),
    *(
        Bug("information", f"regression.{name}_hessian", what, _both_informations(link, place))
        for name, link in (
            ("link", careful.cubic), ("probit", careful.probit), ("cloglog", careful.cloglog))
        for what, place in (("expected for observed", 2), ("observed for expected", 1))
    ),
    Bug("chain rule", "regression.link_gradient", "the slope of eta left out",
        lambda w, X, y: careful.residuals(X @ w + (X @ w) ** 3, y) @ X),
    *(
        Bug("chain rule", f"regression.{name}_gradient", "the residual of the logistic model",
            gradient)
        for name in ("link", "probit", "cloglog")
    ),
    *(
        Bug("sign", f"regression.{name}_gradient", "the score", _minus(
            careful.FUNCTIONS[f"regression.{name}_gradient"]))
        for name in ("link", "probit", "cloglog")
    ),
]  # fmt: skip


# ------------------------------------------------------------------ costs of logits, estimates


def _logits_bugs():
    yield Bug(
        "parameter",
        "targets.temperature",
        "1 / tau left out",
        lambda z, targets, tau: careful.pulled(z / tau, targets),
    )
    yield Bug(
        "parameter",
        "targets.temperature",
        "tau ignored",
        lambda z, targets, tau: careful.pulled(z, targets),
    )
    yield Bug(
        "row sums",
        "targets.temperature",
        "p - t",
        lambda z, targets, tau: (rows(softmax, z / tau) - targets) / tau,
    )
    yield Bug(
        "parameter",
        "targets.distillation",
        "times tau, not divided by it",
        lambda z, teacher, tau: careful.distillation(z, teacher, tau) * tau * tau,
    )
    yield Bug(
        "soft labels",
        "targets.distillation",
        "the teacher's class alone",
        lambda z, teacher, tau: (
            (rows(softmax, z / tau) - np.eye(z.shape[1])[teacher.argmax(axis=1)]) / tau
        ),
    )
    yield Bug(
        "parameter",
        "targets.label_smoothing",
        "alpha ignored",
        lambda alpha, **given: careful.label_smoothing(alpha=0.0, **given),
    )
    yield Bug(
        "divisor",
        "targets.label_smoothing",
        "alpha / (K - 1)",
        lambda z, alpha, **given: careful.label_smoothing(
            z=z, alpha=alpha * z.shape[1] / (z.shape[1] - 1), **given
        ),
    )
    yield Bug(
        "weights",
        "targets.label_smoothing",
        "class weights ignored",
        lambda weight, **given: careful.label_smoothing(weight=np.ones_like(weight), **given),
    )
    yield Bug(
        "mean for sum",
        "targets.weighted_mean",
        "divided by N",
        lambda z, targets, sample_weight: (
            sample_weight[:, None] * careful.pulled(z, targets) / len(z)
        ),
    )
    yield Bug(
        "weights",
        "targets.weighted_mean",
        "weights ignored",
        lambda z, targets, sample_weight: careful.pulled(z, targets) / len(z),
    )
    yield Bug(
        "row sums",
        "targets.weighted_mean",
        "p - t",
        lambda z, targets, sample_weight: (
            (sample_weight / sample_weight.sum())[:, None] * (rows(softmax, z) - targets)
        ),
    )
    yield Bug(
        "parameter",
        "targets.focal_gradient",
        "gamma = 2",
        lambda z, y, gamma: careful.focal(z, y, 2.0),
    )
    yield Bug(
        "chain rule",
        "targets.focal_gradient",
        "the weight taken for a constant",
        lambda z, y, gamma: (2.0 * y - 1.0) * -(sigmoid(-(2.0 * y - 1.0) * z) ** (gamma + 1.0)),
    )
    yield Bug(
        "weights",
        "targets.many_labels_gradient",
        "weights of the positives ignored",
        lambda z, y, positive: careful.many_labels(z, y, np.ones_like(positive)),
    )
    yield Bug(
        "weights",
        "targets.many_labels_gradient",
        "negatives weighted, too",
        lambda z, y, positive: positive * careful.many_labels(z, y, np.ones_like(positive)),
    )
    yield Bug(
        "confident",
        "targets.many_labels_gradient",
        "c y (sigma - 1)",
        lambda z, y, positive: positive * y * (sigmoid(z) - 1.0) + (1.0 - y) * sigmoid(z),
    )
    yield Bug(
        "mask",
        "targets.masked_log_softmax_backward",
        "the mask is ignored",
        lambda z, mask, delta: careful.masked(z, np.ones_like(mask), delta),
    )
    yield Bug(
        "mask",
        "targets.masked_log_softmax_backward",
        "the deltas of hidden classes count",
        lambda z, mask, delta: (
            mask * (delta - _masked_softmax(z, mask) * delta.sum(axis=1, keepdims=True))
        ),
    )


def _masked_softmax(z, mask):
    e = exp(np.where(mask > 0, z, -np.inf))
    return e / e.sum(axis=1, keepdims=True)


def _half(X, y, tolerance):
    """Whether a direction without a negative margin is found that leaves some margin positive.

    By the perceptron, which finds complete separation only, and takes small margins for zero.
    """
    M = (2.0 * y - 1.0)[:, None] * X
    d = np.zeros(X.shape[1])
    for _ in range(2000):
        wrong = M[M @ d <= tolerance]
        if not len(wrong):
            return 2.0
        d = d + wrong[0]
    return 0.0


ESTIMATES = [
    Bug("penalty", "logistic.mle", "penalty ignored",
        lambda penalty=0.0, **given: careful.mle(**given)),
    Bug("penalty", "logistic.mle", "penalty 1 where none is given",
        lambda penalty=0.0, **given: careful.mle(penalty=penalty or 1.0, **given)),
    Bug("weights", "logistic.mle", "weights ignored", _unweighted(careful.mle)),
    Bug("not converged", "logistic.mle", "tolerance 1e-3",
        partial(careful.mle, tolerance=1e-3)),
    Bug("not converged", "logistic.mle", "one step", partial(careful.mle, tolerance=math.inf)),
    Bug("penalty", "softmax.mle", "penalty 1 where none is given",
        lambda penalty=0.0, **given: careful.class_mle(penalty=penalty or 1.0, **given)),
    Bug("weights", "softmax.mle", "weights ignored", _unweighted(careful.class_mle)),
    Bug("not converged", "softmax.mle", "tolerance 1e-3",
        partial(careful.class_mle, tolerance=1e-3)),
    Bug("quasi-complete", "logistic.separation", "complete separation only",
        lambda X, y: _half(X, y, 0.0)),
    Bug("units", "logistic.separation", "margins below 1e-8 are zero",
        lambda X, y: _half(X, y, 1e-8)),
]  # fmt: skip


BUGS = [*LOGITS, *REGRESSION, *ELEMENTWISE, *LAYERS, *MAPS, *_logits_bugs(), *ESTIMATES]
