"""Layer, RMS, batch and group normalisation; rows may depend on each other."""

import numpy as np

from .entry import FACTOR, FIRST, OMITTED, Plain, changed, function, layer, normal

Z = normal(6, 5, seed=60, scale=2.0, shift=0.5)
SMALL = normal(4, 5, seed=61, scale=0.05)
EPS = 1e-3
MEAN_PATH = r"mean|constant along|constant (added|along)|sum"
VARIANCE_PATH = r"varian|normali[sz]ed value|proportional|deviation|std|radial|norm\b"
GAMMA = r"gamma|parameter|" + FACTOR
BOTH = ("gamma", "beta")


class LayerNorm:
    axis, ddof, rows, eps = 1, 0, (0,), EPS

    def __init__(self, size=5):
        self.gamma = normal(size, seed=62, shift=1.0)
        self.beta = normal(size, seed=63)

    def stats(self, z):
        mean = z.mean(axis=self.axis, keepdims=True)
        rstd = 1 / np.sqrt(z.var(axis=self.axis, keepdims=True, ddof=self.ddof) + self.eps)
        return (z - mean) * rstd, rstd

    def forward(self, z):
        return self.stats(z)[0] * self.gamma + self.beta

    def parts(self, z, delta):
        """xhat, 1/std, delta of xhat, and its mean and its mean against xhat."""
        xhat, rstd = self.stats(z)
        d = delta * self.gamma
        m = d.mean(axis=self.axis, keepdims=True)
        return xhat, rstd, d, m, (d * xhat).mean(axis=self.axis, keepdims=True)

    def backward(self, z, delta):
        xhat, rstd, d, m, v = self.parts(z, delta)
        return rstd * (d - m - xhat * v)

    def parameter_gradient(self, z, delta):
        xhat = self.stats(z)[0]
        return {"gamma": (delta * xhat).sum(axis=self.rows), "beta": delta.sum(axis=self.rows)}


class BatchNorm(LayerNorm):
    axis = 0


def alike(layer, **attributes):
    """A layer norm with the parameters of another, and other attributes."""
    other = changed(LayerNorm, **attributes)()
    other.gamma, other.beta = layer.gamma, layer.beta
    return other


class CachedBatchNorm:
    """As in courses: forward keeps what backward needs, and running statistics on the side."""

    def __init__(self):
        self.gamma, self.beta = normal(5, seed=64, shift=1.0), normal(5, seed=65)

    def forward(self, x):
        mean, var = x.mean(axis=0), x.var(axis=0)
        self.std = np.sqrt(var + EPS)
        self.xhat = (x - mean) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, dout):
        self.dgamma = (dout * self.xhat).sum(axis=0)
        self.dbeta = dout.sum(axis=0)
        N = len(dout)
        dxhat = dout * self.gamma
        return (N * dxhat - dxhat.sum(axis=0) - self.xhat * (dxhat * self.xhat).sum(axis=0)) / (
            N * self.std
        )


class RMSNorm:
    def __init__(self):
        self.w = normal(5, seed=66, shift=1.0)

    def rms(self, z):
        return 1 / np.sqrt((z**2).mean(axis=-1, keepdims=True) + EPS)

    def forward(self, z):
        return z * self.rms(z) * self.w

    def backward(self, z, delta):
        r, d = self.rms(z), delta * self.w
        return r * d - r**3 * z * (d * z).mean(axis=-1, keepdims=True)

    def parameter_gradient(self, z, delta):
        return {"w": (delta * z * self.rms(z)).reshape(-1, 5).sum(axis=0)}


class PreNorm(RMSNorm):
    """z + norm(z)"""

    def forward(self, z):
        return z + RMSNorm.forward(self, z)

    def backward(self, z, delta):
        return delta + RMSNorm.backward(self, z, delta)


def group_stats(z):
    g = z.reshape(len(z), 2, 3)
    rstd = 1 / np.sqrt(g.var(axis=2, keepdims=True) + EPS)
    return (g - g.mean(axis=2, keepdims=True)) * rstd, rstd


def group_norm(z):
    return group_stats(z)[0].reshape(z.shape)


