"""Linear layers: bias, transposes, sums; low rank, tied weights, residuals."""

import numpy as np

from .entry import (
    DELTA_IGNORED,
    FACTOR,
    FIRST,
    LAST,
    MEAN,
    OMITTED,
    PASSED,
    SIGN,
    TRANSPOSED,
    ZERO,
    changed,
    function,
    layer,
    normal,
)

Z = normal(5, 3, seed=10)
SQUARE = normal(4, 4, seed=11)
SUM = r"sum|rows|data"


class Linear:
    """z W' + b, as in PyTorch"""

    def __init__(self, out=4, n=3):
        self.W, self.b = normal(out, n, seed=12), normal(out, seed=13)

    def forward(self, z):
        return z @ self.W.T + self.b

    def backward(self, z, delta):
        return delta @ self.W

    def parameter_gradient(self, z, delta):
        return {"W": delta.T @ z, "b": delta.sum(axis=0)}


class Square(Linear):
    def __init__(self):
        super().__init__(3, 3)


class Dense:
    """X W + b; what backward needs is kept, and gradients are attributes."""

    def __init__(self, n=3, out=4):
        self.W, self.b = normal(n, out, seed=14), normal(out, seed=15)

    def forward(self, X):
        self.X = X
        return X @ self.W + self.b

    def backward(self, dY):
        self.dW = self.X.T @ dY
        self.db = dY.sum(axis=0)
        return dY @ self.W.T


class LowRank:
    """z U V"""

    def __init__(self):
        self.U, self.V = normal(3, 3, seed=16), normal(3, 3, seed=17)

    def forward(self, z):
        return z @ self.U @ self.V

    def backward(self, z, delta):
        return delta @ self.V.T @ self.U.T

    def parameter_gradient(self, z, delta):
        return {"U": z.T @ (delta @ self.V.T), "V": (z @ self.U).T @ delta}


class Tied:
    """tanh(z W) W', an autoencoder with one matrix"""

    def __init__(self):
        self.W = normal(3, 4, seed=18)

    def forward(self, z):
        return np.tanh(z @ self.W) @ self.W.T

    def hidden(self, z, delta):
        h = np.tanh(z @ self.W)
        return h, delta @ self.W * (1 - h**2)

    def backward(self, z, delta):
        return self.hidden(z, delta)[1] @ self.W.T

    def parameter_gradient(self, z, delta):
        h, inner = self.hidden(z, delta)
        return {"W": z.T @ inner + delta.T @ h}


class Residual:
    """z + tanh(z W)"""

    def __init__(self):
        self.W = normal(3, 3, seed=19)

    def forward(self, z):
        return z + np.tanh(z @ self.W)

    def inner(self, z, delta):
        return delta * (1 - np.tanh(z @ self.W) ** 2)

    def backward(self, z, delta):
        return delta + self.inner(z, delta) @ self.W.T

    def parameter_gradient(self, z, delta):
        return {"W": z.T @ self.inner(z, delta)}


class Scale:
    """z g, a factor of each feature"""

    def __init__(self):
        self.g = np.array([1.5, -0.5, 2.0])

    def forward(self, z):
        return z * self.g

    def backward(self, z, delta):
        return delta * self.g

    def parameter_gradient(self, z, delta):
        return {"g": (delta * z).sum(axis=0)}


class Sequence(Linear):
    """The same on sequences: z is N x T x n."""

    def parameter_gradient(self, z, delta):
        return {"W": np.einsum("ito,itn->on", delta, z), "b": delta.sum(axis=(0, 1))}


class Network:
    """tanh(X W1 + b1) W2 + b2, two layers in one"""

    def __init__(self):
        self.W1, self.b1 = normal(3, 4, seed=20), normal(4, seed=21)
        self.W2, self.b2 = normal(4, 2, seed=22), normal(2, seed=23)

    def forward(self, X):
        return np.tanh(X @ self.W1 + self.b1) @ self.W2 + self.b2

    def hidden(self, X, delta):
        h = np.tanh(X @ self.W1 + self.b1)
        return h, delta @ self.W2.T * (1 - h**2)

    def backward(self, X, delta):
        return self.hidden(X, delta)[1] @ self.W1.T

    def parameter_gradient(self, X, delta):
        h, inner = self.hidden(X, delta)
        return {
            "W1": X.T @ inner,
            "b1": inner.sum(axis=0),
            "W2": h.T @ delta,
            "b2": delta.sum(axis=0),
        }


