"""Implementations with a known bug, each of which some vectors tell from the right one.

A test carries the flag of every bug that makes a function fail it. So a program
that fails the tests of one flag, and no others, has that bug. Everything here is computed entry
by entry with Python's floats, whose elementary functions are the same on every processor.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from mpmath import mp, mpf

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
        except (IndexError, ValueError):  # it fails, which is an answer too
            return math.nan
    return result.tolist() if isinstance(result, np.ndarray | np.generic) else result


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


# ------------------------------------------------------------------ elementary functions


def _everywhere(function: Callable[[float], float]) -> Callable[[Any], Any]:
    def entry(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return np.vectorize(entry, otypes=[float])


def _logarithm(x: float) -> float:
    return -math.inf if x == 0 else math.log(x)


exp, log, log1p = map(_everywhere, (math.exp, _logarithm, math.log1p))
expm1, tanh, erf = map(_everywhere, (math.expm1, math.tanh, math.erf))


def sigmoid(t):
    e = exp(-np.abs(t))
    return np.where(t >= 0, 1.0, e) / (1.0 + e)


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
}


def _rowwise(function):
    """A function of rows, along an axis."""

    def applied(z, axis=-1):
        return np.apply_along_axis(function, axis, z)

    return applied


def _plain_softmax(z):
    return exp(z) / exp(z).sum()


def _shifted_sum(z):
    return exp(z - z.max()).sum()


def _all_largest_left_out(z):
    e = exp(z - z.max())
    return z.max(), np.log1p(e[z != z.max()].sum())


def _axes(axis):
    return tuple(axis) if isinstance(axis, list) else axis


def _sum(term, z, axis=-1, b=None):
    b = np.ones_like(z) if b is None else np.broadcast_to(b, z.shape)
    return term(z, b, _axes(axis))


def _shifted(z, b, axis):
    m = z.max(axis=axis, keepdims=True)
    return np.squeeze(m, axis) + log((b * exp(z - m)).sum(axis=axis))


ELEMENTARY = [
    Bug("overflow", "sigmoid.sigmoid", "e^t / (1 + e^t)", lambda t: exp(t) / (1.0 + exp(t))),
    Bug("overflow", "sigmoid.sigmoid", "1 / (1 + e^-t)", lambda t: 1.0 / (1.0 + exp(-t))),
    Bug("confident", "sigmoid.sigmoid", "1 - sigma(-t)", lambda t: 1.0 - sigmoid(-t)),
    Bug("overflow", "sigmoid.log_sigmoid", "-log(1 + e^-t)", lambda t: -log1p(exp(-t))),
    Bug("confident", "sigmoid.log_sigmoid", "log of sigma(t)", lambda t: log(sigmoid(t))),
    Bug("overflow", "sigmoid.softplus", "log(1 + e^t)", lambda t: log1p(exp(t))),
    Bug(
        "confident",
        "sigmoid.softplus",
        "log(1 + x) for log1p(x)",
        lambda t: np.maximum(t, 0.0) + log(1.0 + exp(-np.abs(t))),
    ),
    Bug("overflow", "softmax.softmax", "no shift", _rowwise(_plain_softmax)),
    Bug(
        "axis",
        "softmax.softmax",
        "the last axis, whatever is asked",
        lambda z, axis=-1: _rowwise(lambda r: exp(r - r.max()) / _shifted_sum(r))(z),
    ),
    Bug("overflow", "softmax.log_softmax", "no shift", _rowwise(lambda r: r - log(exp(r).sum()))),
    Bug(
        "confident",
        "softmax.log_softmax",
        "log of the softmax",
        _rowwise(lambda r: log(exp(r - r.max()) / _shifted_sum(r))),
    ),
    Bug(
        "confident",
        "softmax.log_softmax",
        "log(1 + x) for log1p(x)",
        _rowwise(lambda r: (r - r.max()) - log(_shifted_sum(r))),
    ),
    Bug(
        "ties",
        "softmax.log_softmax",
        "all that are largest left out",
        _rowwise(lambda r: (r - r.max()) - _all_largest_left_out(r)[1]),
    ),
    Bug(
        "axis",
        "softmax.log_softmax",
        "the last axis, whatever is asked",
        lambda z, axis=-1: _rowwise(lambda r: (r - r.max()) - _all_but_first(r))(z),
    ),
    Bug(
        "overflow",
        "softmax.logsumexp",
        "no shift",
        lambda **given: _sum(lambda z, b, axis: log((b * exp(z)).sum(axis=axis)), **given),
    ),
    Bug(
        "weights",
        "softmax.logsumexp",
        "b is ignored",
        lambda z, axis=-1, b=None: _sum(_careful_sum, z, axis),
    ),
    Bug(
        "axis",
        "softmax.logsumexp",
        "the last axis, whatever is asked",
        lambda z, axis=-1, b=None: _sum(_careful_sum, z, -1, b),
    ),
]


def _all_but_first(z):
    e = exp(z - z.max())
    return np.log1p(np.delete(e, e.argmax()).sum())


def _careful_sum(z, b, axis):
    kept = b > 0
    z = np.where(kept, z + log(np.where(kept, b, 1.0)), -np.inf)
    axes = axis if isinstance(axis, tuple) else tuple(range(z.ndim)) if axis is None else (axis,)
    moved = np.moveaxis(z, axes, range(-len(axes), 0))
    rows = moved.reshape(*moved.shape[: z.ndim - len(axes)], -1)
    return np.apply_along_axis(lambda r: r.max() + _all_but_first(r), -1, rows)


# ------------------------------------------------------------------ regression


def _softplus(t):
    return np.maximum(t, 0.0) + log1p(exp(-np.abs(t)))


def _wrong_answer(y):
    """The sign of the logit of the wrong answer."""
    return 1.0 - 2.0 * y


def _ones(X, sample_weight):
    return np.ones(len(X)) if sample_weight is None else sample_weight


def _residuals(w, X, y):
    return _wrong_answer(y) * sigmoid(_wrong_answer(y) * (X @ w))


def _careless_residuals(w, X, y):
    return sigmoid(X @ w) - y


def _nll(w, X, y, sample_weight=None):
    return (_ones(X, sample_weight) * _softplus(_wrong_answer(y) * (X @ w))).sum()


def _gradient(w, X, y, sample_weight=None, residuals=_residuals):
    return (_ones(X, sample_weight) * residuals(w, X, y)) @ X


def _variance(w, X):
    return sigmoid(X @ w) * sigmoid(-(X @ w))


def _hessian(w, X, y, sample_weight=None, variance=_variance):
    return (X.T * (_ones(X, sample_weight) * variance(w, X))) @ X


def _hvp(w, X, y, v, sample_weight=None, variance=_variance):
    return (_ones(X, sample_weight) * variance(w, X) * (X @ v)) @ X


def _careless_variance(w, X):
    p = sigmoid(X @ w)
    return p * (1.0 - p)


def _mean(function):
    """A mean over the data points in place of their sum."""
    return lambda **given: function(**given) / len(given["X"])


def _unweighted(function):
    return lambda sample_weight=None, **given: function(**given)


def _careless_nll(w, X, y, sample_weight=None):
    p = sigmoid(X @ w)
    return -(_ones(X, sample_weight) * np.where(y == 1, log(p), log(1.0 - p))).sum()


def _naive_nll(w, X, y, sample_weight=None):
    """log(1 + e^z) - y z without a case for the sign of z."""
    return (_ones(X, sample_weight) * (log1p(exp(X @ w)) - y * (X @ w))).sum()


def _normalised_nll(w, X, y, sample_weight=None):
    """Weights that are divided by their sum."""
    s = _ones(X, sample_weight)
    return _nll(w, X, y, s if sample_weight is None else s / s.sum())


def _rows(function, Z):
    return np.array([function(row) for row in Z])


def softmax(z):
    return exp(z - z.max()) / exp(z - z.max()).sum()


def _log_softmax(z):
    return (z - z.max()) - _all_but_first(z)


def _class_logits(W, X):
    return X @ W.T


def _labels(y):
    return y.astype(int)


def _class_nll(W, X, y, sample_weight=None, log_softmax=_log_softmax):
    L = _rows(log_softmax, _class_logits(W, X))
    return -(_ones(X, sample_weight) * L[np.arange(len(X)), _labels(y)]).sum()


def _class_residuals(Z, y):
    P = _rows(softmax, Z)
    for p, label in zip(P, _labels(y), strict=True):
        p[label] = 0.0
        p[label] = -p.sum()
    return P


def _careless_class_residuals(z, y):
    return _rows(softmax, z) - np.eye(z.shape[1])[_labels(y)]


def _class_gradient(W, X, y, sample_weight=None, residuals=_class_residuals):
    R = residuals(_class_logits(W, X), y)
    return (_ones(X, sample_weight)[:, None] * R).T @ X


def _naive_residuals(z, y):
    """Probabilities without a shift."""
    E = exp(z)
    return E / E.sum(axis=1, keepdims=True) - np.eye(z.shape[1])[_labels(y)]


def _curvature(p, careless=False, diagonal=False):
    """p_a ([a = b] - p_b)."""
    others = 1.0 - p if careless else p @ (1.0 - np.eye(len(p)))
    C = np.diag(p * others) if diagonal else -np.outer(p, p)
    C[np.diag_indices(len(p))] = p * others
    return C


def _class_hessian(W, X, y, sample_weight=None, **how):
    C = np.array([_curvature(p, **how) for p in _rows(softmax, _class_logits(W, X))])
    return np.einsum("i,iab,ik,ij->akbj", _ones(X, sample_weight), C, X, X)


def _class_hvp(W, X, y, V, sample_weight=None, **how):
    C = np.array([_curvature(p, **how) for p in _rows(softmax, _class_logits(W, X))])
    pull = np.einsum("i,iab,ib->ia", _ones(X, sample_weight), C, X @ V.T)
    return pull.T @ X


def _small_labels(function):
    """Labels that are kept in eight bits with a sign."""

    def cast(**given):
        return function(**{**given, "y": given["y"].astype(np.int64).astype(np.int8)})

    return cast


def _classes_seen(function, name):
    """As many classes as labels were seen."""

    def seen(**given):
        K = int(given["y"].max()) + 1
        return function(**{**given, name: given[name][:K]})

    return seen


def _made_square(X, W):
    """X W where that has a meaning, X W^T elsewhere."""
    return X @ W if W.shape[0] == W.shape[1] else X @ W.T


def _ridge(gradient, name, factor=1.0, spared=0):
    def penalised(penalty, **given):
        pull = factor * penalty * given[name]
        pull[..., :spared] = 0.0
        return gradient(**given) + pull

    return penalised


def _hard(q):
    return np.where(q >= 0.5, 1.0, 0.0)


def _soft_nll(w, X, q):
    t = X @ w
    return (q * _softplus(-t) + (1.0 - q) * _softplus(t)).sum()


def _careless_soft_nll(w, X, q):
    p = sigmoid(X @ w)
    return -(q * log(p) + (1.0 - q) * log(1.0 - p)).sum()


def _soft_gradient(W, X, Y):
    P = _rows(softmax, _class_logits(W, X))
    others = 1.0 - np.eye(len(W))
    return (P * (Y @ others) - Y * (P @ others)).T @ X


def _sums_to_one(W, X, Y):
    return (_rows(softmax, _class_logits(W, X)) - Y).T @ X


def _hard_gradient(W, X, Y):
    return _soft_gradient(W, X, np.eye(len(W))[Y.argmax(axis=1)] * Y.sum(axis=1, keepdims=True))


def _by_label(function):
    return lambda class_weight, y, **given: function(
        y=y, sample_weight=class_weight[_labels(y)], **given
    )


_CONFIDENT = "1 - p of a rounded p"
REGRESSION = [
    Bug("confident", "logistic.nll", "log of a rounded p", _careless_nll),
    Bug("overflow", "logistic.nll", "log(1 + e^z) - y z", _naive_nll),
    Bug("weights", "logistic.nll", "weights ignored", _unweighted(_nll)),
    Bug("weights", "logistic.nll", "weights divided by their sum", _normalised_nll),
    Bug("mean for sum", "logistic.nll", "mean for sum", _mean(_nll)),
    Bug("sign", "logistic.nll", "the log-likelihood", lambda **given: -_nll(**given)),
    Bug("confident", "logistic.nll_gradient", "p - y of a rounded p",
        lambda **given: _gradient(**given, residuals=_careless_residuals)),
    Bug("overflow", "logistic.nll_gradient", "e^z / (1 + e^z)",
        lambda **given: _gradient(
            **given, residuals=lambda w, X, y: exp(X @ w) / (1.0 + exp(X @ w)) - y)),
    Bug("weights", "logistic.nll_gradient", "weights ignored", _unweighted(_gradient)),
    Bug("mean for sum", "logistic.nll_gradient", "mean for sum", _mean(_gradient)),
    Bug("sign", "logistic.nll_gradient", "X^T (y - p)", lambda **given: -_gradient(**given)),
    Bug("confident", "logistic.nll_hessian", _CONFIDENT,
        lambda **given: _hessian(**given, variance=_careless_variance)),
    Bug("weights", "logistic.nll_hessian", "weights ignored", _unweighted(_hessian)),
    Bug("mean for sum", "logistic.nll_hessian", "mean for sum", _mean(_hessian)),
    Bug("confident", "logistic.nll_hvp", _CONFIDENT,
        lambda **given: _hvp(**given, variance=_careless_variance)),
    Bug("weights", "logistic.nll_hvp", "weights ignored", _unweighted(_hvp)),
    Bug("mean for sum", "logistic.nll_hvp", "mean for sum", _mean(_hvp)),
    Bug("penalty", "logistic.penalised_gradient", "penalty ignored",
        lambda penalty, **given: _gradient(**given)),
    Bug("penalty", "logistic.penalised_gradient", "penalty |w|^2, without the half",
        _ridge(_gradient, "w", 2.0)),
    Bug("penalty", "logistic.penalised_gradient", "the first coefficient is not penalised",
        _ridge(_gradient, "w", spared=1)),
    Bug("confident", "logistic.penalised_gradient", "p - y of a rounded p",
        _ridge(lambda **given: _gradient(**given, residuals=_careless_residuals), "w")),
    Bug("weights", "logistic.mean_gradient", "divided by N",
        lambda **given: _gradient(**given) / len(given["X"])),
    Bug("mean for sum", "logistic.mean_gradient", "sum for mean", _gradient),
    Bug("soft labels", "logistic.soft_nll", "labels are rounded",
        lambda w, X, q: _soft_nll(w, X, _hard(q))),
    Bug("confident", "logistic.soft_nll", "log of a rounded p", _careless_soft_nll),
    Bug("mean for sum", "logistic.soft_nll", "mean for sum", _mean(_soft_nll)),
    Bug("confident", "sigmoid.residuals", "p - y of a rounded p", lambda t, y: sigmoid(t) - y),
    Bug("overflow", "sigmoid.residuals", "e^t / (1 + e^t)",
        lambda t, y: np.where(y == 1, -1.0 / (1.0 + exp(t)), exp(t) / (1.0 + exp(t)))),
    Bug("confident", "softmax.nll", "log of the softmax",
        lambda **given: _class_nll(**given, log_softmax=lambda z: log(softmax(z)))),
    Bug("confident", "softmax.nll", "log(1 + x) for log1p(x)",
        lambda **given: _class_nll(
            **given, log_softmax=lambda z: (z - z.max()) - log(_shifted_sum(z)))),
    Bug("overflow", "softmax.nll", "no shift",
        lambda **given: _class_nll(**given, log_softmax=lambda z: z - log(exp(z).sum()))),
    Bug("ties", "softmax.nll", "all that are largest left out",
        lambda **given: _class_nll(
            **given, log_softmax=lambda z: (z - z.max()) - _all_largest_left_out(z)[1])),
    Bug("weights", "softmax.nll", "weights ignored", _unweighted(_class_nll)),
    Bug("mean for sum", "softmax.nll", "mean for sum", _mean(_class_nll)),
    Bug("label types", "softmax.nll", "labels in eight bits", _small_labels(_class_nll)),
    Bug("absent class", "softmax.nll", "as many classes as labels", _classes_seen(_class_nll, "W")),
    Bug("confident", "softmax.nll_gradient", "P - Y of a rounded P",
        lambda **given: _class_gradient(**given, residuals=_careless_class_residuals)),
    Bug("overflow", "softmax.nll_gradient", "no shift",
        lambda **given: _class_gradient(**given, residuals=_naive_residuals)),
    Bug("weights", "softmax.nll_gradient", "weights ignored", _unweighted(_class_gradient)),
    Bug("mean for sum", "softmax.nll_gradient", "mean for sum", _mean(_class_gradient)),
    Bug("label types", "softmax.nll_gradient", "labels in eight bits",
        _small_labels(_class_gradient)),
    Bug("absent class", "softmax.nll_gradient", "as many classes as labels",
        _classes_seen(_class_gradient, "W")),
    Bug("square", "softmax.nll_gradient", "X W for X W^T",
        lambda W, X, y, sample_weight=None: (
            _ones(X, sample_weight)[:, None] * _class_residuals(_made_square(X, W), y)).T @ X),
    Bug("sign", "softmax.nll_gradient", "(Y - P)^T X", lambda **given: -_class_gradient(**given)),
    Bug("confident", "softmax.nll_hessian", _CONFIDENT,
        lambda **given: _class_hessian(**given, careless=True)),
    Bug("coupled classes", "softmax.nll_hessian", "the blocks of two classes are 0",
        lambda **given: _class_hessian(**given, diagonal=True)),
    Bug("weights", "softmax.nll_hessian", "weights ignored", _unweighted(_class_hessian)),
    Bug("mean for sum", "softmax.nll_hessian", "mean for sum", _mean(_class_hessian)),
    Bug("confident", "softmax.nll_hvp", _CONFIDENT,
        lambda **given: _class_hvp(**given, careless=True)),
    Bug("coupled classes", "softmax.nll_hvp", "the blocks of two classes are 0",
        lambda **given: _class_hvp(**given, diagonal=True)),
    Bug("weights", "softmax.nll_hvp", "weights ignored", _unweighted(_class_hvp)),
    Bug("mean for sum", "softmax.nll_hvp", "mean for sum", _mean(_class_hvp)),
    Bug("penalty", "softmax.penalised_gradient", "penalty ignored",
        lambda penalty, **given: _class_gradient(**given)),
    Bug("penalty", "softmax.penalised_gradient", "penalty |W|^2, without the half",
        _ridge(_class_gradient, "W", 2.0)),
    Bug("penalty", "softmax.penalised_gradient", "the first column is not penalised",
        _ridge(_class_gradient, "W", spared=1)),
    Bug("soft labels", "softmax.soft_gradient", "the largest label alone", _hard_gradient),
    Bug("row sums", "softmax.soft_gradient", "P - Y", _sums_to_one),
    Bug("mean for sum", "softmax.soft_gradient", "mean for sum", _mean(_soft_gradient)),
    Bug("weights", "softmax.class_weighted_gradient", "weights ignored",
        lambda class_weight, **given: _class_gradient(**given)),
    Bug("weights", "softmax.class_weighted_gradient", "divided by the sum of the weights",
        lambda y, class_weight, **given: _by_label(_class_gradient)(
            y=y, class_weight=class_weight / class_weight[_labels(y)].sum(), **given)),
    Bug("confident", "softmax.losses", "log of the softmax",
        lambda z, y: -log(_rows(softmax, z))[np.arange(len(z)), _labels(y)]),
    Bug("confident", "softmax.losses", "log(1 + x) for log1p(x)",
        lambda z, y: -_rows(lambda r: (r - r.max()) - log(_shifted_sum(r)), z)[
            np.arange(len(z)), _labels(y)]),
    Bug("overflow", "softmax.losses", "no shift",
        lambda z, y: -_rows(lambda r: r - log(exp(r).sum()), z)[np.arange(len(z)), _labels(y)]),
    Bug("ties", "softmax.losses", "all that are largest left out",
        lambda z, y: -_rows(lambda r: (r - r.max()) - _all_largest_left_out(r)[1], z)[
            np.arange(len(z)), _labels(y)]),
    Bug("confident", "softmax.residuals", "P - Y of a rounded P", _careless_class_residuals),
    Bug("overflow", "softmax.residuals", "no shift", _naive_residuals),
]  # fmt: skip


BUGS = [*ELEMENTARY, *REGRESSION]