def group_back(z, delta, axis=2):
    xhat, rstd = group_stats(z)
    d = delta.reshape(len(z), 2, 3)
    m = d.mean(axis=axis, keepdims=True)
    v = (d * xhat).mean(axis=axis, keepdims=True)
    return (rstd * (d - m - xhat * v)).reshape(z.shape)


def unit(z):
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def unit_back(z, delta):
    u = unit(z)
    return (delta - u * (delta * u).sum(axis=1, keepdims=True)) / np.linalg.norm(
        z, axis=1, keepdims=True
    )


def weight_norm(g, v):
    return g * v / np.linalg.norm(v)


def weight_norm_back(g, v, delta):
    n = np.linalg.norm(v)
    return delta @ v / n, g / n * (delta - v * (delta @ v) / n**2)


def variant(name, kind, slip, cause, z=Z, parameters=BOTH, **methods):
    return layer(name, changed(kind, **methods), z, slip, cause, parameters=parameters)


def back(name, slip, cause, rule, kind=LayerNorm, z=Z):
    """``rule`` makes the result of backward of what `parts` says."""
    return variant(name, kind, slip, cause, z=z,
                   backward=lambda self, z, delta: rule(self, *self.parts(z, delta)))  # fmt: skip


def gradient(name, slip, cause, rule, kind=LayerNorm, z=Z, parameters=BOTH):
    return variant(name, kind, slip, cause, z, parameters, parameter_gradient=lambda self, z, delta: {
        **kind.parameter_gradient(self, z, delta), **rule(self, z, delta)})  # fmt: skip


def cached(name, slip, cause, rule):
    return layer(name, changed(CachedBatchNorm, backward=rule), Z, slip, cause, "cached", BOTH)


def cached_sums(self, dout):
    """The right gradients of the parameters, for a backward that is otherwise wrong."""
    CachedBatchNorm.backward(self, dout)
    return dout * self.gamma


def cached_lost_mean(self, dout):
    d = cached_sums(self, dout)
    return (d - self.xhat * (d * self.xhat).mean(axis=0)) / self.std


def cached_constant(self, dout):
    return cached_sums(self, dout) / self.std


def cached_extra(self, dout):
    """As once in a library: one more term of the mean."""
    d = cached_sums(self, dout)
    extra = (d * self.xhat).mean(axis=0) * 2 / self.std / len(d)
    return CachedBatchNorm.backward(self, dout) + extra


def eps_outside(self, z):
    mean, std = z.mean(axis=1, keepdims=True), z.std(axis=1, keepdims=True)
    return (z - mean) / std, 1 / (std + self.eps)


RIGHT = [
    layer("layer norm", LayerNorm, Z, parameters=BOTH),
    layer("layer norm, nearly constant rows", LayerNorm, SMALL, parameters=BOTH),
    layer("layer norm, N - 1", changed(LayerNorm, ddof=1, backward=lambda self, z, delta: (
          lambda xhat, rstd, d, m, v: rstd * (d - m - xhat * v * 5 / 4))(*self.parts(z, delta))), Z,
          parameters=BOTH),
    layer("batch norm", BatchNorm, Z, parameters=BOTH),
    layer("batch norm with state", CachedBatchNorm, Z, style="cached", parameters=BOTH),
    layer("RMS norm", RMSNorm, Z, parameters=("w",)),
    layer("RMS norm, rank 3", RMSNorm, normal(2, 3, 5, seed=67), parameters=("w",)),
    layer("norm before a residual", PreNorm, Z, parameters=("w",)),
    layer("group norm", lambda: Plain(group_norm, group_back), normal(3, 6, seed=68)),
    layer("unit rows", lambda: Plain(unit, unit_back), Z),
    function("weight norm", weight_norm, (np.array(1.7), normal(5, seed=69)), wrt=(0, 1),
             vjp=weight_norm_back),
]  # fmt: skip

