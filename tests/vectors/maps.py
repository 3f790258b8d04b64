"""Linear maps that share their weights, and branches that meet: leading axes to dropout."""

from mpmath import mpf

from vectors import plain
from vectors.arithmetic import ONE, each, tanh, total
from vectors.cases import Argument, File, Input, Invalid, Valid, eighths, full, refusals, rng
from vectors.elementary import columns, flat, sigmoid
from vectors.layers import (
    linear,
    linear_backward,
    linear_gradient,
    number_kinds,
    of_bias,
    product,
    sigmoid_slope,
    tanh_slope,
)
from vectors.rules import Layer, random

SUMS = "sums of products, in any order: half an ulp for each product and partial sum"

# ------------------------------------------------------------------ leading axes, embedding


def by_place(function):
    """A function of matrices, at each data point."""

    def of(z, delta=None, **given):
        rows = zip(z, strict=True) if delta is None else zip(z, delta, strict=True)
        return [function(*parts, **given) for parts in rows]

    return of


def leading_gradient(z, delta, **given):
    return linear_gradient(flat(z), flat(delta), **given)


def looked_up(y, W):
    return [W[label] for label in y]


def added(y, delta, W):
    """For each row of a table the sum of the deltas where it was looked up."""
    return [
        [total(row[k] for label, row in zip(y, delta, strict=True) if label == a) for k in range(n)]
        for a, n in enumerate(map(len, W))
    ]


# ------------------------------------------------------------------ convolution


