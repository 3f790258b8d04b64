"""What a fit says about the parameters: tests, confidence intervals, deviance, a printed table.

All of it rests on the distribution of the estimate for many data: normal about the true weights,
with the inverse Hessian as its covariance (``logistic.fisher_information``,
``softmax.fisher_information``). A penalty moves the estimate towards zero, so that this does not
hold: with one, errors and tests are refused, not wrong. Weights of the data count repetitions.

Probabilities are taken from the tail itself, erfc(z/2^(1/2)) and the incomplete gamma function:
1 - (a number close to 1) has no digits left.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from reference_impl import arguments
from reference_impl.arguments import Array
from reference_impl.engine.estimation import Fit

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
    """
    estimate, error = _free(fit)
    return estimate / error


def p_values(fit: Fit) -> Array:
    """``logistic.fisher_information``: erfc(|z|/2^(1/2)), of both tails of the normal.

    Parameters, result and errors are those of `z_values`.
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
    """
    level = _level(level)
    estimate, error = _free(fit)
    reach = np.sqrt(2.0) * special.erfcinv(1.0 - level) * error
    return estimate - reach, estimate + reach


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
    """
    return 2.0 * _fitted(fit).nll


def null_deviance(fit: Fit) -> float:
    """``logistic.score_equations``: the deviance of the class frequencies, of an intercept alone.

    Parameters, result and errors are those of `deviance`.
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
    """
    null = null_deviance(fit)
    if null == 0:
        raise ValueError("fit: expected labels of two classes, given a null deviance of 0")
    return 1.0 - deviance(fit) / null


def aic(fit: Fit) -> float:
    """Akaike's criterion, deviance + 2 (number of free parameters).

    Parameters and errors are those of `z_values`; the result is one number.
    """
    return deviance(fit) + 2.0 * _parameters(fit)


def bic(fit: Fit) -> float:
    """Schwarz's criterion, deviance + log(number of data points) (number of free parameters).

    Parameters and errors are those of `z_values`; the result is one number.
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


def summary(fit: Fit, names: Sequence[str] | None = None, *, level: float = 0.95) -> Summary:
    """``logistic.fisher_information``, ``softmax.fisher_information``: all of this in one table.

    Parameters
    ----------
    fit : Fit
        A fit without penalty.
    names : sequence of str, optional
        Names of the columns of X; otherwise x1, x2, ...
    level : float
        Confidence level.

    Returns
    -------
    Summary

    Raises
    ------
    TypeError, ValueError
        As in `confidence_intervals`, and for a wrong number of names.
    """
    estimate, error = _free(fit)
    lower, upper = confidence_intervals(fit, level)
    columns = [f"x{k}" for k in range(1, estimate.shape[-1] + 1)] if names is None else [*names]
    if len(columns) != estimate.shape[-1]:
        raise ValueError(f"names: expected {estimate.shape[-1]} names, given {len(columns)}")
    return Summary(
        names=_names(fit, columns),
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
            ("AIC, BIC", f"{aic(fit):.4f}, {bic(fit):.4f}"),
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
    fit = _unpenalised(fit, name)
    return fit.w.size if fit.w.ndim == 1 else (len(fit.w) - 1) * fit.w.shape[1]


def _free(fit: Fit) -> tuple[Array, Array]:
    """Return estimates and standard errors that are not zero by the coding."""
    fit = _unpenalised(fit)
    free = _classes(fit) if fit.w.ndim == 2 else slice(None)
    return fit.w[free], fit.standard_errors[free]


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


def _names(fit: Fit, columns: Sequence[str]) -> tuple[str, ...]:
    if fit.w.ndim == 1:
        return tuple(columns)
    return tuple(f"{a}: {column}" for a in _classes(fit) for column in columns)


def _statements(fit: Fit) -> tuple[str, ...]:
    if fit.w.ndim == 1:
        return "logistic.nll", "logistic.fisher_information"
    coding = "sum_to_zero" if fit.reference is None else "reference_class"
    return "softmax.nll", "softmax.fisher_information", f"identification.{coding}"
