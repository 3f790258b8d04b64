"""What a fit says about the parameters: tests, confidence intervals, deviance, a printed table.

All of it rests on the distribution of the estimate for many data: normal about the true weights,
with the inverse Hessian as its covariance (``logistic.fisher_information``,
``softmax.fisher_information``). A penalty moves the estimate towards zero, so that this does not
hold: with one, errors and tests are refused, not wrong. Firth's takes away a bias of order 1/N, and
the errors hold; but its likelihood is not the largest, and what compares likelihoods is refused.
Weights of the data count repetitions.

Probabilities are taken from the tail itself, erfc(z/2^(1/2)) and the incomplete gamma function:
1 - (a number close to 1) has no digits left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from reference_impl import arguments, softmax
from reference_impl.arguments import Array
from reference_impl.engine import streaming
from reference_impl.engine.estimation import Fit
from reference_impl.engine.fit import norms
from reference_impl.quiet import quiet
from reference_impl.sigmoid import residuals, sigmoid

_AT_THE_ESTIMATE = 0.01  # standard errors
_OF_THE_HESSIAN = 0.01  # of the number of parameters
_SAME = 2.0**-40  # sums of the same weights, in another order, differ by less than this part


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test.

    Attributes
    ----------
    statistic : float
        2 (NLL of the smaller model - NLL of the larger).
    degrees : int
        How many parameters more the larger model has.
    p_value : float
        Probability of a larger statistic if the smaller model is true: that of chi-square.

    Examples
    --------
    >>> from reference_impl import data
    >>> from reference_impl.engine import estimation, inference
    >>> X, y, _ = data.spector()
    >>> smaller, larger = estimation.newton(X[:, :3], y), estimation.newton(X, y)
    >>> inference.likelihood_ratio_test(smaller, larger).degrees
    1
    """

    statistic: float
    degrees: int
    p_value: float


@dataclass(frozen=True, eq=False)
class Summary:
    """The table of a fit; ``str`` prints it.

    Attributes
    ----------
    names : tuple of str
        One name for each coefficient, in the order of the entries below.
    estimate, standard_error, z, p_value, lower, upper : float64 arrays
        One entry for each coefficient; `lower` and `upper` are the ends of the confidence
        interval.
    level : float
        Confidence level.
    facts : tuple of (str, str)
        What is said of the whole fit, as printed.
    rests_on : tuple of str
        Ids of the statements behind the numbers.

    Examples
    --------
    >>> from reference_impl import data
    >>> from reference_impl.engine import estimation, inference
    >>> X, y, names = data.spector()
    >>> inference.summary(estimation.newton(X, y), names).estimate.round(3).tolist()
    [-13.021, 2.826, 0.095, 2.379]
    """

    names: tuple[str, ...]
    estimate: Array
    standard_error: Array
    z: Array
    p_value: Array
    lower: Array
    upper: Array
    level: float
    facts: tuple[tuple[str, str], ...]
    rests_on: tuple[str, ...]

    def __str__(self) -> str:
        """Return the table as plain text."""
        percent = f"{100 * self.level:g} %"
        heads = ("", "estimate", "std. error", "z", "p", f"{percent} from", "to")
        columns = zip(
            self.estimate, self.standard_error, self.z, self.p_value, self.lower, self.upper,
            strict=True,
        )  # fmt: skip
        forms = ("#.5g", "#.4g", ".3f", ".3g", "#.5g", "#.5g")
        rows = [
            (name, *(f"{number:{form}}" for number, form in zip(row, forms, strict=True)))
            for name, row in zip(self.names, columns, strict=True)
        ]
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
            for row in (heads, *rows)
        ]
        rule = "-" * max(map(len, lines))
        left = max(len(what) for what, _ in self.facts)
        facts = [f"{what.ljust(left)}  {value}" for what, value in self.facts]
        rests_on = f"rests on {', '.join(self.rests_on)}"
        return "\n".join([lines[0], rule, *lines[1:], rule, *facts, rests_on])