def reads(places, taps, stride, padding):
    """Which tap reads which place of the input, at each place of the output: (r, q, s)."""
    for r in range((places + 2 * padding - taps) // stride + 1):
        for q in range(taps):
            if 0 <= (s := stride * r + q - padding) < places:
                yield r, q, s


def convolution(z, W, b=None, stride=1, padding=0):
    read = list(reads(len(z[0]), len(W[0]), stride, padding))
    count = (len(z[0]) + 2 * padding - len(W[0])) // stride + 1

    def entry(z_i, place, u):
        terms = [
            x * w for r, q, s in read if r == place for x, w in zip(z_i[s], W[u][q], strict=True)
        ]
        return total([*terms, *([] if b is None else [b[u]])])

    return [[[entry(z_i, r, u) for u in range(len(W))] for r in range(count)] for z_i in z]


def convolution_backward(z, delta, W, b=None, stride=1, padding=0):
    read = list(reads(len(z[0]), len(W[0]), stride, padding))

    def entry(d, place, k):
        return total(d[r][u] * W[u][q][k] for r, q, s in read if s == place for u in range(len(W)))

    return [
        [[entry(d, s, k) for k in range(len(z[0][0]))] for s in range(len(z[0]))] for d in delta
    ]


def convolution_flip(delta, W, padding):
    """A convolution of the deltas, by the kernel from its other end, of units to features."""
    turned = [[[w[-1 - q][k] for w in W] for q in range(len(W[0]))] for k in range(len(W[0][0]))]
    return convolution(delta, turned, padding=len(W[0]) - 1 - padding)


def plain_flip(delta, W, padding):
    """The derivative of sum delta z' by z; z' is linear in z."""
    places = len(delta[0]) + len(W[0]) - 1 - 2 * padding
    z = [[[mpf(0)] * len(W[0][0]) for _ in range(places)] for _ in delta]
    return plain.pulled(plain.convolution, ("z",))(delta, z=z, W=W, padding=padding)["z"]


def convolution_gradient(z, delta, W, b=None, stride=1, padding=0):
    read = list(reads(len(z[0]), len(W[0]), stride, padding))

    def entry(u, tap, k):
        pairs = list(zip(z, delta, strict=True))
        return total(d[r][u] * x[s][k] for r, q, s in read if q == tap for x, d in pairs)

    n, taps = len(z[0][0]), len(W[0])
    gradients = {
        "W": [[[entry(u, q, k) for k in range(n)] for q in range(taps)] for u in range(len(W))]
    }
    return gradients if b is None else {**gradients, "b": of_bias(flat(delta))}


def convolution_along(z, dz, W, b=None, stride=1, padding=0):
    return convolution(dz, W, None, stride, padding)


# ------------------------------------------------------------------ low rank, tied weights


def thin(alpha, left, right):
    """Alpha left right, with the largest bound of the three ways to multiply alpha in."""
    ways = [
        scaled(alpha, product(left, right)),
        product(scaled(alpha, left), right),
        product(left, scaled(alpha, right)),
    ]
    return each(loosest, *ways)


def loosest(*numbers):
    return max(numbers, key=lambda number: float(number.error))


def scaled(alpha, rows):
    return each(lambda entry: alpha * entry, rows)


def sum_of(one, other):
    return each(lambda a, b: a + b, one, other)


def low_rank(z, W, A, B, alpha):
    return sum_of(linear(z, W), thin(alpha, linear(z, A), columns(B)))


def low_rank_backward(z, delta, W, A, B, alpha):
    return sum_of(product(delta, W), product(thin(alpha, delta, B), A))


def low_rank_gradient(z, delta, W, A, B, alpha):
    return {
        "W": product(columns(delta), z),
        "A": product(columns(thin(alpha, delta, B)), z),
        "B": thin(alpha, columns(delta), linear(z, A)),
    }


def low_rank_along(z, dz, W, A, B, alpha):
    return low_rank(dz, W, A, B, alpha)


def tied(y, W):
    return linear(each(tanh, looked_up(y, W)), W)


def tied_gradient(y, delta, W):
    x = looked_up(y, W)
    below = each(lambda d, t: d * tanh_slope(t), product(delta, W), x)
    as_weights = product(columns(delta), each(tanh, x))
    return {"W": sum_of(as_weights, added(y, below, W))}


# ------------------------------------------------------------------ branches


class Branch:
    """f = phi(z A^T) F^T by its rules."""

    def __init__(self, phi, slope):
        self.phi, self.slope = phi, slope

    def forward(self, z, A, F):
        return linear(each(self.phi, linear(z, A)), F)

    def inside(self, z, delta, A, F):
        """The deltas before the function."""
        return each(lambda d, t: d * self.slope(t), product(delta, F), linear(z, A))

    def backward(self, z, delta, A, F):
        return product(self.inside(z, delta, A, F), A)

    def gradient(self, z, delta, A, F):
        return {
            "A": product(columns(self.inside(z, delta, A, F)), z),
            "F": product(columns(delta), each(self.phi, linear(z, A))),
        }

    def along(self, z, dz, A, F):
        return linear(each(lambda t, d: self.slope(t) * d, linear(z, A), linear(dz, A)), F)


FIRST, SECOND = Branch(tanh, tanh_slope), Branch(sigmoid, sigmoid_slope)


def joined(one, other):
    return [[*a, *b] for a, b in zip(one, other, strict=True)]


def cut(delta, M):
    return [row[:M] for row in delta], [row[M:] for row in delta]


def concatenation_backward(z, delta, A, F, B, H):
    first, second = cut(delta, len(F))
    return sum_of(FIRST.backward(z, first, A, F), SECOND.backward(z, second, B, H))


def dropped(z, mask, p):
    return each(lambda m, t: m * t / (ONE - p), mask, z)


def dropout_moments(z, p):
    """On average over a mask of one entry: the output, and the square of its distance from z."""

    def variance(t):
        apart = t / (ONE - p) - t
        return (ONE - p) * (apart * apart) + p * (t * t)

    return {
        "mean": each(lambda t: (ONE - p) * (t / (ONE - p)), z),
        "variance": each(variance, z),
    }


def plain_moments(z, p):
    """By the two masks, a square of all kept and of all dropped."""
    kept, lost = (plain.dropout(z, [[m] * len(row) for row in z], p) for m in (1, 0))
    mean = plain.combined(lambda a, b: (1 - p) * a + p * b, kept, lost)
    squares = (plain.combined(lambda a, b: (a - b) ** 2, part, mean) for part in (kept, lost))
    return {
        "mean": mean,
        "variance": plain.combined(lambda a, b: (1 - p) * a + p * b, *squares),
    }


# ------------------------------------------------------------------ inputs


def shapes(*sizes):
    """Inputs for each size, with few digits and with all."""
    for size in sizes:
        for kind, make in (("", eighths), ("full mantissa, ", full)):
            yield f"{kind}{' '.join(map(str, size))}", make, size


def parts(name, make, **shape):
    return {part: make(f"{part} {name}", *size) for part, size in shape.items()}


def leading_cases():
    sizes = (1, 2, 3, 2), (2, 2, 2, 3), (2, 3, 2, 1), (3, 2, 2, 2), (2, 2, 1, 2), (1, 1, 1, 1)
    for name, make, (N, T, n, K) in shapes(*sizes):
        given = parts(name, make, z=(N, T, n), W=(K, n))
        yield name, given
        yield f"{name}, bias", {**given, **parts(name, make, b=(K,))}


def symbols(name, N, K):
    return rng(f"symbols {name}").integers(0, K, N).tolist()


def table_cases():
    """Symbols that come more than once, and rows that nothing looks up."""
    sizes = (1, 3, 2), (3, 2, 2), (4, 3, 2), (5, 4, 1), (6, 2, 3), (3, 5, 3), (4, 4, 4), (2, 2, 2)
    for name, make, (N, K, n) in shapes(*sizes):
        yield name, {"y": symbols(name, N, K), **parts(name, make, W=(K, n))}


def convolution_cases():
    sizes = (1, 4, 2, 2, 3), (2, 5, 1, 3, 2), (2, 3, 2, 1, 3), (1, 6, 1, 1, 3), (2, 3, 2, 2, 2)
    for name, make, (N, S, n, K, Q) in shapes(*sizes):
        for stride, padding in ((1, 0), (2, 1), (1, 2), (3, 1)):
            given = parts(name, make, z=(N, S, n), W=(K, Q, n), b=(K,))
            if padding == 2:
                del given["b"]
            how = {"stride": stride, "padding": padding}
            yield f"{name}, stride {stride}, padding {padding}", {**given, **how}


def flip_cases():
    """Deltas of so many places that those of the input are at least one."""
    sizes = (1, 4, 2, 2, 3), (2, 5, 1, 3, 2), (2, 3, 2, 2, 2), (1, 6, 1, 1, 3), (3, 3, 2, 1, 4)
    for name, make, (N, T, n, K, Q) in shapes(*sizes):
        for padding in range(min(Q, (T + Q) // 2)):
            given = parts(name, make, delta=(N, T, K), W=(K, Q, n))
            yield f"{name}, padding {padding}", {**given, "padding": padding}


def low_rank_cases():
    sizes = (1, 2, 3, 1), (2, 3, 2, 1), (3, 2, 2, 2), (2, 4, 3, 2), (4, 1, 2, 1), (3, 3, 3, 3)
    for name, make, (N, n, K, R) in shapes(*sizes):
        for alpha in (1.0, 0.5, 0.3):
            given = parts(name, make, z=(N, n), W=(K, n), A=(R, n), B=(K, R))
            yield f"{name}, alpha={alpha:g}", {**given, "alpha": alpha}


def branch_cases(*names):
    """z, and the matrices of a branch or of two; H has another number of outputs."""
    sizes = [
        (1, 2, 3, 2, 3), (2, 3, 2, 3, 1), (3, 2, 2, 2, 2), (2, 2, 1, 1, 2), (4, 1, 2, 3, 2),
        (1, 1, 1, 1, 1), (3, 3, 3, 3, 3), (2, 4, 3, 2, 2), (5, 2, 2, 1, 2), (1, 3, 4, 2, 2),
    ]  # fmt: skip
    for name, make, (N, M, Q, R, K) in shapes(*sizes):
        sized = {"A": (Q, M), "F": (M, Q), "B": (R, M), "G": (M, R), "H": (K, R)}
        yield name, parts(name, make, z=(N, M), **{letter: sized[letter] for letter in names})


def dropout_cases():
    for name, make, (N, M) in shapes((1, 3), (3, 2), (2, 4), (4, 4), (5, 2)):
        for p in (0.5, 0.1, 0.0, 0.875):
            mask = rng(f"mask {name} {p}").integers(0, 2, (N, M)).astype(float).tolist()
            yield f"{name}, p={p:g}", {**parts(name, make, z=(N, M)), "mask": mask, "p": p}


# ------------------------------------------------------------------ what is refused


def no_symbols(arguments, base):
    yield from refusals(arguments, base)
    count = len(base["W"])
    for wrong in (-1, count, 0.5):
        y = [*base["y"][:-1], wrong]
        yield Invalid(f"y: {wrong}", {**base, "y": y}, "domain", f"y: not from 0 to {count - 1}")
    yield Invalid("y: empty", {**base, "y": []}, "shape", "y: nothing in it")
    if "delta" in base:
        more = [*base["delta"], base["delta"][0]]
        yield Invalid("delta: one more", {**base, "delta": more}, "shape", "delta: a row too many")


def no_convolution(arguments, base):
    yield from refusals(arguments, base)
    for name, wrong in (("stride", (0, -1)), ("padding", (-1,))):
        for value in wrong:
            yield Invalid(f"{name} = {value}", {**base, name: value}, "domain", f"{name}: {value}")
        for value, what in ((0.5, "a fraction"), ("one", "a word")):
            yield Invalid(f"{name}: {what}", {**base, name: value}, "type", f"{name}: no integer")
    short = [rows[:1] for rows in base["z"]]
    yield Invalid("z: too short", {**base, "z": short}, "shape", "z: fewer places than taps")


def no_factor(arguments, base):
    yield from refusals(arguments, base)
    yield from number_kinds(base, "alpha", (0.0, -1.0))


def no_mask(arguments, base):
    yield from refusals(arguments, base)
    for wrong in (2.0, -1.0, 0.5):
        mask = [[wrong, 1.0], *base["mask"][1:]]
        yield Invalid(f"mask: {wrong}", {**base, "mask": mask}, "domain", "mask: not 0 or 1")
    yield from number_kinds(base, "p", (1.0, -0.125, 1.125))


# ------------------------------------------------------------------ files


def first(cases) -> Input:
    """A case with as many rows as it takes to spoil one."""
    return next(given for name, given in cases if len(next(iter(given.values()))) > 2)


def map_files():
    arguments = {
        "z": Argument("N x T x n"),
        "W": Argument("K x n"),
        "b": Argument("K", optional=True),
    }
    layer = Layer(
        "maps.leading_axes_", arguments, Argument("N x T x K"), by_place(plain.linear), SUMS,
        leading_cases, next(g for n, g in leading_cases() if n == "3 2 2 2, bias"),
        random(lambda given: (*plain.shape(given["z"])[:2], len(given["W"]))),
    )  # fmt: skip
    yield layer.file("forward", "z W^T + b at each place", by_place(linear))
    yield layer.file("backward", "delta W at each place", by_place(linear_backward))
    yield layer.file(
        "parameter_gradient",
        "W: sum_ir delta_iru z_irk; b, if there is one: sum_ir delta_iru",
        leading_gradient,
        of=("W", "b"),
    )
    yield layer.file(
        "jvp", "the change along dz: dz W^T at each place",
        lambda z, dz, W, b=None: by_place(linear)(dz, W=W),
    )  # fmt: skip
    layer = Layer(
        "maps.embedding_", {"y": Argument("any shape, symbols 0..K-1"), "W": Argument("K x n")},
        Argument("N x n"), plain.embedding,
        "no rounding but of sums, in any order: half an ulp for each partial sum",
        table_cases, first(table_cases()), random(lambda g: (len(g["y"]), len(g["W"][0]))), no_symbols,
    )  # fmt: skip
    yield layer.file("forward", "w_ak at a = y_i", looked_up)
    yield layer.file(
        "parameter_gradient", "W: sum_i [y_i = a] delta_ik",
        lambda y, delta, W: {"W": added(y, delta, W)}, of=("W",),
    )  # fmt: skip
    yield layer.file(
        "jvp", "the change along dW: dw_ak at a = y_i", lambda y, W, dW: looked_up(y, dW), of=("W",)
    )
    layer = Layer(
        "maps.convolution_",
        {"z": Argument("N x S x n"), "W": Argument("K x Q x n"), "b": Argument("K", optional=True),
         "stride": Argument("the integer c >= 1"), "padding": Argument("the integer p >= 0")},
        Argument("N x T x K, T = (S + 2 p - Q) // c + 1"), plain.convolution, SUMS,
        convolution_cases, next(g for n, g in convolution_cases() if n == "2 5 1 3 2, stride 1, padding 0"),
        random(lambda g: plain.shape(plain.convolution(**g))), no_convolution,
    )  # fmt: skip
    yield layer.file(
        "forward", "sum_qk w_uqk z_isk + b_u, s = c r + q - p from 0, z = 0 outside", convolution
    )
    yield layer.file("backward", "the derivative of sum delta z' by z", convolution_backward)
    yield layer.file(
        "parameter_gradient", "the derivatives of sum delta z' by W, and by b if there is one",
        convolution_gradient, of=("W", "b"),
    )  # fmt: skip
    yield layer.file("jvp", "the change of z' along dz", convolution_along)
    arguments = {"delta": Argument("N x T x K"), "W": Argument("K x Q x n"),
                 "padding": Argument("the integer p, 0 to Q - 1")}  # fmt: skip
    yield File(
        "maps.convolution_flip", "maps.convolution_flip",
        "the derivative of sum delta z' by z, for the stride 1: delta convolved with the kernel turned "
        "around, with Q - 1 - p zeros of padding",
        arguments, convolution_flip, plain_flip, SUMS, [Valid(*case) for case in flip_cases()],
        list(refusals(arguments, next(g for n, g in flip_cases() if n == "2 5 1 3 2, padding 0"))),
    )  # fmt: skip
    layer = Layer(
        "maps.low_rank_",
        {"z": Argument("N x n"), "W": Argument("K x n"), "A": Argument("R x n"),
         "B": Argument("K x R"), "alpha": Argument("number")},
        Argument("N x K"), plain.low_rank, f"{SUMS}; W + alpha B A is not formed",
        low_rank_cases, first(low_rank_cases()), random(lambda g: (len(g["z"]), len(g["W"]))), no_factor,
    )  # fmt: skip
    yield layer.file("forward", "z (W + alpha B A)^T", low_rank)
    yield layer.file("backward", "delta (W + alpha B A)", low_rank_backward)
    yield layer.file(
        "parameter_gradient", "W: delta^T z; A: alpha (delta B)^T z; B: alpha delta^T (z A^T)",
        low_rank_gradient, of=("W", "A", "B"),
    )  # fmt: skip
    yield layer.file("jvp", "the change along dz: dz (W + alpha B A)^T", low_rank_along)
    layer = Layer(
        "maps.tied_", {"y": Argument("any shape, symbols 0..K-1"), "W": Argument("K x n")},
        Argument("N x K"), plain.tied, f"{SUMS}; tanh two ulp, its slope (2e / (1 + e^2))^2",
        table_cases, first(table_cases()), random(lambda g: (len(g["y"]), len(g["W"]))), no_symbols,
    )  # fmt: skip
    yield layer.file("forward", "sum_k w_uk tanh(w_ak) at a = y_i", tied)
    yield layer.file(
        "parameter_gradient",
        "W: the derivative of sum delta z', by both uses",
        tied_gradient,
        of=("W",),
    )


def branch_files():
    square = {"z": Argument("N x M"), "A": Argument("Q x M"), "F": Argument("M x Q")}
    why = f"{SUMS}; tanh two ulp, its slope (2e / (1 + e^2))^2, sigma and its slope by e^-|t|"

    def layer(name, more, output, definition):
        arguments = {**square, **{letter: Argument(shape) for letter, shape in more.items()}}
        names = tuple(arguments)[1:]
        rows = "H" if "H" in more else None
        size = random(lambda g: (len(g["z"]), len(g["F"]) + (len(g[rows]) if rows else 0)))
        cases = list(branch_cases(*names))
        return Layer(
            f"composition.{name}_", arguments, Argument(output), definition, why,
            lambda: cases, first(cases), size,
        )  # fmt: skip

    residual = layer("residual", {}, "N x M", plain.residual)
    yield residual.file(
        "forward", "z + tanh(z A^T) F^T", lambda z, A, F: sum_of(z, FIRST.forward(z, A, F))
    )
    yield residual.file(
        "backward", "the derivative of sum delta z' by z",
        lambda z, delta, A, F: sum_of(delta, FIRST.backward(z, delta, A, F)),
    )  # fmt: skip
    yield residual.file(
        "parameter_gradient",
        "the derivatives of sum delta z' by A and F",
        FIRST.gradient,
        of=("A", "F"),
    )
    yield residual.file(
        "jvp", "the change of z' along dz", lambda z, dz, A, F: sum_of(dz, FIRST.along(z, dz, A, F))
    )
    added_up = layer("sum", {"B": "R x M", "G": "M x R"}, "N x M", plain.branches)
    side_by_side = layer(
        "concatenation",
        {"F": "P x Q", "B": "R x M", "H": "K x R"},
        "N x P + K",
        plain.concatenation,
    )
    for one, meet, text in (
        (added_up, sum_of, "tanh(z A^T) F^T + sigma(z B^T) G^T"),
        (side_by_side, joined, "tanh(z A^T) F^T, then sigma(z B^T) H^T, side by side"),
    ):
        yield one.file(
            "forward", text,
            lambda z, A, F, B, G=None, H=None, meet=meet: meet(
                FIRST.forward(z, A, F), SECOND.forward(z, B, G or H)
            ),
        )  # fmt: skip
        yield one.file(
            "backward", "the derivative of sum delta z' by z",
            concatenation_backward if meet is joined else lambda z, delta, A, F, B, G: sum_of(
                FIRST.backward(z, delta, A, F), SECOND.backward(z, delta, B, G)
            ),
        )  # fmt: skip
        yield one.file(
            "jvp", "the change of z' along dz",
            lambda z, dz, A, F, B, G=None, H=None, meet=meet: meet(
                FIRST.along(z, dz, A, F), SECOND.along(z, dz, B, G or H)
            ),
        )  # fmt: skip
    dropout = Layer(
        "composition.dropout_",
        {"z": Argument("N x M"), "mask": Argument("N x M, numbers 0 and 1"), "p": Argument("number")},
        Argument("N x M"), plain.dropout, "a difference and a quotient, half an ulp each",
        dropout_cases, next(g for n, g in dropout_cases() if n == "3 2, p=0.5"),
        random(lambda g: plain.shape(g["z"])), no_mask,
    )  # fmt: skip
    yield dropout.file("forward", "m z / (1 - p)", dropped)
    yield dropout.file(
        "backward", "m delta / (1 - p)", lambda z, delta, mask, p: dropped(delta, mask, p)
    )
    arguments = {"z": Argument("N x M"), "p": Argument("number")}
    yield File(
        "composition.dropout_moments", "composition.dropout_moments",
        "mean: z, of m z / (1 - p) where m is 0 with the probability p, else 1; variance: z^2 p / (1 - p)",
        arguments, dropout_moments, plain_moments,
        "the average over both masks: in the variance z / (1 - p) - z cancels where p is small",
        [Valid(name, {"z": given["z"], "p": given["p"]}) for name, given in dropout_cases()],
        [*refusals(arguments, {"z": eighths("moments", 3, 2), "p": 0.5}),
         *number_kinds({"z": eighths("moments", 3, 2), "p": 0.5}, "p", (1.0, -0.125, 1.125))],
    )  # fmt: skip
    yield dropout.file("jvp", "m dz / (1 - p)", lambda z, dz, mask, p: dropped(dz, mask, p))


def files():
    yield from map_files()
    yield from branch_files()
