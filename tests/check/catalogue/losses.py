"""Softmax and the losses of classification and regression."""

import numpy as np
from scipy.special import expit, log_softmax as logsm, softmax as sm

from .entry import (
    DELTA_IGNORED,
    FACTOR,
    MEAN,
    PASSED,
    SIGN,
    TRANSPOSED,
    ZERO,
    Plain,
    function,
    layer,
    normal,
)

Z = normal(5, 4, seed=40)
N, K = Z.shape
LABELS = np.array([2, 0, 3, 3, 1])
Y = np.eye(K)[LABELS]
WEIGHTS = np.array([0.5, 2.0, 1.0, 3.0])
SOFT = sm(normal(5, 4, seed=41), axis=1)
t = normal(5, 4, seed=42)
X, TARGET = normal(7, seed=43, scale=2.0), normal(7, seed=44)
BITS = np.array([0, 1, 1, 0, 1, 0, 0])
SIGNS = 2 * BITS - 1
KEEP = np.array([1, 1, 0, 1, 0])
MASK = r"mask|where|only|entries|side|region|rows?|clip|branch"
LABEL = r"label|one-hot|target|\bhard\b|\by\b"


def softmax(z):
    return sm(z, axis=1)


def log_softmax(z):
    return logsm(z, axis=1)


def softmax_back(z, delta):
    p = softmax(z)
    return p * (delta - (p * delta).sum(axis=1, keepdims=True))


def log_softmax_back(z, delta):
    return delta - softmax(z) * delta.sum(axis=1, keepdims=True)


def both(forward, backward):
    return lambda: Plain(forward, backward)


class CrossEntropy:
    """The cost of logits and labels, kept for backward, which takes no delta but 1."""

    def __init__(self, labels=LABELS):
        self.labels = labels

    def forward(self, z):
        self.p = softmax(z)
        return -np.log(self.p[np.arange(len(z)), self.labels]).mean()

    def backward(self, delta=1.0):
        dz = self.p.copy()
        dz[np.arange(len(dz)), self.labels] -= 1
        return delta * dz / len(dz)


def vector_softmax(z):
    return sm(z)


def cross_entropy(z):
    return -(Y * log_softmax(z)).sum()


def mean_cross_entropy(z):
    return cross_entropy(z) / N


def smoothed(z, a=0.1):
    return -(((1 - a) * Y + a / K) * log_softmax(z)).sum()


def weighted(z):
    return -(WEIGHTS[LABELS] * log_softmax(z)[np.arange(N), LABELS]).sum()


def weighted_mean(z):
    return weighted(z) / WEIGHTS[LABELS].sum()


def ignoring(z):
    return -(KEEP[:, None] * Y * log_softmax(z)).sum() / KEEP.sum()


def ignoring_smoothed(z, a=0.1):
    return -(KEEP[:, None] * ((1 - a) * Y + a / K) * log_softmax(z)).sum() / KEEP.sum()


def distilled(z, T=3.0):
    return -(SOFT * log_softmax(z / T)).sum() * T**2


def focal(z, gamma=2.0):
    p = softmax(z)[np.arange(N), LABELS]
    return -((1 - p) ** gamma * np.log(p)).sum()


def focal_grad(z, gamma=2.0):
    p = softmax(z)[np.arange(N), LABELS]
    dp = gamma * (1 - p) ** (gamma - 1) * np.log(p) - (1 - p) ** gamma / p
    return (dp * p)[:, None] * (Y - softmax(z))


def nll_of_probabilities(p):
    return -(Y * np.log(p)).sum()


def mse(x, target):
    return np.mean((x - target) ** 2)


def huber(x, d=0.7):
    r = np.abs(x - TARGET)
    return np.where(r <= d, 0.5 * r**2, d * (r - 0.5 * d)).sum()


def mae(x):
    return np.abs(x - TARGET).sum()


def log_cosh(x):
    return np.log(np.cosh(x - TARGET)).sum()