def z_values(fit: Fit) -> Array:
    """``logistic.fisher_information``: estimate / standard error, of Wald's test of zero.

    Parameters
    ----------
    fit : Fit
        A fit without penalty.

    Returns
    -------
    float64 array of the shape of the estimate
        Of a softmax fit with a reference, without the row of the reference.

    Raises
    ------
    TypeError, ValueError
        For something else, or a fit with a penalty.

    Examples
    --------
    >>> from reference_impl.engine import estimation, inference
    >>> inference.z_values(estimation.newton([[1.0]] * 4, [0, 1, 1, 1])).round(4).tolist()
    [0.9514]
    """
    estimate, error = _free(fit)
    return estimate / error


def p_values(fit: Fit) -> Array:
    """``logistic.fisher_information``: erfc(|z|/2^(1/2)), of both tails of the normal.

    Parameters, result and errors are those of `z_values`.

    Examples
    --------
    >>> from reference_impl.engine import estimation, inference
    >>> inference.p_values(estimation.newton([[1.0]] * 4, [0, 0, 1, 1])).tolist()
    [1.0]
    """
    return _both_tails(z_values(fit))


def confidence_intervals(fit: Fit, level: float = 0.95) -> tuple[Array, Array]:
    """``logistic.fisher_information``: estimate -+ q times the standard error.

    q is the quantile with erfc(q/2^(1/2)) = 1 - level.

    Parameters
    ----------
    fit : Fit
        A fit without penalty.
    level : float
        Probability, > 0 and < 1, that such an interval covers the true weight.

    Returns
    -------
    (float64 array, float64 array)
        Lower and upper ends, with the shape that `z_values` returns.

    Raises
    ------
    TypeError, ValueError
        As in `z_values`, and for another level.

    Examples
    --------
    >>> from reference_impl.engine import estimation, inference
    >>> fit = estimation.newton([[1.0]] * 4, [0, 0, 1, 1])
    >>> lower, upper = inference.confidence_intervals(fit)
    >>> lower.round(4).tolist(), upper.round(4).tolist()
    ([-1.96], [1.96])
    """
    level = _level(level)
    estimate, error = _free(fit)
    reach = np.sqrt(2.0) * special.erfcinv(1.0 - level) * error
    return estimate - reach, estimate + reach


@quiet
def odds_ratios(fit: Fit, level: float = 0.95) -> tuple[Array, Array, Array]:
    """``regression.odds_ratio``: e^w, which multiplies the odds for one unit more, with its interval.

    For classes, the odds against the reference; without one, against the geometric mean.

    Parameters
    ----------
    fit, level
        As in `confidence_intervals`.

    Returns
    -------
    (float64 array, float64 array, float64 array)
        Ratio, lower and upper end, with the shape that `z_values` returns.

    Raises
    ------
    TypeError, ValueError
        As in `confidence_intervals`.

    Examples
    --------
    >>> from reference_impl.engine import estimation, inference
    >>> ratio, lower, upper = inference.odds_ratios(estimation.newton([[1.0]] * 4, [0, 1, 1, 1]))
    >>> ratio.round(4).tolist(), upper.round(4).tolist()
    ([3.0], [28.8406])
    """
    lower, upper = confidence_intervals(fit, level)
    return np.exp(_free(fit)[0]), np.exp(lower), np.exp(upper)


@dataclass(frozen=True, eq=False)
class Prediction:
    """Probabilities of labels, and where they lie with a given confidence.

    Attributes
    ----------
    probability, lower, upper : float64 arrays, shape (N,); for classes (N, K)
        Of the label 1, or of each class, and the ends of the interval.

    Examples
    --------
    >>> from reference_impl.engine import estimation, inference
    >>> found = inference.predict(estimation.newton([[1.0]] * 4, [0, 1, 1, 1]), [[1.0]])
    >>> found.probability.round(4).tolist(), bool((found.lower < found.probability).all())
    ([0.75], True)
    """

    probability: Array
    lower: Array
    upper: Array


