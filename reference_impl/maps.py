"""Linear maps that share their weights: embedding, convolution, low rank, and one matrix used twice.

Over leading axes `reference_impl.linear.Linear` is one already: with z (N x T x n) it is
``maps.leading_axes_forward``, with the rules ``maps.leading_axes_backward`` and
``maps.leading_axes_parameter_gradient``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reference_impl import arguments
from reference_impl.arguments import Array, Labels, representable
from reference_impl.backpropagation import layers_of
from reference_impl.layer import (
    RULES,
    Back,
    BackAlong,
    Gradients,
    Layer,
    along_by_rows,
    by_rows,
    delta_of,
    jacobian_of_rows,
    matrix,
    pullback,
    read_only,
)
from reference_impl.quiet import quiet


@dataclass(frozen=True, eq=False)
class Embedding:
    """``maps.embedding_forward``: z'_ik = w_ak at a = y_i, the row of each symbol.

    RULE 3 is ``maps.embedding_parameter_gradient``, dC/dw_ak = sum_i [y_i = a] delta'_ik: what a
    repeated symbol gets adds up. There is no RULE 2, for symbols are no numbers.

    Parameters
    ----------
    W : array_like, shape (K, n)
        The table, one row for each symbol.

    Raises
    ------
    TypeError, ValueError
        For a table that is no finite matrix.

    Examples
    --------
    >>> from reference_impl.maps import Embedding
    >>> table = Embedding([[1.0, 2.0], [3.0, 4.0]])
    >>> table.forward([1, 1]).tolist()
    [[3.0, 4.0], [3.0, 4.0]]
    >>> table.parameter_gradient([1, 1], [[1.0, 0.0], [1.0, 5.0]])["W"].tolist()
    [[0.0, 0.0], [2.0, 5.0]]
    >>> table.forward([2])
    Traceback (most recent call last):
    ...
    ValueError: y: expected integers from 0 to 1, rows of W, given 2 at index 0
    """

    W: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "W", read_only(matrix("W", self.W)))

    @quiet
    def forward(self, y: ArrayLike) -> Array:
        """RULE 1, for symbols 0 to K - 1 of any shape: (..., n)."""
        return self.W[_symbols(y, len(self.W))]

    @quiet
    def parameter_gradient(self, y: ArrayLike, delta: ArrayLike) -> Gradients:
        """RULE 3, for delta of the shape of the output."""
        symbols = _symbols(y, len(self.W))
        delta = delta_of(delta, (*symbols.shape, self.W.shape[1]))
        return {"W": representable("sum_i delta(i)", _added(delta, symbols, self.W))}


@dataclass(frozen=True, eq=False)
class Convolution:
    """``maps.convolution_forward``: z'_iru = sum_q sum_k w_uqk x_irqk + b_u, for z (N x S x n).

    The window x_irqk is z_isk at the place s = c r + q - p, counted from 0, and 0 outside: stride
    c, padding p, and (S + 2 p - Q) // c + 1 places of output. RULE 2 is
    ``maps.convolution_backward``, which for stride 1 is ``maps.convolution_flip``; RULE 3
    ``maps.convolution_parameter_gradient``, dC/dw_uqk = sum_i sum_r delta'_iru x_irqk.

    Parameters
    ----------
    W : array_like, shape (K, Q, n)
        The kernel: outputs, taps, features. PyTorch has the taps last.
    b : array_like, shape (K,), optional
        Bias.
    stride, padding : int
        c >= 1, and p >= 0 zeros before the first and after the last place.

    Raises
    ------
    TypeError, ValueError
        For parameters that are not finite or whose shapes do not fit; the rules, for an input that
        is shorter than the kernel.

    Examples
    --------
    >>> from reference_impl.maps import Convolution
    >>> layer = Convolution([[[1.0], [10.0]]])
    >>> layer.forward([[[1.0], [2.0], [3.0]]]).tolist()
    [[[21.0], [32.0]]]
    >>> layer.backward([[[1.0], [2.0], [3.0]]], [[[1.0], [1.0]]]).tolist()
    [[[1.0], [11.0], [10.0]]]
    >>> Convolution([[[1.0], [10.0]]], padding=1).forward([[[1.0]]]).tolist()
    [[[10.0], [1.0]]]
    """

    W: Array
    b: Array | None = None
    stride: int = 1
    padding: int = 0

    rows_meet = True
    forward, backward, parameter_gradient = RULES[:3]

    def __post_init__(self) -> None:
        W = arguments.finite("W", self.W)
        if W.ndim != 3 or 0 in W.shape:
            raise ValueError(f"W: expected shape (outputs, taps, features), given shape {W.shape}")
        object.__setattr__(self, "W", read_only(W))
        if self.b is not None:
            b = arguments.finite("b", self.b)
            if b.shape != W.shape[:1]:
                raise ValueError(f"b: expected shape {W.shape[:1]}, given shape {b.shape}")
            object.__setattr__(self, "b", read_only(b))
        object.__setattr__(self, "stride", arguments.count("stride", self.stride))
        object.__setattr__(self, "padding", arguments.count("padding", self.padding, least=0))

    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return the outputs at all places, and RULES 2 and 3."""
        windows = self._windows(z)

        def back(delta: Array) -> tuple[Array, Callable[[], Gradients]]:
            taken = np.tensordot(delta, self.W, 1)  # for each window, what each of its entries gets
            result = representable("RULE 2", self._put_back(taken, z.shape))
            return result, lambda: self._gradients(windows, delta)

        value = np.tensordot(windows, self.W, ((2, 3), (1, 2)))
        value = value if self.b is None else value + self.b
        return representable("the convolution", value), back

    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """Each product has two factors, each of which changes."""
        windows, moving, dW = self._windows(z), self._windows(dz), dtheta["W"]

        def back(delta: Array, change: Array) -> tuple[Array, Gradients]:
            gradients = self._gradients(windows, change)
            gradients["W"] = gradients["W"] + self._gradients(moving, delta)["W"]
            taken = np.tensordot(change, self.W, 1) + np.tensordot(delta, dW, 1)
            return self._put_back(taken, z.shape), gradients

        moved = np.tensordot(moving, self.W, ((2, 3), (1, 2)))
        moved = moved + np.tensordot(windows, dW, ((2, 3), (1, 2)))
        return moved if self.b is None else moved + dtheta["b"], back

    def jacobian(self, z: ArrayLike) -> Array:
        """``maps.convolution_jacobian``: dz'_iru/dz_isk, of shape (N, T, K, S, n)."""
        return jacobian_of_rows(self, z)

    def _windows(self, z: Array) -> Array:
        """Return x, of shape (N, T, Q, n)."""
        taps, features = self.W.shape[1:]
        if z.ndim != 3 or z.shape[2] != features:
            raise ValueError(
                f"z: expected shape (N, places, {features}) for W of shape {self.W.shape}, "
                f"given shape {z.shape}"
            )
        if z.shape[1] + 2 * self.padding < taps:
            raise ValueError(
                f"z: expected at least {taps - 2 * self.padding} places for {taps} taps and "
                f"padding {self.padding}, given shape {z.shape}"
            )
        padded = np.pad(z, ((0, 0), (self.padding, self.padding), (0, 0)))
        return padded[:, self._places(z.shape[1])]

    def _places(self, length: int) -> Labels:
        """Return what each tap reads at each place of the output, (T, Q), in the padded input."""
        taps = self.W.shape[1]
        starts = np.arange(0, length + 2 * self.padding - taps + 1, self.stride)
        return starts[:, np.newaxis] + np.arange(taps)

    def _put_back(self, taken: Array, shape: tuple[int, ...]) -> Array:
        """Return the sum of what each place of the input gets from the windows that read it."""
        N, length, features = shape
        padded = np.zeros((N, length + 2 * self.padding, features))
        for q, places in enumerate(self._places(length).T):
            padded[:, places] += taken[:, :, q]  # one tap reads each place at most once
        return padded[:, self.padding : self.padding + length]

    def _gradients(self, windows: Array, delta: Array) -> Gradients:
        W = np.tensordot(delta, windows, ((0, 1), (0, 1)))
        gradients = {"W": representable("sum delta x", W)}
        if self.b is not None:
            gradients["b"] = representable("sum delta", np.asarray(delta.sum(axis=(0, 1))))
        return gradients