def pinball(x, tau=0.8):
    r = TARGET - x
    return np.maximum(tau * r, (tau - 1) * r).sum()


def hinge(x):
    return np.maximum(0, 1 - SIGNS * x).sum()


def squared_hinge(x):
    return (np.maximum(0, 1 - SIGNS * x) ** 2).sum()


def modified_huber(x):
    d = SIGNS * x
    return np.where(d < -1, -4 * d, np.maximum(0, 1 - d) ** 2).sum()


def multiclass_hinge(z):
    margin = np.maximum(0, z - z[np.arange(N), LABELS][:, None] + 1)
    return margin.sum() - N


def multiclass_hinge_grad(z, count=True):
    on = (z - z[np.arange(N), LABELS][:, None] + 1 > 0).astype(float)
    on[np.arange(N), LABELS] = 0
    return on - (on.sum(axis=1, keepdims=True) if count else 1) * Y


def bce(p):
    return -(BITS * np.log(p) + (1 - BITS) * np.log(1 - p)).sum()


def bce_logits(x):
    return (np.logaddexp(0, x) - BITS * x).sum()


def bce_weighted(x, w=3.0):
    return (w * BITS * np.logaddexp(0, -x) + (1 - BITS) * np.logaddexp(0, x)).sum()


def kl(p, q):
    return (p * np.log(p / q)).sum()


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def cosine_grad(a, b):
    return b / np.linalg.norm(a) / np.linalg.norm(b) - cosine(a, b) * a / (a @ a)


def poisson(x):
    return (np.exp(x) - BITS * x).sum()


def triplet(a, p, n):
    return max(0.0, np.sum((a - p) ** 2) - np.sum((a - n) ** 2) + 30.0)


def logsumexp(z):
    return np.log(np.exp(z).sum())


def sech_squared(x):
    return 1 / np.cosh(x - TARGET) ** 2


P = expit(X)
T, Q = (sm(normal(6, seed=s)) for s in (45, 46))
a, b, c = (normal(6, seed=s) for s in (47, 48, 49))


def grad(name, f, gradient, slip="", cause="", at=Z):
    """A cost of one argument."""
    return function(name, f, (at,), slip, cause, grad=gradient)


RIGHT = [
    layer("softmax", both(softmax, softmax_back), Z),
    layer("softmax, large logits", both(softmax, softmax_back), 20 * Z),
    layer("log-softmax", both(log_softmax, log_softmax_back), Z),
    layer("log-softmax, N(0, 10)", both(log_softmax, log_softmax_back), normal(4, 10, seed=50,
          scale=10.0)),
    layer("cross-entropy with state", CrossEntropy, Z, style="cached"),
    function("softmax of a vector", vector_softmax, (Z[0],),
             jacobian=lambda z: np.diag(sm(z)) - np.outer(sm(z), sm(z))),
    grad("cross-entropy", cross_entropy, lambda z: softmax(z) - Y),
    grad("mean cross-entropy", mean_cross_entropy, lambda z: (softmax(z) - Y) / N),
    grad("label smoothing", smoothed, lambda z: softmax(z) - 0.9 * Y - 0.1 / K),
    grad("class weights", weighted, lambda z: WEIGHTS[LABELS][:, None] * (softmax(z) - Y)),
    grad("ignored rows", ignoring, lambda z: KEEP[:, None] * (softmax(z) - Y) / KEEP.sum()),
    grad("distillation", distilled, lambda z: 3 * (softmax(z / 3) - SOFT)),
    grad("focal loss", focal, focal_grad),
    grad("loss of probabilities", nll_of_probabilities, lambda p: -Y / p, at=SOFT),
    function("mean square", mse, (X, TARGET), grad=lambda x, y: 2 * (x - y) / x.size),
    grad("Huber", huber, lambda x: np.clip(x - TARGET, -0.7, 0.7), at=X),
    grad("hinge", hinge, lambda x: -SIGNS * (SIGNS * x < 1), at=X),
    grad("cross-entropy of bits", bce, lambda p: (p - BITS) / (p * (1 - p)), at=P),
    grad("cross-entropy of logits", bce_logits, lambda x: expit(x) - BITS, at=40 * X),
    grad("positive weight", bce_weighted,
         lambda x: -3 * BITS * expit(-x) + (1 - BITS) * expit(x), at=X),
    function("Kullback-Leibler", kl, (T, Q), wrt=(0, 1),
             grad=lambda p, q: (np.log(p / q) + 1, -p / q)),
    function("cosine", cosine, (a, b), wrt=(0, 1),
             grad=lambda a, b: (cosine_grad(a, b), cosine_grad(b, a))),
    function("log-sum-exp", logsumexp, (a,), grad=sm,
             hessian=lambda z: np.diag(sm(z)) - np.outer(sm(z), sm(z))),
]  # fmt: skip