@quiet
def predict(
    fit: Fit, X: ArrayLike, *, offset: ArrayLike | None = None, level: float = 0.95
) -> Prediction:
    """``logistic.fisher_information``: p = sigma(z), and sigma(z -+ q (x^T C x)^(1/2)).

    C is the covariance. For classes z is the logit of p_a, z_a - log sum_{b /= a} e^z_b, and its
    derivative by z_b is [a = b] - [a /= b] p_b / (1 - p_a). With a penalty there are no intervals.

    Parameters
    ----------
    fit : Fit
        A fit without penalty.
    X : array_like, shape (M, n)
        Data points, with the columns of the fit.
    offset : array_like, shape (M,); for classes (M, K), optional
        Added to the logits.
    level : float
        As in `confidence_intervals`.

    Returns
    -------
    Prediction

    Raises
    ------
    TypeError, ValueError
        As in `confidence_intervals`, and for X and offset of a wrong type, shape or value.

    Examples
    --------
    >>> from reference_impl.engine import estimation, inference
    >>> found = inference.predict(estimation.newton([[1.0]] * 4, [0, 1, 1, 1]), [[1.0]])
    >>> found.probability.round(4).tolist(), found.lower.round(4).tolist()
    ([0.75], [0.2378])
    """
    reach = np.sqrt(2.0) * special.erfcinv(1.0 - _level(level))
    X, logits = _logits(_unpenalised(fit), X, offset)
    if fit.w.ndim == 1:
        z, error = logits, norms(X @ fit.root)
    else:
        K = logits.shape[1]
        others = [np.delete(logits, a, axis=1) for a in range(K)]
        z = np.column_stack([logits[:, a] - softmax.logsumexp(others[a]) for a in range(K)])
        error = np.empty_like(z)
        for a in range(K):
            by_logits = np.insert(-softmax.softmax(others[a]), a, 1.0, axis=1)
            by_w = by_logits[:, :, np.newaxis] * X[:, np.newaxis, :]
            error[:, a] = norms(np.einsum("ibk,bkm->im", by_w, fit.root))
    return Prediction(sigmoid(z), sigmoid(z - reach * error), sigmoid(z + reach * error))


@quiet
def average_marginal_effects(
    fit: Fit,
    X: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
) -> tuple[Array, Array]:
    """``sigmoid.derivative``: sum_i s_i p_i (1 - p_i) w_k / sum_i s_i, and its standard error.

    How much the probability changes with x_k, on average over the data. The derivative by w_l is
    the mean of p_i (1 - p_i) ([k = l] + (1 - 2 p_i) w_k x_il), by which the covariance goes over.

    Parameters
    ----------
    fit : Fit
        A fit without penalty of labels 0 and 1.
    X : array_like, shape (N, n)
        The data points over which the mean is taken.
    sample_weight : array_like, shape (N,), optional
        Weights s_i >= 0.
    offset : array_like, shape (N,), optional
        Added to the logits.

    Returns
    -------
    (float64 array, float64 array)
        Effects and standard errors, shape (n,).

    Raises
    ------
    TypeError, ValueError
        As in `predict`, and for a fit of several classes.

    Examples
    --------
    >>> from reference_impl import data
    >>> from reference_impl.engine import estimation, inference
    >>> X, y, _ = data.spector()
    >>> effects, errors = inference.average_marginal_effects(estimation.newton(X, y), X)
    >>> effects.round(4).tolist()
    [-1.6706, 0.3626, 0.0122, 0.3052]
    """
    if _unpenalised(fit).w.ndim == 2:
        raise ValueError("fit: expected a fit of labels 0 and 1, given one of several classes")
    X, z = _logits(fit, X, offset)
    s = arguments.weights(sample_weight, X)
    s = s / arguments.representable("the sum of the weights", s.sum())
    p, q = sigmoid(z), sigmoid(-z)
    slope = (s * p * q).sum()
    J = slope * np.eye(len(fit.w)) + np.outer(fit.w, (s * p * q * (q - p)) @ X)
    return slope * fit.w, norms(J @ fit.root)