A, B = normal(3, 4, seed=24), normal(4, 2, seed=25)
M, v, X, y = normal(4, 4, seed=26), normal(4, seed=27), normal(6, 4, seed=28), normal(6, seed=29)


def matmul(A, B):
    return A @ B


def quadratic(v):
    return v @ M @ v


def least_squares(w, X, y):
    return 0.5 * np.sum((X @ w - y) ** 2)


def outer(a, b):
    return np.outer(a, b)


WB, UV, WALL = ("W", "b"), ("U", "V"), ("W1", "b1", "W2", "b2")


def linear(name, kind, slip, cause, z=Z, parameters=WB, **methods):
    return layer(name, changed(kind, **methods), z, slip, cause, parameters=parameters)


def gradients(name, kind, slip, cause, rule, z=Z, parameters=WB):
    """The gradients of a right layer, with those of ``rule`` in their place."""
    return linear(name, kind, slip, cause, z, parameters, parameter_gradient=lambda self, z, delta: {
        **kind.parameter_gradient(self, z, delta), **rule(self, z, delta)})  # fmt: skip


def without(name, kind, slip, cause, key, z=Z, parameters=WB):
    return linear(name, kind, slip, cause, z, parameters, parameter_gradient=lambda self, z, delta: {
        k: g for k, g in kind.parameter_gradient(self, z, delta).items() if k != key})  # fmt: skip


def dense(name, slip, cause, rule, kind=Dense, z=Z):
    """A layer with state in which ``rule`` changes what backward left and returned."""

    def backward(self, dY):
        dX = Dense.backward(self, dY)
        return rule(self, dY, dX)

    return layer(name, changed(kind, backward=backward), z, slip, cause, "cached", WB)


def put(self, dX, **values):
    """The result of a backward that also sets attributes."""
    for key, value in values.items():
        setattr(self, key, value)
    return dX


def last_row(z, delta):
    for x, d in zip(z, delta, strict=True):
        found = np.outer(d, x)
    return found


RIGHT = [
    layer("linear", Linear, Z, parameters=WB),
    layer("linear, square", Square, Z, parameters=WB),
    layer("linear, one data point", Linear, Z[:1], parameters=WB),
    layer("dense with state", Dense, Z, style="cached", parameters=WB),
    layer("low rank", LowRank, Z, parameters=UV),
    layer("tied weights", Tied, Z, parameters=("W",)),
    layer("residual", Residual, Z, parameters=("W",)),
    layer("scale", Scale, Z, parameters=("g",)),
    layer("linear on sequences", Sequence, normal(2, 4, 3, seed=30), parameters=WB),
    layer("two layers", Network, Z, parameters=WALL),
    function("matrix product", matmul, (A, B), wrt=(0, 1),
             vjp=lambda A, B, delta: (delta @ B.T, A.T @ delta)),
    function("quadratic form", quadratic, (v,), grad=lambda v: (M + M.T) @ v,
             hessian=lambda v: M + M.T),
    function("least squares", least_squares, (v, X, y), grad=lambda w, X, y: X.T @ (X @ w - y),
             hvp=lambda w, X, y, u: X.T @ (X @ u)),
    function("outer product", outer, (v, y), wrt=(0, 1),
             jvp=lambda a, b, da, db: np.outer(da, b) + np.outer(a, db)),
    function("linear function", lambda x: M @ x, (v,), jacobian=lambda x: M),
]  # fmt: skip

