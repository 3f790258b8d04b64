"""Attention, embedding, convolution, pooling, dropout, gates, recurrence, reshaping."""

import numpy as np
from scipy.special import expit, softmax as sm

from .entry import (
    FACTOR,
    FIRST,
    LAST,
    OMITTED,
    PASSED,
    SIGN,
    TRANSPOSED,
    ZERO,
    Plain,
    changed,
    function,
    layer,
    normal,
)

T, D = 4, 3
Q, K, V = (normal(T, D, seed=s) for s in (80, 81, 82))
QS, KS, VS = (normal(3, 3, seed=s) for s in (83, 84, 85))
CAUSAL = np.where(np.tril(np.ones((T, T))) > 0, 0.0, -np.inf)
Z, STEPS = normal(5, 4, seed=86), normal(2, 6, 3, seed=87)
SKIP = r"missing|left out|term|path"


def softmax_back(P, dP):
    return P * (dP - (P * dP).sum(axis=-1, keepdims=True))


def attention(Q, K, V):
    return sm(Q @ K.T / np.sqrt(Q.shape[1]), axis=1) @ V


def attention_back(Q, K, V, delta):
    s = 1 / np.sqrt(Q.shape[1])
    P = sm(Q @ K.T * s, axis=1)
    dS = softmax_back(P, delta @ V.T)
    return dS @ K * s, dS.T @ Q * s, P.T @ delta


def scores_back(Q, K, V, delta, dS, s=None):
    """attention_back with other deltas of the scores, or another scale."""
    s = 1 / np.sqrt(Q.shape[1]) if s is None else s
    P = sm(Q @ K.T / np.sqrt(Q.shape[1]), axis=1)
    dS = dS(P, delta @ V.T)
    return dS @ K * s, dS.T @ Q * s, P.T @ delta


def causal(Q, K, V):
    return sm(Q @ K.T / np.sqrt(D) + CAUSAL, axis=1) @ V


def causal_back(Q, K, V, delta, masked=True):
    P = sm(Q @ K.T / np.sqrt(D) + (CAUSAL if masked else 0), axis=1)
    dS = softmax_back(P, delta @ V.T) / np.sqrt(D)
    return dS @ K, dS.T @ Q, P.T @ delta


class SelfAttention:
    """One head: z is T x n."""

    def __init__(self):
        self.Wq, self.Wk, self.Wv = (normal(3, 3, seed=s) for s in (88, 89, 90))

    def forward(self, z):
        return attention(z @ self.Wq, z @ self.Wk, z @ self.Wv)

    def deltas(self, z, delta):
        return attention_back(z @ self.Wq, z @ self.Wk, z @ self.Wv, delta)

    def backward(self, z, delta):
        dq, dk, dv = self.deltas(z, delta)
        return dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T

    def parameter_gradient(self, z, delta):
        names = "Wq", "Wk", "Wv"
        return {n: z.T @ d for n, d in zip(names, self.deltas(z, delta), strict=True)}


IDS = np.array([[1, 0, 1], [4, 1, 1]])


def embed(E):
    return E[IDS]


def embed_back(E, delta):
    dE = np.zeros_like(E)
    np.add.at(dE, IDS, delta)
    return dE


def embed_put(E, delta):
    dE = np.zeros_like(E)
    dE[IDS] += delta
    return dE


def windows(z, k=3):
    return np.stack([z[:, i : i + z.shape[1] - k + 1] for i in range(k)], axis=2)


class Conv1d:
    """N x L x channels -> N x (L - 2) x out; W is 3 x channels x out."""

    def __init__(self):
        self.W, self.b = normal(3, 3, 3, seed=91), normal(3, seed=92)

    def forward(self, z):
        return np.einsum("nlkc,kco->nlo", windows(z), self.W) + self.b

    def spread(self, delta, W):
        dz = np.zeros((len(delta), delta.shape[1] + 2, 3))
        for k in range(3):
            dz[:, k : k + delta.shape[1]] += delta @ W[k].T
        return dz

    def backward(self, z, delta):
        return self.spread(delta, self.W)

    def parameter_gradient(self, z, delta):
        return {
            "W": np.einsum("nlkc,nlo->kco", windows(z), delta),
            "b": delta.sum(axis=(0, 1)),
        }


def average_pool(z):
    return z.reshape(len(z), -1, 2).mean(axis=2)


def max_pool(z):
    return z.reshape(len(z), -1, 2).max(axis=2)


def max_pool_mask(z):
    pairs = z.reshape(len(z), -1, 2)
    return np.eye(2)[pairs.argmax(axis=2)]