@quiet
def robust(
    fit: Fit,
    X: ArrayLike,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
) -> Fit:
    """The fit with the sandwich C (sum_i s_i g_i g_i^T) C for its covariance C (Huber, White).

    g_i is the gradient of the loss of data point i. It holds where the probabilities of the model
    are not those of the labels; weights count repetitions, and nothing is corrected for small N.

    Parameters
    ----------
    fit : Fit
        A fit without penalty.
    X, y, sample_weight, offset
        The data of the fit.

    Returns
    -------
    Fit
        The same but for the root of its covariance, for all functions here.

    Raises
    ------
    TypeError, ValueError
        As in `predict`, and for labels and weights of a wrong type, shape or value, and data and
        weights that are not those of the fit, or a fit that has such errors already.

    Examples
    --------
    >>> from reference_impl.engine import estimation, inference
    >>> X, y = [[1.0]] * 4, [0, 1, 1, 1]
    >>> inference.robust(estimation.newton(X, y), X, y).covariance.round(4).tolist()
    [[1.3333]]
    """
    X, z = _logits(_unpenalised(fit), X, offset)
    s = arguments.weights(sample_weight, X)
    binary = fit.w.ndim == 1
    residual = residuals(z, y)[:, np.newaxis] if binary else softmax.residuals(z, y)
    g = (residual[:, :, np.newaxis] * X[:, np.newaxis, :]).reshape(len(X), -1)
    C = fit.root.reshape(fit.w.size, -1)
    along = g @ C
    distance = float(np.linalg.norm(s @ along))  # in standard errors
    if not fit.firth and distance > _AT_THE_ESTIMATE:
        raise ValueError(
            f"fit: expected a fit of these data, given one whose weights are about {distance:.3g} "
            f"standard errors from their estimate"
        )
    p = sigmoid(z)[:, np.newaxis] if binary else softmax.softmax(z)
    reach = np.tensordot(X, fit.root.reshape(p.shape[1], X.shape[1], -1), (1, 1))  # C_a^T x_i
    mean = np.einsum("ia,iam->im", p, reach)
    spread = np.einsum("ia,iam,iam->i", p, reach, reach) - (mean * mean).sum(axis=1)
    count = fit.w.size if binary else fit.w.size - X.shape[1]
    if abs(float(s @ spread) / count - 1) > _OF_THE_HESSIAN:
        raise ValueError(
            f"fit: expected errors of the Hessian of these data and weights, given others: the "
            f"leverages add up to {float(s @ spread):.4g}, not to the {count} parameters"
        )
    meat = np.asarray(np.linalg.qr(np.sqrt(s)[:, np.newaxis] * along, mode="r"))
    return replace(fit, root=(C @ meat.T).reshape(*fit.w.shape, -1))


def deviance(fit: Fit) -> float:
    """``logistic.nll``: 2 NLL, since a model with a parameter for each label has the NLL 0.

    Parameters
    ----------
    fit : Fit
        A fit, with or without penalty.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        For something else.

    Examples
    --------
    >>> from reference_impl.engine import estimation, inference
    >>> f"{inference.deviance(estimation.newton([[1.0]] * 4, [0, 0, 1, 1])):.4f}"
    '5.5452'
    """
    return 2.0 * _fitted(fit).nll


def null_deviance(fit: Fit) -> float:
    """``logistic.score_equations``: the deviance of the class frequencies, of an intercept alone.

    Parameters, result and errors are those of `deviance`.

    Examples
    --------
    >>> from reference_impl.engine import estimation, inference
    >>> f"{inference.null_deviance(estimation.newton([[1.0]] * 4, [0, 0, 1, 1])):.4f}"
    '5.5452'
    """
    return 2.0 * _fitted(fit).null_nll


def mcfadden(fit: Fit) -> float:
    """1 - deviance / null deviance: McFadden's R^2, 0 for an intercept alone, < 1.

    Parameters
    ----------
    fit : Fit
        A fit, with or without penalty.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        For something else, and for data of one class, which have the null deviance 0.

    Examples
    --------
    >>> from reference_impl import data
    >>> from reference_impl.engine import estimation, inference
    >>> X, y, _ = data.spector()
    >>> f"{inference.mcfadden(estimation.newton(X, y)):.4f}"
    '0.3740'
    """
    null = null_deviance(fit)
    if null == 0:
        raise ValueError("fit: expected labels of two classes, given a null deviance of 0")
    return 1.0 - deviance(fit) / null


def aic(fit: Fit) -> float:
    """Akaike's criterion, deviance + 2 (number of free parameters).

    Parameters and errors are those of `z_values`; the result is one number.

    Examples
    --------
    >>> from reference_impl import data
    >>> from reference_impl.engine import estimation, inference
    >>> X, y, _ = data.spector()
    >>> f"{inference.aic(estimation.newton(X, y)):.4f}"
    '33.7793'
    """
    return deviance(fit) + 2.0 * _parameters(fit)