WRONG = [
    # softmax
    layer("softmax: diagonal", both(softmax, lambda z, d: d * softmax(z) * (1 - softmax(z))), Z,
          "Only the diagonal of the Jacobian", r"diagonal|elementwise|entry by entry"),
    layer("softmax: delta passed", both(softmax, lambda z, d: 1.0 * d), Z,
          "delta is passed through, as if cross-entropy were inside", PASSED),
    layer("softmax: p - y", both(softmax, lambda z, d: softmax(z) - d), Z,
          "The gradient of cross-entropy with delta for the labels",
          r"cross.entropy|linear|value|output|label|p - y"),
    layer("softmax: log-softmax", both(softmax, log_softmax_back), Z,
          "The backward of log-softmax", r"log.softmax"),
    layer("softmax: sum over the rows", both(softmax, lambda z, d: softmax(z) * (
          d - (softmax(z) * d).sum(axis=0))), Z, "The sum goes over the data points, not the classes",
          r"axis|rows|data points|wrong sum"),
    layer("softmax: p lost inside", both(softmax, lambda z, d: softmax(z) * (
          d - d.sum(axis=1, keepdims=True))), Z, "p is missing in the sum",
          r"sum|weight|\bp\b|probabilit|mean"),
    layer("softmax: mean for the sum", both(softmax, lambda z, d: softmax(z) * (
          d - (softmax(z) * d).mean(axis=1, keepdims=True))), Z, "A mean stands for the sum",
          r"mean|sum|1/K|" + FACTOR),
    layer("softmax: sum lost", both(softmax, lambda z, d: softmax(z) * d), Z,
          "The sum is missing", r"sum|diagonal|term|off-diagonal|normali|mean|output|value"),
    layer("softmax: sign of the sum", both(softmax, lambda z, d: softmax(z) * (
          d + (softmax(z) * d).sum(axis=1, keepdims=True))), Z, "The sum has the other sign",
          SIGN + "|sum|term"),
    layer("softmax: temperature", both(lambda z: softmax(z / 2), lambda z, d: softmax_back(z / 2, d)),
          Z, "The factor 1/2 of the temperature is missing", FACTOR),
    layer("softmax: of the output", both(softmax, lambda z, d: softmax_back(softmax(z), d)), Z,
          "Taken at the output", r"output|twice|value"),
    layer("softmax: output for delta", both(softmax, lambda z, d: softmax_back(z, d.sum(
          axis=0, keepdims=True) + 0 * d)), Z, "delta is summed over the data points",
          r"sum|rows|data"),
    function("softmax of a vector: diagonal", vector_softmax, (Z[0],),
             "Only the diagonal of the Jacobian", r"diagonal",
             jacobian=lambda z: np.diag(sm(z) * (1 - sm(z)))),
    function("softmax of a vector: sign", vector_softmax, (Z[0],),
             "The outer product has the other sign", SIGN + r"|off-diagonal|outer",
             jacobian=lambda z: np.diag(sm(z)) + np.outer(sm(z), sm(z))),
    function("softmax of a vector: diag p", vector_softmax, (Z[0],),
             "The outer product is missing", r"diagonal|outer|off-diagonal|term|rank",
             jacobian=lambda z: np.diag(sm(z))),
    function("softmax of a vector: p (1 - p')", vector_softmax, (Z[0],),
             "p (1 - p) off the diagonal too", r"diagonal|delta|term|outer|constant|rows|added",
             jacobian=lambda z: np.outer(sm(z), 1 - sm(z))),
    # log-softmax
    layer("log-softmax: softmax", both(log_softmax, softmax_back), Z, "The backward of softmax",
          r"softmax"),
    layer("log-softmax: sum of delta lost", both(log_softmax, lambda z, d: d - softmax(z)), Z,
          "The sum of delta is missing", r"sum|delta|linear|term"),
    layer("log-softmax: entry of delta", both(log_softmax, lambda z, d: d - softmax(z) * d), Z,
          "Its own entry of delta stands for the sum", r"sum|diagonal|entry"),
    layer("log-softmax: p lost", both(log_softmax, lambda z, d: d - d.mean(
          axis=1, keepdims=True)), Z, "The mean of delta, not weighted by p",
          r"mean|weight|\bp\b|uniform|probabilit|softmax"),
    layer("log-softmax: over p", both(log_softmax, lambda z, d: softmax_back(z, d) / softmax(z) ** 2),
          Z, "Divided by p twice", r"\bp\b|divid|output|value|row|exp|log|" + FACTOR),
    layer("log-softmax: sign of the sum", both(log_softmax, lambda z, d: d + softmax(z) * d.sum(
          axis=1, keepdims=True)), Z, "The sum has the other sign", SIGN + "|sum|term"),
    # cross-entropy
    grad("cross-entropy: sign", cross_entropy, lambda z: Y - softmax(z), "y - p for p - y", SIGN),
    grad("cross-entropy: divided by N", cross_entropy, lambda z: (softmax(z) - Y) / N,
         "The gradient of the mean, the value is the sum", MEAN),
    grad("cross-entropy: not divided", mean_cross_entropy, lambda z: softmax(z) - Y,
         "The gradient of the sum, the value is the mean", MEAN + "|sum"),
    grad("cross-entropy: divided twice", mean_cross_entropy, lambda z: (softmax(z) - Y) / N**2,
         "Divided by N twice", MEAN),
    grad("cross-entropy: by all entries", mean_cross_entropy, lambda z: (softmax(z) - Y) / Z.size,
         "Divided by N K, not by N", MEAN + "|1/K"),
    grad("cross-entropy: labels lost", cross_entropy, softmax, "The labels are not subtracted",
         LABEL + "|softmax|missing"),
    grad("cross-entropy: p lost", cross_entropy, lambda z: -Y, "p is missing: -y",
         r"\bp\b|softmax|probabilit|" + LABEL),
    grad("cross-entropy: by p", cross_entropy, lambda z: -Y / softmax(z),
         "The gradient with respect to p, not to the logits", r"\bp\b|probabilit|softmax|logit"),
    grad("cross-entropy: prediction for the label", cross_entropy, lambda z: softmax(z) - np.eye(K)[
         z.argmax(axis=1)], "The predicted class stands for the label",
         LABEL + "|argmax|predict"),
    grad("cross-entropy: labels from 1", cross_entropy, lambda z: softmax(z) - np.eye(K)[
         (LABELS + 1) % K], "The labels are off by one", LABEL + "|off by one|roll|shift|column"),
    grad("cross-entropy: sigmoid", cross_entropy, lambda z: expit(z) - Y,
         "The sigmoid stands for softmax", r"sigmoid|softmax|value|normali"),
    grad("cross-entropy: of the labels only", cross_entropy, lambda z: Y * (softmax(z) - 1),
         "Only the entry of the label", r"label|only|diagonal|" + ZERO + "|" + MASK),
    layer("cross-entropy: delta", lambda: Plain(cross_entropy, lambda z, d: softmax(z) - Y), Z,
          "delta is not used", DELTA_IGNORED),
    layer("cross-entropy, cached: sign", lambda: type("CE", (CrossEntropy,), {
          "backward": lambda self, d=1.0: -CrossEntropy.backward(self, d)})(), Z,
          "The sign is flipped", SIGN, style="cached"),
    layer("cross-entropy, cached: not divided", lambda: type("CE", (CrossEntropy,), {
          "backward": lambda self, d=1.0: N * CrossEntropy.backward(self, d)})(), Z,
          "Not divided by N", MEAN + "|sum", style="cached"),
    # smoothing, weights, masks
    grad("smoothing: hard labels", smoothed, lambda z: softmax(z) - Y,
         "The labels without smoothing", LABEL),
    grad("smoothing: uniform part lost", smoothed, lambda z: softmax(z) - 0.9 * Y,
         "The uniform part is missing", r"uniform|constant|" + LABEL + "|smooth"),
    grad("smoothing: K - 1", smoothed, lambda z: softmax(z) - 0.9 * Y - 0.1 / (K - 1) * (1 - Y),
         "alpha / (K - 1) on the other classes, the value has alpha / K",
         r"K ?- ?1|smooth|uniform|" + LABEL),
    grad("smoothing: p scaled", smoothed, lambda z: 0.9 * (softmax(z) - Y),
         "(1 - alpha)(p - y): the uniform part is lost", r"uniform|smooth|" + LABEL),
    grad("weights: left out", weighted, lambda z: softmax(z) - Y, "The class weights are missing",
         r"weight|row|" + FACTOR),
    grad("weights: by column", weighted, lambda z: WEIGHTS * (softmax(z) - Y),
         "The weight of the column, not of the label", r"weight|column|row|" + FACTOR),
    grad("weights: on the label", weighted, lambda z: softmax(z) - WEIGHTS * Y,
         "Only the label is weighted, not p", r"weight|label|softmax|\bp\b"),
    grad("weights: divided by N", weighted_mean, lambda z: WEIGHTS[LABELS][:, None] * (
         softmax(z) - Y) / N, "Divided by N, not by the sum of the weights", MEAN + "|weight"),
    grad("ignored rows: not zero", ignoring, lambda z: (softmax(z) - KEEP[:, None] * Y) / KEEP.sum(),
         "p where the row is ignored", r"ignore|" + MASK),
    grad("ignored rows: as the others", ignoring, lambda z: (softmax(z) - Y) / KEEP.sum(),
         "Ignored rows have a gradient", r"ignore|zero|" + MASK),
    grad("ignored rows: divided by N", ignoring, lambda z: KEEP[:, None] * (softmax(z) - Y) / N,
         "Divided by all rows, not by those that count", MEAN),
    grad("ignored rows: smoothed", ignoring_smoothed, lambda z: (softmax(z) - KEEP[:, None] * (
         0.9 * Y) - 0.1 / K) / KEEP.sum(), "The uniform part of ignored rows counts",
         r"ignore|uniform|" + MASK),
    grad("distillation: T²", distilled, lambda z: 9 * (softmax(z / 3) - SOFT),
         "T² for T: the inner derivative 1/T is missing", FACTOR),
    grad("distillation: T lost in softmax", distilled, lambda z: 3 * (softmax(z) - SOFT),
         "softmax without the temperature", r"temperature|softmax|" + FACTOR),
    grad("focal: modulation constant", focal, lambda z: (1 - softmax(z)[np.arange(N), LABELS])[
         :, None] ** 2 * (softmax(z) - Y), "(1 - p)^gamma is taken for constant",
         r"constant|term|modulat|focal|row|" + FACTOR),
    grad("focal: gamma lost", focal, lambda z: focal_grad(z, 0.0), "The gradient of cross-entropy",
         r"gamma|cross|focal|row|hard|" + FACTOR),
    grad("probabilities: logits", nll_of_probabilities, lambda p: p - Y,
         "The gradient with respect to logits", r"logit|\bp\b|value|softmax|input|\bz\b", at=SOFT),
    grad("probabilities: sign", nll_of_probabilities, lambda p: Y / p, "The sign is flipped", SIGN,
         at=SOFT),
    # regression
    function("mean square: 2", mse, (X, TARGET), "The factor 2 is missing", FACTOR + "|half",
             grad=lambda x, y: (x - y) / x.size),
    function("mean square: not divided", mse, (X, TARGET), "Not divided by N", MEAN,
             grad=lambda x, y: 2 * (x - y)),
    function("mean square: sign", mse, (X, TARGET), "y - x for x - y", SIGN,
             grad=lambda x, y: 2 * (y - x) / x.size),
    function("mean square: sign of the target's", mse, (X, TARGET),
             "The gradient of the target has the sign of the other", SIGN, wrt=(0, 1),
             grad=lambda x, y: (2 * (x - y) / x.size, 2 * (x - y) / x.size)),
    grad("Huber: linear part not cut", huber, lambda x: x - TARGET, "The square everywhere",
         MASK + "|linear|large|saturat", at=X),
    grad("Huber: sign lost", huber, lambda x: np.where(np.abs(x - TARGET) <= 0.7, x - TARGET, 0.7),
         "The sign is missing in the linear part", SIGN + "|" + MASK, at=X),
    grad("Huber: 1 for d", huber, lambda x: np.where(np.abs(x - TARGET) <= 0.7, x - TARGET,
         np.sign(x - TARGET)), "1 for the threshold in the linear part", FACTOR + "|" + MASK, at=X),
    grad("absolute error: sign lost", mae, lambda x: x - TARGET, "The residual for its sign",
         r"sign|residual|\bz\b|row|input|square|value|magnitude|size|power|" + FACTOR, at=X),
    grad("log cosh: slope of tanh", log_cosh, sech_squared, "The derivative of tanh, not tanh",
         r"tanh|derivative|second|twice|slope", at=X),
    grad("pinball: swapped", pinball, lambda x: np.where(TARGET > x, -0.2, 0.8),
         "tau and 1 - tau are swapped", r"swap|tau|" + MASK + "|" + FACTOR + "|side", at=X),
    grad("pinball: sign", pinball, lambda x: np.where(TARGET > x, 0.8, -0.2), "The sign is flipped",
         SIGN, at=X),
    grad("hinge: y lost", hinge, lambda x: -1.0 * (SIGNS * x < 1), "The label is missing",
         SIGN + "|" + LABEL, at=X),
    grad("hinge: margin 0", hinge, lambda x: -SIGNS * (SIGNS * x < 0), "The margin is 0, not 1",
         r"margin|threshold|" + MASK + "|" + ZERO, at=normal(7, seed=51, scale=0.7)),
    grad("squared hinge: 2", squared_hinge, lambda x: -SIGNS * np.maximum(0, 1 - SIGNS * x),
         "The factor 2 is missing", FACTOR + "|half", at=X),
    grad("modified Huber: 2", modified_huber, lambda x: np.where(SIGNS * x < -1, -4.0 * SIGNS,
         -SIGNS * np.maximum(0, 1 - SIGNS * x)), "The factor 2 of the square part is missing",
         FACTOR + "|half|" + MASK, at=X),
    grad("multiclass hinge: count", multiclass_hinge, lambda z: multiclass_hinge_grad(z, False),
         "-1 for minus the number of violated margins", r"count|number|sum|label|row|entries|only"),
    # bits
    grad("bits: p (1 - p) lost", bce, lambda p: p - BITS, "The gradient with respect to the logits",
         r"logit|p ?\(1 ?- ?p\)|factor|output|value|sigmoid", at=P),
    grad("bits: the part of 0 lost", bce, lambda p: -BITS / p, "The term of the label 0 is missing",
         MASK + "|" + ZERO + "|label|term", at=P),
    grad("bits: sign of the part of 0", bce, lambda p: -BITS / p - (1 - BITS) / (1 - p),
         "The term of the label 0 has the other sign", SIGN, at=P),
    grad("logits: slope of the sigmoid", bce_logits, lambda x: (expit(x) - BITS) * expit(x)
         * expit(-x), "The slope of the sigmoid a second time", r"sigmoid|slope|p ?\(1 ?- ?p\)|factor",
         at=X),
    grad("positive weight: left out", bce_weighted, lambda x: expit(x) - BITS,
         "The weight of the positive ones is missing", r"weight|row|" + MASK + "|" + FACTOR, at=X),
    grad("positive weight: everywhere", bce_weighted, lambda x: 3 * (expit(x) - BITS),
         "The weight counts for the negative ones too", r"weight|row|" + MASK + "|" + FACTOR, at=X),
    grad("positive weight: on y", bce_weighted, lambda x: expit(x) - 3 * BITS,
         "The weight on the label only, not on p", r"weight|label|constant|" + MASK + "|" + FACTOR,
         at=X),
    function("Kullback-Leibler: 1 lost", kl, (T, Q), "The term 1 is missing",
             r"constant|\b1\b|added|offset", wrt=(0, 1),
             grad=lambda p, q: (np.log(p / q), -p / q)),
    function("Kullback-Leibler: of q the sign", kl, (T, Q), "The gradient of q has the other sign",
             SIGN, wrt=(0, 1), grad=lambda p, q: (np.log(p / q) + 1, p / q)),
    function("Kullback-Leibler: swapped", kl, (T, Q), "The gradients of p and q are swapped",
             r"swap|exchang", wrt=(0, 1), grad=lambda p, q: (-p / q, np.log(p / q) + 1)),
    function("cosine: norm constant", cosine, (a, b), "The norm of a is taken for constant",
             r"norm|constant|project|term|radial|proportional|missing", wrt=(0, 1), grad=lambda a, b: (
                 b / np.linalg.norm(a) / np.linalg.norm(b), cosine_grad(b, a))),
    function("cosine: symmetric", cosine, (a, b), "The gradient of a for both", r"swap|same|copied",
             wrt=(0, 1), grad=lambda a, b: (cosine_grad(a, b), cosine_grad(a, b))),
    grad("Poisson: exp lost", poisson, lambda x: x - BITS, "The rate is not exponentiated",
         r"exp|link|\bx\b|input|value|argument", at=X),
    function("triplet: anchor", triplet, (a, b, c), "The part of the negative is missing for the "
             "anchor", r"missing|term|part|negative|third|path", wrt=(0, 1, 2), grad=lambda a, p, n: (
                 2 * (a - p), -2 * (a - p), 2 * (a - n))),
    function("log-sum-exp: Hessian diagonal", logsumexp, (a,), "Only the diagonal", r"diagonal",
             grad=sm, hessian=lambda z: np.diag(sm(z) * (1 - sm(z)))),
    function("log-sum-exp: Hessian without the outer product", logsumexp, (a,),
             "The outer product is missing", r"diagonal|outer|term|rank", grad=sm,
             hessian=lambda z: np.diag(sm(z))),
    function("log-sum-exp: exp", logsumexp, (a,), "Not divided by the sum", r"normali|divid|sum|"
             + FACTOR, grad=np.exp),
]  # fmt: skip
# The transposed Jacobian of a map that is not square has another shape.
E_SHAPE = normal(3, 5, seed=52)
WRONG.append(
    function("linear map: transposed shape", lambda x: E_SHAPE @ x, (normal(5, seed=53),),
             "The Jacobian is transposed", TRANSPOSED + "|shape", jacobian=lambda x: E_SHAPE.T)
)  # fmt: skip