@dataclass(frozen=True, eq=False)
class LowRank:
    """``maps.low_rank_forward``: z' = z (W + alpha B A)^T, without forming B A.

    RULE 2 is ``maps.low_rank_backward``, delta' W + delta A with delta = alpha delta' B; RULE 3
    ``maps.low_rank_parameter_gradient``, alpha delta'^T (z A^T) by B, delta^T z by A, and
    delta'^T z by W, which is often kept as it is.

    Parameters
    ----------
    W : array_like, shape (K, n)
        Weights.
    A, B : array_like, shapes (R, n) and (K, R)
        The two factors.
    alpha : float
        Positive; in libraries often a number over R.

    Raises
    ------
    TypeError, ValueError
        For matrices that are not finite or whose shapes do not fit, and for alpha <= 0.

    Examples
    --------
    >>> from reference_impl.maps import LowRank
    >>> layer = LowRank([[1.0, 0.0]], A=[[0.0, 1.0]], B=[[2.0]], alpha=0.5)
    >>> layer.forward([[3.0, 4.0]]).tolist(), layer.backward([[3.0, 4.0]], [[1.0]]).tolist()
    ([[7.0]], [[1.0, 1.0]])
    """

    W: Array
    A: Array
    B: Array
    alpha: float = 1.0

    forward, backward, parameter_gradient, jacobian = RULES

    def __post_init__(self) -> None:
        W, A, B = (matrix(name, getattr(self, name)) for name in "WAB")
        if A.shape[1] != W.shape[1]:
            raise ValueError(f"A: expected {W.shape[1]} columns, those of W, given shape {A.shape}")
        if B.shape != (len(W), len(A)):
            raise ValueError(
                f"B: expected shape {(len(W), len(A))}, rows of W x rows of A, given shape {B.shape}"
            )
        for name, value in (("W", W), ("A", A), ("B", B)):
            object.__setattr__(self, name, read_only(value))
        object.__setattr__(self, "alpha", arguments.positive("alpha", self.alpha))

    @by_rows
    def pullback(self, z: Array) -> tuple[Array, Back]:
        """Return z W^T + alpha (z A^T) B^T, and RULES 2 and 3."""
        if z.shape[1] != self.W.shape[1]:
            raise ValueError(
                f"z: expected {self.W.shape[1]} columns for W of shape {self.W.shape}, "
                f"given shape {z.shape}"
            )
        inside = z @ self.A.T

        def back(delta: Array) -> tuple[Array, Callable[[], Gradients]]:
            between = self.alpha * (delta @ self.B)
            return representable("RULE 2", delta @ self.W + between @ self.A), lambda: {
                "W": representable("delta^T z", delta.T @ z),
                "A": representable("by A", between.T @ z),
                "B": representable("by B", self.alpha * (delta.T @ inside)),
            }

        return representable("RULE 1", z @ self.W.T + self.alpha * (inside @ self.B.T)), back

    @along_by_rows
    def pullback_along(
        self, z: Array, dz: Array, dtheta: Mapping[str, Array]
    ) -> tuple[Array, BackAlong]:
        """Return what a change of the input and of all three matrices does."""
        dW, dA, dB = (dtheta[name] for name in "WAB")
        inside, moving = z @ self.A.T, dz @ self.A.T + z @ dA.T

        def back(delta: Array, change: Array) -> tuple[Array, Gradients]:
            between = self.alpha * (delta @ self.B)
            turned = self.alpha * (change @ self.B + delta @ dB)
            return change @ self.W + delta @ dW + turned @ self.A + between @ dA, {
                "W": change.T @ z + delta.T @ dz,
                "A": turned.T @ z + between.T @ dz,
                "B": self.alpha * (change.T @ inside + delta.T @ moving),
            }

        thin = self.alpha * (moving @ self.B.T + inside @ dB.T)
        return dz @ self.W.T + z @ dW.T + thin, back