def bic(fit: Fit) -> float:
    """Schwarz's criterion, deviance + log(number of data points) (number of free parameters).

    Parameters and errors are those of `z_values`; the result is one number.

    Examples
    --------
    >>> from reference_impl import data
    >>> from reference_impl.engine import estimation, inference
    >>> X, y, _ = data.spector()
    >>> f"{inference.bic(estimation.newton(X, y)):.4f}"
    '39.6422'
    """
    return deviance(fit) + float(np.log(fit.count)) * _parameters(fit)


def likelihood_ratio_test(smaller: Fit, larger: Fit) -> LikelihoodRatio:
    """2 (NLL_smaller - NLL_larger), chi-square with as many degrees as parameters are added.

    The smaller model has to be a special case of the larger, fitted to the same labels. What the
    fits show of it is checked.

    Parameters
    ----------
    smaller, larger : Fit
        Fits without penalty.

    Returns
    -------
    LikelihoodRatio

    Raises
    ------
    TypeError, ValueError
        For fits with a penalty, or that cannot be of nested models for the same labels.

    Examples
    --------
    >>> from reference_impl import data
    >>> from reference_impl.engine import estimation, inference
    >>> X, y, _ = data.spector()
    >>> smaller, larger = estimation.newton(X[:, :3], y), estimation.newton(X, y)
    >>> found = inference.likelihood_ratio_test(smaller, larger)
    >>> f"{found.statistic:.4f}", found.degrees, f"{found.p_value:.4f}"
    ('6.2037', 1, '0.0127')
    """
    degrees = _parameters(larger, "larger") - _parameters(smaller, "smaller")
    if degrees <= 0:
        raise ValueError(
            f"larger: expected more parameters than the {_parameters(smaller)} of smaller, given "
            f"{_parameters(larger)}"
        )
    alike = np.array([[smaller.count, smaller.null_nll], [larger.count, larger.null_nll]])
    if (np.ptp(alike, axis=0) > _SAME * alike.max(axis=0)).any():
        raise ValueError(
            f"larger: expected a fit of the labels of smaller, given {larger.count:g} data points "
            f"with the null deviance {null_deviance(larger):.6g}, not {smaller.count:g} with "
            f"{null_deviance(smaller):.6g}"
        )
    statistic = deviance(smaller) - deviance(larger)
    if statistic < -1e-9 * deviance(smaller):
        raise ValueError(
            f"larger: expected a model that contains smaller, given the larger deviance "
            f"{deviance(larger):.6g} > {deviance(smaller):.6g}"
        )
    statistic = max(statistic, 0.0)
    return LikelihoodRatio(statistic, degrees, _upper_tail(statistic, degrees))


def summary(
    fit: Fit,
    names: Sequence[str] | None = None,
    *,
    classes: Sequence[str] | None = None,
    level: float = 0.95,
) -> Summary:
    """``logistic.fisher_information``, ``softmax.fisher_information``: all of this in one table.

    Parameters
    ----------
    fit : Fit
        A fit without penalty.
    names : sequence of str, optional
        Names of the columns of X; otherwise those of the table that X was, or x1, x2, ...
    classes : sequence of str, optional
        Names of the K classes; otherwise their numbers.
    level : float
        Confidence level.

    Returns
    -------
    Summary

    Raises
    ------
    TypeError, ValueError
        As in `confidence_intervals`, and for a wrong number of names.

    Examples
    --------
    >>> from reference_impl.engine import estimation, inference
    >>> table = inference.summary(estimation.newton([[1.0]] * 4, [0, 1, 1, 1]), ["one"])
    >>> table.names, table.estimate.round(4).tolist()
    (('one',), [1.0986])
    """
    estimate, error = _free(fit)
    lower, upper = confidence_intervals(fit, level)
    numbered = [f"x{k}" for k in range(1, estimate.shape[-1] + 1)]
    given = fit.names or numbered if names is None else names
    columns = [str(name) for name in given]
    if len(columns) != estimate.shape[-1]:
        raise ValueError(f"names: expected {estimate.shape[-1]} names, given {len(columns)}")
    return Summary(
        names=_names(fit, columns, classes),
        estimate=estimate.ravel(),
        standard_error=error.ravel(),
        z=z_values(fit).ravel(),
        p_value=p_values(fit).ravel(),
        lower=lower.ravel(),
        upper=upper.ravel(),
        level=level,
        facts=(
            ("data points", f"{fit.count:g}"),
            ("deviance", f"{deviance(fit):.4f}, of an intercept alone {null_deviance(fit):.4f}"),
            *([] if fit.firth else [("AIC, BIC", f"{aic(fit):.4f}, {bic(fit):.4f}")]),
            ("convergence", f"{fit.iterations} steps, gradient {fit.gradient_norm:.1e}"),
        ),
        rests_on=_statements(fit),
    )