WRONG = [
    back("layer norm: mean path", "The path by the mean is lost", MEAN_PATH,
         lambda self, x, r, d, m, v: r * (d - x * v)),
    back("layer norm: variance path", "The path by the variance is lost", VARIANCE_PATH,
         lambda self, x, r, d, m, v: r * (d - m)),
    back("layer norm: both paths", "Mean and deviation are taken for constant",
         MEAN_PATH + "|" + VARIANCE_PATH, lambda self, x, r, d, m, v: r * d),
    back("layer norm: sign of the variance path", "The path by the variance has the other sign",
         r"sign|" + VARIANCE_PATH, lambda self, x, r, d, m, v: r * (d - m + x * v)),
    back("layer norm: 1/std lost", "The factor 1/std is missing", r"std|deviation|row|" + FACTOR,
         lambda self, x, r, d, m, v: d - m - x * v),
    back("layer norm: variance for std", "Divided by the variance, not the deviation",
         r"std|deviation|varian|row|" + FACTOR, lambda self, x, r, d, m, v: r**2 * (d - m - x * v)),
    back("layer norm: sums for means", "Sums stand for means", MEAN_PATH + "|" + FACTOR,
         lambda self, x, r, d, m, v: r * (d - 5 * m - x * 5 * v)),
    variant("layer norm: gamma lost", LayerNorm, "gamma is missing in backward", GAMMA,
            backward=lambda self, z, delta: LayerNorm.backward(self, z, delta / self.gamma)),
    variant("layer norm: gamma after the means", LayerNorm, "gamma is applied after the means",
            GAMMA, backward=lambda self, z, delta: self.gamma * LayerNorm.backward(
                self, z, delta / self.gamma)),
    variant("layer norm: eps outside", LayerNorm, "eps is added to the deviation in backward, to the "
            "variance in forward", r"eps", z=SMALL, backward=lambda self, z, delta: (
                lambda x, r: r * ((d := delta * self.gamma) - d.mean(axis=1, keepdims=True)
                - x * (d * x).mean(axis=1, keepdims=True)))(*eps_outside(self, z))),
    variant("layer norm: eps lost", LayerNorm, "eps is missing in backward", r"eps", z=SMALL,
            backward=lambda self, z, delta: alike(self, eps=0.0).backward(z, delta)),
    variant("layer norm: N - 1 in backward", LayerNorm, "The variance is divided by n - 1 in backward",
            r"n ?- ?1|ddof|bessel|unbiased|" + FACTOR, backward=lambda self, z, delta: alike(
                self, ddof=1).backward(z, delta)),
    variant("layer norm: N - 1 in forward", changed(LayerNorm, ddof=1), "backward is that of the "
            "biased variance, forward has n - 1", r"n ?- ?1|ddof|bessel|unbiased|" + VARIANCE_PATH),
    variant("layer norm: other axis", LayerNorm, "The means go over the data points",
            r"axis|rows|batch|data points", backward=lambda self, z, delta: alike(
                self, axis=0).backward(z, delta)),
    gradient("layer norm: gamma of z", "z stands for the normalised value in the gradient of gamma",
             r"normali|\bz\b|input", lambda self, z, delta: {"gamma": (delta * z).sum(axis=0)}),
    gradient("layer norm: gamma of the output", "The output stands for the normalised value",
             r"output|value", lambda self, z, delta: {
                 "gamma": (delta * self.forward(z)).sum(axis=0)}),
    gradient("layer norm: gamma as beta", "The gradient of gamma is that of beta",
             r"normali|beta|sum of delta|factor|missing|same",
             lambda self, z, delta: {"gamma": delta.sum(axis=0)}),
    gradient("layer norm: beta times gamma", "The gradient of beta has a factor gamma", GAMMA,
             lambda self, z, delta: {"beta": (delta * self.gamma).sum(axis=0)}),
    gradient("layer norm: beta of the first row", "Only the first data point counts", FIRST,
             lambda self, z, delta: {"beta": delta[0]}),
    gradient("layer norm: gamma a mean", "A mean over the data points, not the sum",
             r"mean|averag|1/N|" + FACTOR,
             lambda self, z, delta: {"gamma": (delta * self.stats(z)[0]).mean(axis=0)}),
    variant("layer norm: gamma left out", LayerNorm, "The gradient of gamma is left out", OMITTED,
            parameter_gradient=lambda self, z, delta: {"beta": delta.sum(axis=0)}),
    # batch norm
    back("batch norm: mean path", "The path by the mean is lost", MEAN_PATH,
         lambda self, x, r, d, m, v: r * (d - x * v), kind=BatchNorm),
    back("batch norm: variance path", "The path by the variance is lost", VARIANCE_PATH,
         lambda self, x, r, d, m, v: r * (d - m), kind=BatchNorm),
    variant("batch norm: as layer norm", BatchNorm, "The means go over the features",
            r"axis|column|feature|row", backward=lambda self, z, delta: alike(
                self, axis=1).backward(z, delta)),
    cached("batch norm, cached: mean path", "The path by the mean is lost", MEAN_PATH,
           cached_lost_mean),
    cached("batch norm, cached: as in use, not in training", "Mean and deviation are constants",
           MEAN_PATH + "|" + VARIANCE_PATH, cached_constant),
    cached("batch norm, cached: one term too many", "A term of the mean is added that is zero",
           MEAN_PATH + "|added|extra|term", cached_extra),
    # RMS norm
    variant("RMS norm: w lost", RMSNorm, "The weight is missing in backward",
            r"weight|\bw\b|parameter|column|" + FACTOR, parameters=("w",),
            backward=lambda self, z, delta: RMSNorm.backward(self, z, delta / self.w)),
    variant("RMS norm: w twice", RMSNorm, "The weight counts twice in the second term",
            r"weight|\bw\b|term|parameter", parameters=("w",),
            backward=lambda self, z, delta: self.rms(z) * (d := delta * self.w) - self.w
            * self.rms(z) ** 3 * z * (d * z).mean(axis=-1, keepdims=True)),
    variant("RMS norm: constant", RMSNorm, "The root mean square is taken for constant",
            VARIANCE_PATH + r"|\bz\b|rms|constant", parameters=("w",),
            backward=lambda self, z, delta: self.rms(z) * delta * self.w),
    variant("RMS norm: sum for mean", RMSNorm, "A sum stands for the mean",
            r"mean|sum|\bz\b|" + VARIANCE_PATH + "|" + FACTOR, parameters=("w",),
            backward=lambda self, z, delta: self.rms(z) * (d := delta * self.w)
            - self.rms(z) ** 3 * z * (d * z).sum(axis=-1, keepdims=True)),
    variant("RMS norm: as layer norm", RMSNorm, "The mean is subtracted, as for layer norm",
            MEAN_PATH, parameters=("w",), backward=lambda self, z, delta: (
                g := RMSNorm.backward(self, z, delta)) - g.mean(axis=-1, keepdims=True)),
    variant("RMS norm: gradients left out", RMSNorm, "The gradient of the weight is left out",
            OMITTED, parameters=("w",), parameter_gradient=lambda self, z, delta: {}),
    variant("RMS norm: None", RMSNorm, "None is returned for the gradient of the weight",
            OMITTED + r"|None|shape", parameters=("w",),
            parameter_gradient=lambda self, z, delta: {"w": None}),
    variant("norm before a residual: delta too early", PreNorm, "The delta of the skip connection "
            "goes through the norm", r"skip|delta|residual|twice|identity|missing", parameters=("w",),
            backward=lambda self, z, delta: RMSNorm.backward(self, z, 2 * delta)),
    # others
    layer("group norm: other axis", lambda: Plain(group_norm, lambda z, d: group_back(z, d, axis=1)),
          normal(3, 6, seed=68), "The means go over the groups", r"axis|group|mean|sum"),
    layer("unit rows: projection lost", lambda: Plain(unit, lambda z, d: d / np.linalg.norm(
          z, axis=1, keepdims=True)), Z, "The norm is taken for constant",
          VARIANCE_PATH + r"|\bz\b|constant|project"),
    layer("unit rows: norm lost", lambda: Plain(unit, lambda z, d: unit_back(z, d)
          * np.linalg.norm(z, axis=1, keepdims=True)), Z, "1/norm is missing",
          r"norm|row|" + FACTOR),
    function("weight norm: projection lost", weight_norm, (np.array(1.7), normal(5, seed=69)),
             "The norm of v is taken for constant", VARIANCE_PATH + r"|\bv\b|constant|project",
             wrt=(0, 1), vjp=lambda g, v, d: (
                 d @ v / np.linalg.norm(v), g / np.linalg.norm(v) * d)),
    function("weight norm: g not divided", weight_norm, (np.array(1.7), normal(5, seed=69)),
             "The gradient of g is not divided by the norm", r"norm|" + FACTOR, wrt=(0, 1),
             vjp=lambda g, v, d: (d @ v, weight_norm_back(g, v, d)[1])),
]  # fmt: skip