@dataclass(frozen=True, eq=False)
class Tied:
    """``maps.tied_forward``: z'_iu = sum_k w_uk phi(x_ik), with x_ik = w_ak at a = y_i.

    RULE 3 is ``maps.tied_parameter_gradient``: the gradient of a linear layer and that of an
    embedding, added.

    Parameters
    ----------
    W : array_like, shape (K, n)
        The table, and the weights of the logits.
    between : Layer
        phi, without parameters, from n features to n.

    Raises
    ------
    TypeError, ValueError
        For a W that is no finite matrix, and what is no layer; the rules, for a layer that does
        not give n features.

    Examples
    --------
    >>> from reference_impl.backpropagation import Chain
    >>> from reference_impl.maps import Tied
    >>> layer = Tied([[1.0, 0.0], [0.0, 2.0]], Chain([]))
    >>> layer.forward([1]).tolist()
    [[0.0, 4.0]]
    >>> layer.parameter_gradient([1], [[1.0, 0.0]])["W"].tolist()
    [[0.0, 2.0], [1.0, 0.0]]
    """

    W: Array
    between: Layer

    def __post_init__(self) -> None:
        object.__setattr__(self, "W", read_only(matrix("W", self.W)))
        layers_of("between", [self.between])

    @quiet
    def forward(self, y: ArrayLike) -> Array:
        """RULE 1, for symbols 0 to K - 1 of any shape: (..., K)."""
        return representable("the logits", self._hidden(_symbols(y, len(self.W)))[0] @ self.W.T)

    @quiet
    def parameter_gradient(self, y: ArrayLike, delta: ArrayLike) -> Gradients:
        """RULE 3, for delta of the shape of the output."""
        symbols = _symbols(y, len(self.W))
        delta = delta_of(delta, (*symbols.shape, len(self.W)))
        hidden, back = self._hidden(symbols)
        below = back(delta @ self.W)[0]
        as_weights = delta.reshape(-1, len(self.W)).T @ hidden.reshape(-1, self.W.shape[1])
        return {"W": representable("the gradient", as_weights + _added(below, symbols, self.W))}

    def _hidden(self, symbols: Labels) -> tuple[Array, Back]:
        value, back = pullback(self.between, self.W[symbols])
        if value.shape != (*symbols.shape, self.W.shape[1]):
            raise ValueError(
                f"between: expected a layer that gives {self.W.shape[1]} features, those of W, "
                f"given shape {value.shape}"
            )
        return value, back


def _symbols(y: ArrayLike, count: int) -> Labels:
    """Return symbols 0 to count - 1 of any shape but a number alone."""
    values = arguments.finite("y", y)
    if not values.ndim or not values.size:
        raise ValueError(f"y: expected at least one symbol, given shape {values.shape}")
    wrong = (values < 0) | (values >= count) | (values != np.floor(values))
    arguments.refuse("y", values, wrong, f"integers from 0 to {count - 1}, rows of W")
    return values.astype(np.int64)


def _added(delta: Array, symbols: Labels, like: Array) -> Array:
    """Return for each row of a table the sum of the deltas where it was looked up."""
    gradient = np.zeros_like(like)
    np.add.at(gradient, symbols, delta)  # gradient[symbols] += delta would keep one of each
    return gradient
