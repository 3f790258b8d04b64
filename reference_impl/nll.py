"""The cost layers: the negative log-likelihood of labels, summed over the data points.

Their input is log-probabilities, one data point a row, as ``LogSoftmax`` gives them. Their output
is one number C, so delta is one number too, dC/dC = 1 at the start of a backward pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reference_impl import arguments
from reference_impl.arguments import Array, Labels, representable
from reference_impl.layer import (
    RULES,
    Back,
    BackAlong,
    Gradients,
    along_by_rows,
    by_rows,
    matrix,
    none,
    read_only,
)


@dataclass(frozen=True, eq=False)
class NLL:
    """``nll``: C = -sum_i sum_u [y_i = u] z_u(i), the sum of -z at the labels.

    RULE 1 is ``nll.forward``, RULE 2 ``nll.backward``, delta_u(i) = -delta' [y_i = u], the Jacobian
    ``nll.jacobian``. With weights and smoothing, C = -sum_i s_i sum_u q_u(i) z_u(i) with
    q_u(i) = (1 - epsilon) [y_i = u] + epsilon/K.

    Parameters
    ----------
    y : array_like, shape (N,)
        Labels 0..K-1, copied and read-only.
    sample_weight : array_like, shape (N,), optional
        Weights s_i >= 0, such as those that ``conventions.class_weights`` makes of class weights.
    ignore_index : int, optional
        A label that marks a data point which does not count: its weight is 0.
    smoothing : float
        epsilon, from 0 to 1: the part of a label that is spread over all classes.

    Raises
    ------
    TypeError, ValueError
        For labels that are not integers >= 0, and for a wrong weight, mark or smoothing; the three
        rules, for labels beyond K - 1 or another number of them than of rows.

    Examples
    --------
    >>> from reference_impl.nll import NLL
    >>> layer, log_p = NLL([1, 0]), [[-3.0, -0.25], [-0.5, -2.0]]
    >>> float(layer.forward(log_p)), layer.backward(log_p, 1.0).tolist()
    (0.75, [[0.0, -1.0], [-1.0, 0.0]])
    >>> float(NLL([1, -1], ignore_index=-1).forward(log_p))
    0.25
    """

    y: Labels
    sample_weight: Array | None = None
    ignore_index: int | None = None
    smoothing: float = 0.0

    forward, backward, parameter_gradient, jacobian = RULES

    def __post_init__(self) -> None:
        y = arguments.finite("y", self.y)
        if y.ndim != 1 or not y.size:
            raise ValueError(
                f"y: expected one label for each data point, given shape {y.shape}; "
                f"for a matrix of indicators or soft labels use SoftNLL(Y)"
            )
        s = arguments.weights(self.sample_weight, y, like="y")
        if self.ignore_index is not None:
            ignored = y == arguments.integer("ignore_index", self.ignore_index)
            y, s = np.where(ignored, 0.0, y), np.where(ignored, 0.0, s)
        object.__setattr__(self, "y", read_only(arguments.labels(y, y, None, like="y")))
        object.__setattr__(self, "sample_weight", read_only(s))
        object.__setattr__(self, "smoothing", arguments.fraction("smoothing", self.smoothing))

    @by_rows
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return -sum_i s_i sum_u q_u(i) z_u(i), and RULE 2."""
        if len(z) != len(self.y):
            raise ValueError(
                f"z: expected one row for each of the {len(self.y)} labels, given shape {z.shape}"
            )
        if self.y.max() >= z.shape[1]:
            arguments.labels(self.y, z, n_classes=z.shape[1])
        at_labels, s = (np.arange(len(z)), self.y), np.asarray(self.sample_weight)
        own, all_alike = (1.0 - self.smoothing) * s, self.smoothing / z.shape[1] * s
        spread = all_alike @ z.sum(axis=1) if self.smoothing else 0.0
        value = np.asarray(-(np.sum(own * z[at_labels]) + spread))

        def gradient(delta: Array) -> Array:
            g = np.empty_like(z)
            g[:] = (0.0 - delta * all_alike)[:, np.newaxis]
            g[at_labels] -= delta * own
            return g

        return representable("the sum of -z", value), lambda delta: (gradient(delta), none)

    @along_by_rows
    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """Return the cost of dz, for it is linear in z."""
        return _linear(self.pullback(dz))


@dataclass(frozen=True, eq=False)
class SoftNLL:
    """``nll`` for a matrix of labels: C = -sum_i sum_u Y_iu z_u(i).

    RULE 2 is ``nll.backward``, delta_u(i) = -delta' Y_iu. With indicators Y_iu = [y_i = u] it
    equals ``NLL(y)``; with probabilities it is the cross-entropy summed over the data points.
    Nothing asks the rows of Y to sum to one.

    Parameters
    ----------
    Y : array_like, shape (N, K)
        Indicators or soft labels, copied and read-only.

    Raises
    ------
    TypeError, ValueError
        For labels that are not a finite matrix; the three rules, for z of another shape.

    Examples
    --------
    >>> from reference_impl.nll import SoftNLL
    >>> layer, log_p = SoftNLL([[0.25, 0.75]]), [[-2.0, -1.0]]
    >>> float(layer.forward(log_p)), layer.backward(log_p, 1.0).tolist()
    (1.25, [[-0.25, -0.75]])
    """

    Y: Array

    forward, backward, parameter_gradient, jacobian = RULES

    def __post_init__(self) -> None:
        object.__setattr__(self, "Y", read_only(matrix("Y", self.Y)))

    @by_rows
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return -sum_iu Y_iu z_u(i), and RULE 2."""
        if z.shape != self.Y.shape:
            arguments.same_shape("z", z, "Y", self.Y)
        value = representable("the sum of -Y z", np.asarray(-(self.Y * z).sum()))
        return value, lambda delta: (representable("delta Y", -delta * self.Y), none)

    @along_by_rows
    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """Return the cost of dz, for it is linear in z."""
        return _linear(self.pullback(dz))


def _linear(pullback: tuple[Array, Back]) -> tuple[Array, BackAlong]:
    """Return the derivative of a pullback that is linear in z: only delta changes RULE 2."""
    change_of_value, back = pullback

    def along(delta: Array, change: Array) -> tuple[Array, Gradients]:
        return back(change)[0], {}

    return change_of_value, along