WRONG = [
    linear("linear: W transposed", Square, "W stands transposed in backward", TRANSPOSED,
           backward=lambda self, z, delta: delta @ self.W.T),
    gradients("linear: dW transposed", Square, "The gradient of W is transposed", TRANSPOSED,
              lambda self, z, delta: {"W": z.T @ delta}),
    gradients("linear: dW of the transposed shape", Linear, "The gradient of W is transposed",
              TRANSPOSED + "|shape", lambda self, z, delta: {"W": z.T @ delta}),
    gradients("linear: dW a mean", Linear, "The mean over the data points, not the sum", MEAN,
              lambda self, z, delta: {"W": delta.T @ z / len(z)}),
    gradients("linear: db a mean", Linear, "The mean over the data points, not the sum", MEAN,
              lambda self, z, delta: {"b": delta.mean(axis=0)}),
    gradients("linear: both a mean", Linear, "The means over the data points, not the sums", MEAN,
              lambda self, z, delta: {"W": delta.T @ z / len(z), "b": delta.mean(axis=0)}),
    gradients("linear: db of the first row", Linear, "Only the first data point counts", FIRST,
              lambda self, z, delta: {"b": delta[0]}),
    gradients("linear: db of the last row", Linear, "Only the last data point counts", LAST,
              lambda self, z, delta: {"b": delta[-1]}),
    gradients("linear: db not summed", Linear, "Not summed over the data points", SUM + "|shape",
              lambda self, z, delta: {"b": delta}),
    gradients("linear: db over the wrong axis", changed(Square), "Summed over the wrong axis",
              r"axis|rows|column|" + TRANSPOSED, lambda self, z, delta: {"b": delta.sum(axis=1)},
              z=Z[:3]),
    without("linear: b left out", Linear, "The gradient of b is left out", OMITTED, "b"),
    without("linear: W left out", Linear, "The gradient of W is left out", OMITTED, "W"),
    gradients("linear: dW zero", Linear, "The gradient of W is zero", ZERO,
              lambda self, z, delta: {"W": np.zeros_like(self.W)}),
    gradients("linear: sign of dW", Linear, "The sign of the gradient of W is flipped", SIGN,
              lambda self, z, delta: {"W": -delta.T @ z}),
    gradients("linear: output for input", Square, "The output stands for the input of the layer",
              r"output|value", lambda self, z, delta: {"W": delta.T @ self.forward(z)}),
    gradients("linear: dW overwritten", Linear, "The sum is overwritten in the loop", LAST,
              lambda self, z, delta: {"W": last_row(z, delta)}),
    gradients("linear: dW twice", Linear, "A factor 2 too much", FACTOR + "|twice|doubl",
              lambda self, z, delta: {"W": 2 * delta.T @ z}),
    gradients("linear: dW N times", Linear, "N times the sum", FACTOR,
              lambda self, z, delta: {"W": len(z) * delta.T @ z}),
    gradients("linear: db counts", Linear, "delta is not used: the number of data points",
              DELTA_IGNORED, lambda self, z, delta: {"b": np.full(4, float(len(z)))}),
    gradients("linear: weight decay", Linear, "0.1 W is added, a penalty that forward does not have",
              r"penalty|decay|parameter|\bW\b|theta|added|adds", lambda self, z, delta: {
                  "W": delta.T @ z + 0.1 * self.W}),
    linear("linear: bias in backward", Square, "The bias is added to the result of backward",
           r"bias|\bb\b|constant|added", backward=lambda self, z, delta: delta @ self.W + self.b),
    linear("linear: no bias in forward", Linear, "forward does not add the bias that has a gradient",
           r"bias|does not depend|has no effect|" + ZERO, forward=lambda self, z: z @ self.W.T),
    linear("linear: bias twice", Linear, "forward adds the bias twice", FACTOR + "|twice|doubl|half",
           forward=lambda self, z: z @ self.W.T + 2 * self.b),
    linear("linear: sign of dz", Linear, "The sign is flipped", SIGN,
           backward=lambda self, z, delta: -delta @ self.W),
    linear("linear: dz of the sum of delta", Linear, "delta is summed over the data points",
           r"sum|rows|data", backward=lambda self, z, delta: np.tile(
               delta.sum(axis=0) @ self.W, (len(z), 1))),
    linear("linear: dz divided by N", Linear, "Divided by the number of data points", MEAN,
           backward=lambda self, z, delta: delta @ self.W / len(z)),
    linear("linear: a column of W off", Linear, "The columns of the result are rolled by one",
           r"roll|shift|column|permut|order",
           backward=lambda self, z, delta: np.roll(delta @ self.W, 1, axis=1)),
    linear("linear: rows reversed", Linear, "The data points are in reversed order",
           r"revers|order|permut|flip", backward=lambda self, z, delta: (delta @ self.W)[::-1]),
    dense("dense: W not transposed", "W is not transposed in backward", TRANSPOSED,
          lambda self, dY, dX: dY @ self.W, kind=changed(Dense, __init__=lambda self: Dense.__init__(
              self, 3, 3))),
    dense("dense: dW a mean", "The mean over the data points, not the sum", MEAN,
          lambda self, dY, dX: put(self, dX, dW=self.dW / len(dY))),
    dense("dense: db of one row", "Only the first data point counts", FIRST,
          lambda self, dY, dX: put(self, dX, db=dY[0])),
    dense("dense: sign of db", "The sign of the gradient of b is flipped", SIGN,
          lambda self, dY, dX: put(self, dX, db=-self.db)),
    dense("dense: dW of delta squared", "delta counts twice, squared", r"linear|delta|squar",
          lambda self, dY, dX: put(self, dX, dW=self.X.T @ dY**2)),
    gradients("sequence: first step only", Sequence, "Only the first time step is summed",
              FIRST + "|axis|step|sum", lambda self, z, delta: {"b": delta[:, 0].sum(axis=0)},
              z=normal(2, 4, 3, seed=30)),
    gradients("sequence: mean over time", Sequence, "The mean over the steps, not the sum", MEAN,
              lambda self, z, delta: {"b": delta.mean(axis=1).sum(axis=0)},
              z=normal(2, 4, 3, seed=30)),
    gradients("sequence: not summed over time", Sequence, "Not summed over the steps",
              SUM + "|shape", lambda self, z, delta: {"b": delta.sum(axis=0)},
              z=normal(2, 4, 3, seed=30)),
    # low rank, tied, residual, scale
    gradients("low rank: V lost", LowRank, "The factor V' is missing in the gradient of U",
              r"\bV\b|factor", lambda self, z, delta: {"U": z.T @ delta}, parameters=UV),
    gradients("low rank: V not transposed", LowRank, "V is not transposed in the gradient of U",
              TRANSPOSED, lambda self, z, delta: {"U": z.T @ (delta @ self.V)}, parameters=UV),
    gradients("low rank: z for zU", LowRank, "The input of the first factor stands for that of the "
              "second", r"input|\bz\b|\bU\b|factor", lambda self, z, delta: {"V": z.T @ delta},
              parameters=UV),
    gradients("low rank: swapped", LowRank, "The gradients of U and V are swapped", r"swap|exchang",
              lambda self, z, delta: {"V": z.T @ (delta @ self.V.T),
                                      "U": (z @ self.U).T @ delta}, parameters=UV),
    linear("low rank: order", LowRank, "The factors stand in the other order",
           r"order|\bU\b|\bV\b|transpos|swap", parameters=UV,
           backward=lambda self, z, delta: delta @ self.U.T @ self.V.T),
    gradients("tied: encoder only", Tied, "The use of W in the second place is left out",
              r"second|use|part|tied|term|shared|place|path",
              lambda self, z, delta: {"W": z.T @ self.hidden(z, delta)[1]}, parameters=("W",)),
    gradients("tied: decoder only", Tied, "The use of W in the first place is left out",
              r"first|use|part|tied|term|shared|place|path",
              lambda self, z, delta: {"W": delta.T @ self.hidden(z, delta)[0]}, parameters=("W",)),
    linear("residual: skip lost", Residual, "delta by the skip connection is left out",
           r"skip|delta|residual|identity", parameters=("W",),
           backward=lambda self, z, delta: self.inner(z, delta) @ self.W.T),
    linear("residual: skip twice", Residual, "delta by the skip connection counts twice",
           r"skip|delta|residual|identity", parameters=("W",),
           backward=lambda self, z, delta: 2 * delta + self.inner(z, delta) @ self.W.T),
    linear("residual: delta alone", Residual, "Only the skip connection is differentiated",
           PASSED + "|skip", parameters=("W",), backward=lambda self, z, delta: 1.0 * delta),
    gradients("residual: slope lost", Residual, "The slope of tanh is missing",
              r"slope|tanh|derivative|factor|linear|output|activation",
              lambda self, z, delta: {"W": z.T @ delta}, parameters=("W",)),
    gradients("scale: z lost", Scale, "The factor z is missing", r"\bz\b|input|sum of delta|factor",
              lambda self, z, delta: {"g": delta.sum(axis=0)}, parameters=("g",)),
    gradients("scale: output", Scale, "The output stands for the input: g counts twice",
              r"output|value|\bg\b|parameter|" + FACTOR,
              lambda self, z, delta: {"g": (delta * z * self.g).sum(axis=0)}, parameters=("g",)),
    linear("scale: g lost", Scale, "delta is passed through", PASSED + "|" + FACTOR,
           parameters=("g",), backward=lambda self, z, delta: 1.0 * delta),
    linear("scale: divided", Scale, "Divided by g, not multiplied",
           r"divid|inverse|recipro|1/|" + FACTOR,
           parameters=("g",), backward=lambda self, z, delta: delta / self.g),
    # two layers
    linear("two layers: slope of tanh lost", Network, "The slope of the activation is missing",
           r"slope|activation|derivative|tanh|factor|linear|product", parameters=WALL,
           hidden=lambda self, X, delta: (np.tanh(X @ self.W1 + self.b1), delta @ self.W2.T)),
    linear("two layers: slope of the sigmoid", Network, "h (1 - h), the slope of another activation",
           r"slope|activation|derivative|sigmoid|factor|output", parameters=WALL,
           hidden=lambda self, X, delta: ((h := np.tanh(X @ self.W1 + self.b1)),
                                          delta @ self.W2.T * h * (1 - h))),
    gradients("two layers: b1 of the wrong delta", Network, "The sum of another layer's delta",
              r"slope|activation|delta|factor|before",
              lambda self, X, delta: {"b1": (delta @ self.W2.T).sum(axis=0)}, parameters=WALL),
    without("two layers: b1 left out", Network, "The gradient of b1 is left out", OMITTED, "b1",
            parameters=WALL),
    # functions
    function("matrix product: not transposed", matmul, (A[:3, :3], M[:3, :3]),
             "B is not transposed", TRANSPOSED, wrt=(0, 1),
             vjp=lambda A, B, delta: (delta @ B, A.T @ delta)),
    function("matrix product: swapped", matmul, (A[:3, :3], M[:3, :3]),
             "The gradients of A and B are swapped", r"swap|exchang", wrt=(0, 1),
             vjp=lambda A, B, delta: (A.T @ delta, delta @ B.T)),
    function("quadratic form: M only", quadratic, (v,), "The transposed half is missing",
             TRANSPOSED + r"|symmetr|half", grad=lambda v: M @ v),
    function("quadratic form: 2 M", quadratic, (v,), "M is taken for symmetric",
             TRANSPOSED + r"|symmetr", grad=lambda v: 2 * M @ v),
    function("quadratic form: Hessian not symmetric", quadratic, (v,),
             "2 M, which is not symmetric", r"symmetr|" + TRANSPOSED,
             grad=lambda v: (M + M.T) @ v, hessian=lambda v: 2 * M),
    function("least squares: 2", least_squares, (v, X, y), "A factor 2 too much", FACTOR,
             grad=lambda w, X, y: 2 * X.T @ (X @ w - y)),
    function("least squares: sign", least_squares, (v, X, y), "The residual has the other sign",
             SIGN, grad=lambda w, X, y: X.T @ (y - X @ w)),
    function("least squares: y lost", least_squares, (v, X, y), "The labels are left out",
             r"\by\b|label|target|constant|\bb\b|missing", grad=lambda w, X, y: X.T @ (X @ w)),
    function("outer product: one tangent", outer, (v, y), "The tangent of b is left out",
             r"tangent|second|\bb\b|missing|left out|ignored", wrt=(0, 1),
             jvp=lambda a, b, da, db: np.outer(da, b)),
    function("outer product: tangents multiplied", outer, (v, y), "The product of the tangents",
             r"product|linear|tangent", wrt=(0, 1), jvp=lambda a, b, da, db: np.outer(da, db)),
    function("linear function: transposed", lambda x: M @ x, (v,), "The Jacobian is transposed",
             TRANSPOSED, jacobian=lambda x: M.T),
]  # fmt: skip