def _fitted(fit: Fit, name: str = "fit") -> Fit:
    if not isinstance(fit, Fit):
        raise TypeError(f"{name}: expected a Fit, given {type(fit).__name__}")
    return fit


def _unpenalised(fit: Fit, name: str = "fit") -> Fit:
    if np.any(np.greater(_fitted(fit, name).penalty, 0)):
        raise ValueError(
            f"{name}: expected a fit without penalty, given penalty {np.max(fit.penalty):g}: it "
            f"moves the estimate, so that errors and tests do not hold"
        )
    return fit


def _parameters(fit: Fit, name: str = "fit") -> int:
    """Return the number of parameters that are free: n, or (K - 1) n."""
    if _unpenalised(fit, name).firth:
        raise ValueError(
            f"{name}: expected a fit without penalty, given one with Firth's: its likelihood is not "
            f"the largest, and is not to be compared"
        )
    return fit.w.size if fit.w.ndim == 1 else (len(fit.w) - 1) * fit.w.shape[1]


def _free(fit: Fit) -> tuple[Array, Array]:
    """Return estimates and standard errors that are not zero by the coding."""
    fit = _unpenalised(fit)
    free = _classes(fit) if fit.w.ndim == 2 else slice(None)
    return fit.w[free], fit.standard_errors[free]


def _logits(fit: Fit, X: ArrayLike, offset: ArrayLike | None) -> tuple[Array, Array]:
    """Return X and its logits, a column for each of several classes."""
    names = streaming.column_names(X)
    if None not in (names, fit.names) and names != fit.names:
        raise ValueError(f"X: expected the columns {fit.names} of the fit, given {names}")
    X = arguments.design_matrix(X)
    if X.shape[1] != fit.w.shape[-1]:
        raise ValueError(
            f"X: expected as many columns as in the fit, {fit.w.shape[-1]}, given shape {X.shape}"
        )
    z = X @ fit.w.T
    return X, z if offset is None else z + arguments.same_shape("offset", offset, "the logits", z)


def _level(level: float) -> float:
    number = arguments.nonnegative("level", level)
    if not 0.0 < number < 1.0:
        raise ValueError(f"level: expected a number > 0 and < 1, given {level!r}")
    return number


def _both_tails(z: Array) -> Array:
    return np.asarray(special.erfc(np.abs(z) / np.sqrt(2.0)))


def _upper_tail(statistic: float, degrees: int) -> float:
    """Return the probability that chi-square with these degrees exceeds the statistic."""
    return float(special.gammaincc(degrees / 2, statistic / 2))


def _classes(fit: Fit) -> list[int]:
    """Return the classes whose weights are not zero by the coding."""
    return [a for a in range(len(fit.w)) if a != fit.reference]


def _names(fit: Fit, columns: Sequence[str], classes: Sequence[str] | None) -> tuple[str, ...]:
    if fit.w.ndim == 1:
        return tuple(columns)
    words = range(len(fit.w)) if classes is None else classes
    if len(words) != len(fit.w):
        raise ValueError(f"classes: expected {len(fit.w)} names, given {len(words)}")
    return tuple(f"{words[a]}: {column}" for a in _classes(fit) for column in columns)


def _statements(fit: Fit) -> tuple[str, ...]:
    if fit.w.ndim == 1:
        return "logistic.nll", "logistic.fisher_information"
    coding = "sum_to_zero" if fit.reference is None else "reference_class"
    return "softmax.nll", "softmax.fisher_information", f"identification.{coding}"
