"""Gradients of costs by their logits: temperature, teachers, weights, focal loss, masks.

Logits are matrices (N x K), one data point a row, or have more axes before the classes, each a row;
labels may be soft. Costs are sums over the rows, but for the means.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference_impl import arguments
from reference_impl.arguments import Array, representable
from reference_impl.layer import delta_of, points
from reference_impl.log_softmax import sum_of_others
from reference_impl.quiet import quiet
from reference_impl.sigmoid import log_sigmoid, sigmoid
from reference_impl.softmax import log_softmax, softmax


@quiet
def temperature(z: ArrayLike, targets: ArrayLike, tau: float) -> Array:
    """``targets.temperature``: (p_ia sum_b t_ib - t_ia) / tau, with p the softmax of z / tau.

    Parameters
    ----------
    z, targets : array_like, shape (..., K)
        Logits, and one-hot or soft labels t.
    tau : float
        Positive.

    Raises
    ------
    TypeError, ValueError
        For shapes that differ, numbers that are not finite and tau <= 0.

    Examples
    --------
    >>> from reference_impl.targets import temperature
    >>> temperature([[0.0, 0.0]], [[1.0, 0.0]], 2.0).tolist()
    [[-0.25, 0.25]]
    """
    z = points("z", z)
    targets = _like(targets, "targets", z)
    tau = arguments.positive("tau", tau)
    residual = _residual(representable("z / tau", z / tau), targets)
    return representable("the gradient", residual / tau)


@quiet
def distillation(z: ArrayLike, teacher: ArrayLike, tau: float) -> Array:
    """``targets.distillation``: (softmax(z / tau) - softmax(teacher / tau)) / tau.

    Parameters
    ----------
    z, teacher : array_like, shape (..., K)
        Logits of student and teacher.
    tau : float
        Positive.

    Raises
    ------
    TypeError, ValueError
        As `temperature`.

    Examples
    --------
    >>> from reference_impl.targets import distillation
    >>> distillation([[0.0, 0.0]], [[900.0, -900.0]], 1.0).tolist()
    [[-0.5, 0.5]]
    """
    z = points("z", z)
    teacher = _like(teacher, "teacher", z)
    tau = arguments.positive("tau", tau)
    taught = softmax(representable("teacher / tau", teacher / tau))
    residual = _residual(representable("z / tau", z / tau), taught)
    return representable("the gradient", residual / tau)


@quiet
def label_smoothing(z: ArrayLike, targets: ArrayLike, weight: ArrayLike, alpha: float) -> Array:
    """``targets.label_smoothing``: p_ia sum_b q_ib c_b - q_ia c_a, q = (1 - alpha) t + alpha / K.

    Parameters
    ----------
    z, targets : array_like, shape (..., K)
        Logits, and labels t.
    weight : array_like, shape (K,)
        c, one for each class, not negative.
    alpha : float
        Between 0 and 1.

    Raises
    ------
    TypeError, ValueError
        For shapes that do not fit, a negative weight and an alpha outside of [0, 1].

    Examples
    --------
    >>> from reference_impl.targets import label_smoothing
    >>> label_smoothing([[0.0, 0.0]], [[1.0, 0.0]], [1.0, 1.0], 0.5).tolist()
    [[-0.25, 0.25]]
    >>> label_smoothing([[0.0, 0.0]], [[1.0, 0.0]], [1.0, 1.0], 1.0).tolist()
    [[0.0, 0.0]]
    """
    z = points("z", z)
    targets = _like(targets, "targets", z)
    alpha = arguments.fraction("alpha", alpha)
    weights = _weights("weight", weight, z.shape[-1:])
    pull = ((1.0 - alpha) * targets + alpha / z.shape[-1]) * weights
    return representable("the gradient", _residual(z, pull))


@quiet
def label_smoothing_mean(
    z: ArrayLike, targets: ArrayLike, weight: ArrayLike, alpha: float
) -> Array:
    """``targets.label_smoothing_mean``: `label_smoothing` over sum_j sum_b c_b t_jb, as in PyTorch.

    Parameters
    ----------
    z, targets, weight, alpha
        As in `label_smoothing`.

    Raises
    ------
    TypeError, ValueError
        As `label_smoothing`, for a negative label, and where no label has a positive weight.

    Examples
    --------
    >>> from reference_impl.targets import label_smoothing_mean
    >>> label_smoothing_mean([[0.0, 0.0]], [[1.0, 0.0]], [2.0, 2.0], 0.5).tolist()
    [[-0.25, 0.25]]
    >>> label_smoothing_mean([[0.0, 0.0]], [[1.0, 0.0]], [0.0, 2.0], 0.5)
    Traceback (most recent call last):
    ...
    ValueError: weight: expected the weights of the labels to add up to more than 0: the mean is 0/0
    """
    gradient = label_smoothing(z, targets, weight, alpha)
    hard = _weights("targets", targets, gradient.shape)
    whole = (hard * np.asarray(weight, dtype=np.float64)).sum()
    return _over("the weights of the labels", gradient, whole)


@quiet
def weighted_mean(z: ArrayLike, targets: ArrayLike, sample_weight: ArrayLike) -> Array:
    """``targets.weighted_mean``: s_i (p_ia sum_b t_ib - t_ia) / sum_j s_j.

    Parameters
    ----------
    z, targets : array_like, shape (..., K)
        Logits, and labels t.
    sample_weight : array_like, shape (...,)
        s, not negative and not all zero.

    Raises
    ------
    TypeError, ValueError
        For shapes that do not fit, a negative weight, and where every row is ignored.

    Examples
    --------
    >>> from reference_impl.targets import weighted_mean
    >>> weighted_mean([[0.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], [3.0, 1.0]).tolist()
    [[-0.375, 0.375], [0.125, -0.125]]
    >>> weighted_mean([[0.0, 0.0]], [[1.0, 0.0]], [0.0])
    Traceback (most recent call last):
    ...
    ValueError: sample_weight: expected a weight > 0, given none: the mean is 0/0
    """
    z = points("z", z)
    targets = _like(targets, "targets", z)
    weights = _weights("sample_weight", sample_weight, z.shape[:-1])
    if not weights.any():
        raise ValueError("sample_weight: expected a weight > 0, given none: the mean is 0/0")
    share = (weights / representable("the sum of the weights", weights.sum()))[..., None]
    return representable("the gradient", share * _residual(z, targets))


@quiet
def class_weighted_mean(
    z: ArrayLike, targets: ArrayLike, weight: ArrayLike, sample_weight: ArrayLike
) -> Array:
    """``targets.class_weighted_mean``: s_i (p_ia sum_b c_b t_ib - c_a t_ia) / sum_j s_j sum_b c_b t_jb.

    Parameters
    ----------
    z, targets : array_like, shape (..., K)
        Logits, and labels t.
    weight : array_like, shape (K,)
        c, one for each class, not negative.
    sample_weight : array_like, shape (...,)
        s: 0 for a row that is ignored, else 1, or any number that is not negative.

    Raises
    ------
    TypeError, ValueError
        For shapes that do not fit, a negative label or weight, and where no row counts.

    Examples
    --------
    >>> from reference_impl.targets import class_weighted_mean
    >>> z, t = [[0.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]
    >>> class_weighted_mean(z, t, [3.0, 1.0], [1.0, 1.0]).tolist()
    [[-0.375, 0.375], [0.125, -0.125]]
    >>> class_weighted_mean(z, t, [3.0, 1.0], [1.0, 0.0]).tolist()
    [[-0.5, 0.5], [0.0, 0.0]]
    """
    z = points("z", z)
    pull = _weights("targets", targets, z.shape)
    pull = pull * _weights("weight", weight, z.shape[-1:])
    pull = pull * _weights("sample_weight", sample_weight, z.shape[:-1])[..., None]
    return _over("the weights of the rows that count", _residual(z, pull), pull.sum())


@quiet
def focal_loss(z: ArrayLike, y: ArrayLike, gamma: float) -> Array:
    """``targets.focal_loss``: the slope of the focal loss of each logit t.

    sigma(-t)^gamma (gamma sigma(t) log sigma(t) - sigma(-t)) for a label 1; for a label 0 minus the
    same at -t.

    Parameters
    ----------
    z, y : array_like, shape (..., K)
        Logits, and labels 0 or 1.
    gamma : float
        Positive.

    Raises
    ------
    TypeError, ValueError
        For shapes that differ, other labels and gamma <= 0.

    Examples
    --------
    >>> from reference_impl.targets import focal_loss
    >>> focal_loss([[900.0, -900.0]], [[1, 0]], 2.0).tolist()
    [[0.0, -0.0]]
    >>> f"{focal_loss([[0.0]], [[1]], 1.0)[0, 0]:.4f}"
    '-0.4233'
    """
    z = points("z", z)
    sign = 2.0 * _labels(y, z) - 1.0
    gamma, t = arguments.positive("gamma", gamma), sign * z
    # The power by its logarithm, which keeps its digits where sigma is close to 1.
    power = np.exp(gamma * log_sigmoid(-t))
    gradient = sign * power * (gamma * sigmoid(t) * log_sigmoid(t) - sigmoid(-t))
    return representable("the gradient", gradient)


@quiet
def many_labels_gradient(z: ArrayLike, y: ArrayLike, positive: ArrayLike) -> Array:
    """``targets.many_labels_gradient``: c_a y_ia (sigma(z_ia) - 1) + (1 - y_ia) sigma(z_ia).

    Parameters
    ----------
    z, y : array_like, shape (..., K)
        Logits, and labels 0 or 1.
    positive : array_like, shape (K,)
        c, the weights of the positives.

    Raises
    ------
    TypeError, ValueError
        For shapes that do not fit, other labels and a negative weight.

    Examples
    --------
    >>> from reference_impl.targets import many_labels_gradient
    >>> many_labels_gradient([[0.0, 0.0]], [[1, 0]], positive=[3.0, 3.0]).tolist()
    [[-1.5, 0.5]]
    >>> many_labels_gradient([[0.0]], [[0.5]], positive=[1.0])
    Traceback (most recent call last):
    ...
    ValueError: y: expected labels 0 and 1, given 0.5 at index (0, 0)
    """
    z = points("z", z)
    labels = _labels(y, z)
    weights = _weights("positive", positive, z.shape[-1:])
    return np.where(labels > 0.0, -weights * sigmoid(-z), sigmoid(z))


@quiet
def masked_log_softmax_forward(z: ArrayLike, mask: ArrayLike) -> Array:
    """``targets.masked_log_softmax_forward``: z_ia - log sum_b m_ib e^z_ib; -inf where m_ia = 0.

    Parameters
    ----------
    z, mask : array_like, shape (..., K)
        Logits, and 1 or True where a class is allowed.

    Raises
    ------
    TypeError, ValueError
        For shapes that differ, another mask, and a row without an allowed class.

    Examples
    --------
    >>> from reference_impl.targets import masked_log_softmax_forward
    >>> masked_log_softmax_forward([[0.0, 5.0, -3.0]], [[1, 0, 0]]).tolist()
    [[0.0, -inf, -inf]]
    >>> masked_log_softmax_forward([[0.0, 5.0]], [[0, 0]])
    Traceback (most recent call last):
    ...
    ValueError: mask: expected a class that is allowed, given none in row 0
    """
    z = points("z", z)
    allowed = _allowed(mask, z)
    return log_softmax(np.where(allowed, z, -np.inf))


@quiet
def masked_log_softmax(z: ArrayLike, mask: ArrayLike, delta: ArrayLike) -> Array:
    """``targets.masked_log_softmax``, RULE 2: delta'_ia - p_ia sum_b delta'_ib.

    p is the softmax of the classes that the mask allows, 0 elsewhere, and so is what is returned.

    Parameters
    ----------
    z, mask, delta : array_like, shape (..., K)
        Logits, 1 or True where a class is allowed, deltas; those of masked classes are ignored.

    Raises
    ------
    TypeError, ValueError
        For shapes that differ, another mask, and a row without an allowed class.

    Examples
    --------
    >>> from reference_impl.targets import masked_log_softmax
    >>> masked_log_softmax([[0.0, 0.0, 9.0]], [[1, 1, 0]], [[1.0, 0.0, 7.0]]).tolist()
    [[0.5, -0.5, 0.0]]
    """
    z = points("z", z)
    allowed = _allowed(mask, z)
    delta = np.where(allowed, delta_of(delta, z.shape), 0.0)
    return representable("RULE 2", _residual(np.where(allowed, z, -np.inf), -delta))


def _like(value: ArrayLike, name: str, z: Array) -> Array:
    return arguments.same_shape(name, value, "z", z)


def _labels(y: ArrayLike, z: Array) -> Array:
    labels = _like(y, "y", z)
    arguments.refuse("y", labels, (labels != 0.0) & (labels != 1.0), "labels 0 and 1")
    return labels


def _allowed(mask: ArrayLike, z: Array) -> NDArray[np.bool_]:
    given = _like(mask, "mask", z)
    arguments.refuse("mask", given, (given != 0.0) & (given != 1.0), "numbers 0 and 1")
    allowed = given > 0.0
    if not allowed.any(axis=-1).all():
        place = tuple(map(int, np.argwhere(~allowed.any(axis=-1))[0]))
        row = place if len(place) > 1 else place[0]
        raise ValueError(f"mask: expected a class that is allowed, given none in row {row}")
    return allowed


def _residual(z: Array, pull: Array) -> Array:
    """Return p_ia sum_b pull_ib - pull_ia.

    Where this cancels, as for a confident right answer, it is the same by the others alone,
    p_ia sum_{b /= a} pull_ib - pull_ia sum_{b /= a} p_ib, in which nothing is taken off 1.
    """
    p, pull = (rows.reshape(-1, z.shape[-1]) for rows in (softmax(z), pull))
    plain = p * pull.sum(axis=-1, keepdims=True) - pull
    by_others = p * sum_of_others(pull) - pull * sum_of_others(p)
    return np.where(np.abs(plain) < np.abs(pull) / 2.0, by_others, plain).reshape(z.shape)


def _over(what: str, gradient: Array, whole: np.float64) -> Array:
    if not whole > 0.0:
        raise ValueError(f"weight: expected {what} to add up to more than 0: the mean is 0/0")
    return representable("the gradient", gradient / representable(f"the sum of {what}", whole))


def _weights(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Array:
    weights = arguments.finite(name, value)
    expected = f"{' x '.join(map(str, shape))} numbers >= 0"
    if weights.shape != shape:
        raise ValueError(f"{name}: expected {expected}, given shape {weights.shape}")
    arguments.refuse(name, weights, weights < 0.0, expected)
    return weights