def max_pool_back(z, delta):
    return (max_pool_mask(z) * delta[:, :, None]).reshape(z.shape)


class Dropout:
    """The mask is drawn once, so that forward is a function."""

    def __init__(self, p=0.4):
        self.p = p
        self.mask = np.random.default_rng(93).random((5, 4)) > p

    def forward(self, z):
        return z * self.mask / (1 - self.p)

    def backward(self, delta):
        return delta * self.mask / (1 - self.p)


class GLU:
    """a sigmoid(b), the halves of z"""

    def forward(self, z):
        a, b = np.split(z, 2, axis=1)
        return a * expit(b)

    def backward(self, z, delta):
        a, b = np.split(z, 2, axis=1)
        s = expit(b)
        return np.hstack([delta * s, delta * a * s * (1 - s)])


def glu(name, slip, cause, rule):
    """``rule`` makes what backward returns of delta, a and sigmoid(b)."""

    def backward(self, z, delta):
        a, b = np.split(z, 2, axis=1)
        return np.hstack(rule(delta, a, expit(b)))

    return layer(name, changed(GLU, backward=backward), Z, slip, cause)


class RNN:
    """h = tanh(x W + h U), the last h; z is N x T x n."""

    def __init__(self):
        self.W, self.U = normal(3, 3, seed=94, scale=0.6), normal(3, 3, seed=95, scale=0.6)

    def states(self, z):
        hs = [np.zeros((len(z), 3))]
        for t in range(z.shape[1]):
            hs.append(np.tanh(z[:, t] @ self.W + hs[-1] @ self.U))
        return hs

    def forward(self, z):
        return self.states(z)[-1]

    def through_time(self, z, delta, steps=None):
        hs, dz = self.states(z), np.zeros_like(z)
        dW, dU = np.zeros_like(self.W), np.zeros_like(self.U)
        last = z.shape[1]
        for t in range(last - 1, last - 1 - (steps or last), -1):
            d = delta * (1 - hs[t + 1] ** 2)
            dW, dU = dW + z[:, t].T @ d, dU + hs[t].T @ d
            dz[:, t], delta = d @ self.W.T, d @ self.U.T
        return dz, dW, dU

    def backward(self, z, delta):
        return self.through_time(z, delta)[0]

    def parameter_gradient(self, z, delta):
        _, dW, dU = self.through_time(z, delta)
        return {"W": dW, "U": dU}


def lstm_cell(f, i, g, c):
    return expit(f) * c + expit(i) * np.tanh(g)


def lstm_back(f, i, g, c, d):
    F, I, G = expit(f), expit(i), np.tanh(g)
    return d * c * F * (1 - F), d * G * I * (1 - I), d * I * (1 - G**2), d * F


def rotate(z, a=0.7):
    x, y = np.split(z, 2, axis=1)
    return np.hstack([x * np.cos(a) - y * np.sin(a), x * np.sin(a) + y * np.cos(a)])


def merged(a, b):
    return np.concatenate([a, b], axis=1)


def vjp(name, f, args, slip, cause, back):
    return function(name, f, args, slip, cause, wrt=tuple(range(len(args))), vjp=back)


def plain(name, forward, backward, slip="", cause="", z=Z):
    return layer(name, lambda: Plain(forward, backward), z, slip, cause)


HEADS, GATES = (Q, K, V), tuple(normal(4, seed=s) for s in (96, 97, 98, 99))
WU, WQKV, WB = ("W", "U"), ("Wq", "Wk", "Wv"), ("W", "b")
E = normal(5, 3, seed=100)
PAIRS = normal(3, 6, seed=101)

RIGHT = [
    vjp("attention", attention, HEADS, "", "", attention_back),
    vjp("causal attention", causal, HEADS, "", "", causal_back),
    layer("self-attention", SelfAttention, normal(4, 3, seed=102), parameters=WQKV),
    vjp("embedding", embed, (E,), "", "", embed_back),
    layer("convolution", Conv1d, STEPS, parameters=WB),
    plain("average pooling", average_pool, lambda z, d: np.repeat(d, 2, axis=1) / 2, z=PAIRS),
    plain("max pooling", max_pool, max_pool_back, z=PAIRS),
    layer("dropout, its mask kept", Dropout, Z, style="cached"),
    layer("gated linear unit", GLU, Z),
    layer("recurrence", RNN, normal(2, 4, 3, seed=103), parameters=WU),
    vjp("LSTM cell", lstm_cell, GATES, "", "", lstm_back),
    plain("rotation", rotate, lambda z, d: rotate(d, -0.7)),
    plain("cumulative sum", lambda z: np.cumsum(z, axis=1),
          lambda z, d: np.cumsum(d[:, ::-1], axis=1)[:, ::-1]),
    vjp("concatenation", merged, (Q, K), "", "", lambda a, b, d: tuple(np.split(d, [D], axis=1))),
    plain("sum of squares of rows", lambda z: (z**2).sum(axis=1), lambda z, d: 2 * z * d[:, None]),
]  # fmt: skip

WRONG = [
    vjp("attention: scale lost for Q", attention, HEADS, "1/√d is missing in the gradient of Q",
        FACTOR, lambda Q, K, V, d: (attention_back(Q, K, V, d)[0] * np.sqrt(D),
                                    *attention_back(Q, K, V, d)[1:])),
    vjp("attention: scale lost", attention, HEADS, "1/√d is missing for Q and K", FACTOR,
        lambda Q, K, V, d: scores_back(Q, K, V, d, softmax_back, 1.0)),
    vjp("attention: 1/d", attention, HEADS, "1/d for 1/√d", FACTOR,
        lambda Q, K, V, d: scores_back(Q, K, V, d, softmax_back, 1 / D)),
    vjp("attention: diagonal of softmax", attention, HEADS, "Only the diagonal of softmax's Jacobian",
        r"diagonal|softmax|sum|" + SKIP,
        lambda Q, K, V, d: scores_back(Q, K, V, d, lambda P, dP: P * (1 - P) * dP)),
    vjp("attention: softmax passed", attention, HEADS, "The softmax is passed over",
        PASSED + "|softmax|" + SKIP, lambda Q, K, V, d: scores_back(Q, K, V, d, lambda P, dP: dP)),
    vjp("attention: P not transposed", attention, (QS, KS, VS), "P is not transposed for V",
        TRANSPOSED, lambda Q, K, V, d: (*attention_back(Q, K, V, d)[:2], sm(
            Q @ K.T / np.sqrt(3), axis=1) @ d)),
    vjp("attention: scores not transposed", attention, (QS, KS, VS), "Not transposed for K",
        TRANSPOSED, lambda Q, K, V, d: (attention_back(Q, K, V, d)[0], softmax_back(
            P := sm(Q @ K.T / np.sqrt(3), axis=1), d @ V.T) @ Q / np.sqrt(3) + 0 * P,
            attention_back(Q, K, V, d)[2])),
    vjp("attention: Q and K swapped", attention, (QS, KS, VS), "The gradients of Q and K are swapped",
        r"swap|exchang", lambda Q, K, V, d: (*attention_back(Q, K, V, d)[1::-1],
                                             attention_back(Q, K, V, d)[2])),
    vjp("causal attention: mask lost", causal, HEADS, "backward has no mask", r"mask|triang|causal",
        lambda Q, K, V, d: causal_back(Q, K, V, d, False)),
    layer("self-attention: value path only", changed(SelfAttention, backward=lambda self, z, d:
          self.deltas(z, d)[2] @ self.Wv.T), normal(4, 3, seed=102),
          "The paths by queries and keys are left out", SKIP, parameters=WQKV),
    layer("self-attention: keys left out", changed(SelfAttention, backward=lambda self, z, d:
          self.deltas(z, d)[2] @ self.Wv.T + self.deltas(z, d)[0] @ self.Wq.T),
          normal(4, 3, seed=102), "The path by the keys is left out", SKIP, parameters=WQKV),
    layer("self-attention: Wk left out", changed(SelfAttention, parameter_gradient=lambda self, z, d: {
          n: g for n, g in SelfAttention.parameter_gradient(self, z, d).items() if n != "Wk"}),
          normal(4, 3, seed=102), "The gradient of Wk is left out", OMITTED, parameters=WQKV),
    # embedding
    vjp("embedding: duplicates", embed, (E,), "What is looked up twice counts once",
        r"duplicat|repeat|add\.at|" + LAST, embed_put),
    vjp("embedding: mean", embed, (E,), "Divided by how often it is looked up",
        r"mean|averag|count|row|" + FACTOR, lambda E, d: embed_back(E, d) / np.maximum(
            1, np.bincount(IDS.ravel(), minlength=5))[:, None]),
    vjp("embedding: padding", embed, (E,), "The gradient of the first entry is put to zero",
        ZERO + r"|mask|padding|" + FIRST, lambda E, d: embed_back(E, d) * (
            np.arange(5) != 1)[:, None]),
    vjp("embedding: scale", lambda E: E[IDS] * np.sqrt(3), (E,), "√d is missing", FACTOR, embed_back),
    vjp("embedding: off by one", embed, (E,), "The indices are off by one",
        r"roll|shift|off by one|row|order|permut", lambda E, d: np.roll(embed_back(E, d), 1, axis=0)),
    # convolution and pooling
    layer("convolution: kernel turned", changed(Conv1d, backward=lambda self, z, d: self.spread(
          d, self.W[::-1])), STEPS, "The kernel is reversed in backward", r"revers|flip|turn|mirror",
          parameters=WB),
    layer("convolution: channels swapped", changed(Conv1d, backward=lambda self, z, d: self.spread(
          d, self.W.transpose(0, 2, 1))), STEPS, "Input and output channels are swapped",
          TRANSPOSED + r"|channel|swap", parameters=WB),
    layer("convolution: middle tap", changed(Conv1d, backward=lambda self, z, d: self.spread(
          d, self.W * np.array([0, 1, 0])[:, None, None])), STEPS, "Only one tap of the kernel counts",
          r"tap|kernel|only|part|" + SKIP, parameters=WB),
    layer("convolution: shifted", changed(Conv1d, backward=lambda self, z, d: np.roll(self.spread(
          d, self.W), 1, axis=1)), STEPS, "The result is shifted by one", r"roll|shift|off by one",
          parameters=WB),
    layer("convolution: bias of one row", changed(Conv1d, parameter_gradient=lambda self, z, d: {
          **Conv1d.parameter_gradient(self, z, d), "b": d[0].sum(axis=0)}), STEPS,
          "Only the first sequence counts", FIRST, parameters=WB),
    layer("convolution: dW reversed", changed(Conv1d, parameter_gradient=lambda self, z, d: {
          **Conv1d.parameter_gradient(self, z, d),
          "W": Conv1d.parameter_gradient(self, z, d)["W"][::-1]}), STEPS,
          "The gradient of the kernel is reversed", r"revers|flip|turn|mirror", parameters=WB),
    plain("average pooling: not divided", average_pool, lambda z, d: np.repeat(d, 2, axis=1),
          "Not divided by the size of the window", FACTOR + "|mean", z=PAIRS),
    plain("average pooling: tiled", average_pool, lambda z, d: np.tile(d, 2) / 2,
          "Tiled, not repeated", r"order|permut|tile|repeat|roll|rearrang", z=PAIRS),
    plain("average pooling: first of the window", average_pool, lambda z, d: np.kron(d, [[1, 0]]),
          "All goes to the first of the window", r"first|mask|only|column|" + ZERO, z=PAIRS),
    plain("max pooling: spread", max_pool, lambda z, d: np.repeat(d, 2, axis=1) / 2,
          "Spread over the window as for the average", r"mean|averag|mask|max|half|spread|" + FACTOR,
          z=PAIRS),
    plain("max pooling: all of the window", max_pool, lambda z, d: np.repeat(d, 2, axis=1),
          "delta for the whole window", r"mask|max|where|only|zero|" + PASSED, z=PAIRS),
    plain("max pooling: the other one", max_pool, lambda z, d: np.repeat(d, 2, axis=1)
          - max_pool_back(z, d), "delta goes to the smaller one", r"mask|max|where|swap|revers|permut|"
          "order|side|roll|min", z=PAIRS),
    plain("maximum of rows: value", lambda z: z.max(axis=1), lambda z, d: d[:, None] * z * (
          z == z.max(axis=1, keepdims=True)), "Multiplied by the maximum", r"value|output|\bz\b|row|"
          + FACTOR),
    # dropout
    layer("dropout: scale lost", changed(Dropout, backward=lambda self, d: d * self.mask), Z,
          "1/(1 - p) is missing", FACTOR, style="cached"),
    layer("dropout: scale by p", changed(Dropout, backward=lambda self, d: d * self.mask / self.p), Z,
          "1/p for 1/(1 - p)", FACTOR, style="cached"),
    layer("dropout: mask lost", changed(Dropout, backward=lambda self, d: d / (1 - self.p)), Z,
          "The mask is missing", r"mask|where|zero|only", style="cached"),
    layer("dropout: other mask", changed(Dropout, backward=lambda self, d: d * ~self.mask
          / (1 - self.p)), Z, "The entries that were dropped", r"mask|where|zero|invert|complement",
          style="cached"),
    layer("dropout: delta as it is", changed(Dropout, backward=lambda self, d: 1.0 * d), Z,
          "delta is passed through", PASSED, style="cached"),
    # gates
    glu("gate: halves swapped", "The halves are swapped", r"swap|order|roll|permut|revers|half",
        lambda d, a, s: [d * a * s * (1 - s), d * s]),
    glu("gate: its slope lost", "The slope of the sigmoid is missing", r"slope|factor|value|output|1 -|"
        "derivative|column|mask", lambda d, a, s: [d * s, d * a]),
    glu("gate: not differentiated", "The gate is taken for constant",
        ZERO + r"|constant|column|mask|" + SKIP, lambda d, a, s: [d * s, 0 * d]),
    glu("gate: a lost", "The factor a is missing", r"factor|\ba\b|\bz\b|input|column|half",
        lambda d, a, s: [d * s, d * s * (1 - s)]),
    # recurrence
    layer("recurrence: one step", changed(RNN, through_time=lambda self, z, d: RNN.through_time(
          self, z, d, 1)), normal(2, 4, 3, seed=103), "Only the last step is differentiated",
          r"last|step|zero|truncat|only|" + SKIP, parameters=WU),
    layer("recurrence: truncated", changed(RNN, through_time=lambda self, z, d: RNN.through_time(
          self, z, d, 3)), normal(2, 4, 3, seed=103), "The first step is left out",
          r"first|step|zero|truncat|only|" + SKIP, parameters=WU),
    layer("recurrence: U as W", changed(RNN, parameter_gradient=lambda self, z, d: {
          "W": RNN.parameter_gradient(self, z, d)["W"],
          "U": RNN.parameter_gradient(self, z, d)["W"]}), normal(2, 4, 3, seed=103),
          "The gradient of W for that of U", r"same|copied|swap|gradient of W", parameters=WU),
    vjp("LSTM cell: slope of the gate lost", lstm_cell, GATES, "The slope of the forget gate is "
        "missing", r"slope|factor|sigmoid|derivative|output|value|1 -", lambda f, i, g, c, d: (
            d * c, *lstm_back(f, i, g, c, d)[1:])),
    vjp("LSTM cell: slope of tanh lost", lstm_cell, GATES, "The slope of tanh is missing",
        r"slope|factor|tanh|derivative|output|value|1 -", lambda f, i, g, c, d: (
            *lstm_back(f, i, g, c, d)[:2], d * expit(i), lstm_back(f, i, g, c, d)[3])),
    vjp("LSTM cell: cell passed", lstm_cell, GATES, "The cell passes delta, without the gate",
        PASSED + "|" + FACTOR + "|gate", lambda f, i, g, c, d: (
            *lstm_back(f, i, g, c, d)[:3], 1.0 * d)),
    vjp("LSTM cell: gates swapped", lstm_cell, GATES, "The gradients of two gates are swapped",
        r"swap|exchang", lambda f, i, g, c, d: (
            lambda F, I, G, C: (I, F, G, C))(*lstm_back(f, i, g, c, d))),
    # reshaping
    plain("rotation: the same angle", rotate, lambda z, d: rotate(d),
          "Rotated forth, not back: the matrix is not transposed", TRANSPOSED + "|" + SIGN + "|angle"),
    plain("cumulative sum: not reversed", lambda z: np.cumsum(z, axis=1),
          lambda z, d: np.cumsum(d, axis=1), "Summed from the wrong end: not transposed",
          TRANSPOSED + r"|revers|flip|order"),
    plain("cumulative sum: passed", lambda z: np.cumsum(z, axis=1), lambda z, d: 1.0 * d,
          "delta is passed through", PASSED + "|diagonal"),
    vjp("concatenation: swapped", merged, (Q, K), "The parts are swapped", r"swap|exchang|order",
        lambda a, b, d: tuple(np.split(d, [D], axis=1))[::-1]),
    plain("reversal: twice", lambda z: z[:, ::-1] * 1.0, lambda z, d: 1.0 * d,
          "delta is passed through, not reversed", PASSED + r"|revers|flip|order"),
    plain("roll: the same way", lambda z: np.roll(z, 1, axis=1), lambda z, d: np.roll(d, 1, axis=1),
          "Rolled forth, not back", r"roll|shift|transpos|order|permut|revers"),
    plain("sum of squares: row of delta", lambda z: (z**2).sum(axis=1), lambda z, d: 2 * z * d.mean(),
          "The mean of delta for its own entry", r"mean|sum|delta|row|own"),
    plain("reshape: other order", lambda z: z.reshape(4, 5) ** 2, lambda z, d: 2 * z * d.reshape(
          5, 4, order="F"), "Reshaped in the other order", r"order|permut|reshape|transpos|rearrang"),
]  # fmt: skip
