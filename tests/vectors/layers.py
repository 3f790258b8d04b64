"""The rules of layers: forward, backward (VJP), along a direction (JVP), by the parameters."""

from dataclasses import replace

import loops
from flint import arb
from mpmath import mp, mpf

from vectors import elementary, plain
from vectors.arithmetic import (
    ONE,
    TWO,
    ZERO,
    Number,
    U,
    dot,
    each,
    erfc,
    exact,
    exp,
    expm1,
    larger,
    real,
    size,
    sqrt,
    tanh,
    total,
)
from vectors.cases import Argument, File, Invalid, Valid, eighths, full, refusals, rng
from vectors.elementary import columns, log_sigmoid, sigmoid, softplus
from vectors.regression import curvature, others
from vectors.rules import Layer, oracle, random

# ------------------------------------------------------------------ functions of one number


def sigmoid_slope(t):
    return sigmoid(t) * sigmoid(-t)


def tanh_slope(t):
    e = exp(-size(t))
    root = TWO * e / (ONE + e * e)
    return root * root


def relu(t):
    return larger(t, ZERO)


def step(t):
    return ONE if t.positive else ZERO


def normal(t):
    """Phi(t) = erfc(-t / sqrt 2) / 2: nothing is subtracted from 1."""
    return erfc(-(t / real(arb(2).sqrt()))) / TWO


def density(t):
    return exp(-(t * t) / TWO) / real((2 * arb.pi()).sqrt())


def gelu(t):
    return t * normal(t)


def gelu_slope(t):
    return normal(t) + t * density(t)


def bent(t):
    """h(t) and h'(t)."""
    cubic, scale = real(arb(8943) / 200000), real((2 / arb.pi()).sqrt())
    return scale * (t + cubic * t * t * t), scale * (ONE + exact(3) * cubic * t * t)


def gelu_tanh(t):
    return t * sigmoid(TWO * bent(t)[0])


def gelu_tanh_slope(t):
    h, slope = bent(t)
    return sigmoid(TWO * h) * (ONE + TWO * t * slope * sigmoid(-(TWO * h)))


def silu(t):
    return t * sigmoid(t)


def silu_slope(t):
    return sigmoid(t) * (ONE + t * sigmoid(-t))


def leaky_relu(t, alpha):
    return t if t.positive else alpha * t


def leaky_slope(t, alpha):
    return ONE if t.positive else alpha


def elu(t, alpha):
    return t if t.positive else alpha * expm1(t)


def elu_slope(t, alpha):
    return ONE if t.positive else alpha * exp(t)


def softsign(t):
    return t / (ONE + size(t))


def softsign_slope(t):
    root = ONE / (ONE + size(t))
    return root * root


def squared_relu(t):
    return relu(t) * relu(t)


def squared_slope(t):
    return TWO * relu(t)


def hard_tanh(t):
    return -larger(-larger(t, -ONE), -ONE)


def hard_slope(t):
    return ONE if t.ball > -1 and t.ball <= 1 else ZERO


# ------------------------------------------------------------------ layers with a Jacobian


def softmax_rule(z, direction):
    """S_v sum_u S_u (delta_v - delta_u): the Jacobian is symmetric."""
    return [_softmax_row(*rows) for rows in zip(z, direction, strict=True)]


def _softmax_row(row, d):
    S, K = elementary.softmax(row), range(len(row))
    return [S[v] * total(S[u] * (d[v] - d[u]) for u in K if u != v) for v in K]


def softmax_second_order(z, delta, dz):
    """dS_v sum_u S_u (delta_v - delta_u) - S_v sum_u dS_u delta_u."""

    def changed(row, d, dS):
        S, centred = elementary.softmax(row), _centred_row(row, d)
        along = total(a * b for a, b in zip(dS, d, strict=True))
        return [a * c - s * along for a, c, s in zip(dS, centred, S, strict=True)]

    return [changed(*rows) for rows in zip(z, delta, softmax_rule(z, dz), strict=True)]


def log_softmax_second_order(z, delta, dz):
    """-S_v sum_u S_u (dz_v - dz_u) sum_u delta_u."""
    return [
        [-(change * total(d)) for change in _softmax_row(row, way)]
        for row, d, way in zip(z, delta, dz, strict=True)
    ]


def log_softmax_backward(z, delta):
    """delta_v sum_(u /= v) S_u - S_v sum_(u /= v) delta_u."""
    return [_log_softmax_row(*rows) for rows in zip(z, delta, strict=True)]


def _log_softmax_row(row, d):
    S = elementary.softmax(row)
    return [d[v] * others(S, v) - S[v] * others(d, v) for v in range(len(d))]


def log_softmax_jvp(z, dz):
    """sum_v S_v (dz_u - dz_v)."""
    return [_centred_row(*rows) for rows in zip(z, dz, strict=True)]


def _centred_row(row, d):
    S, K = elementary.softmax(row), range(len(row))
    return [total(S[v] * (d[u] - d[v]) for v in K if v != u) for u in K]


def shares(y, K, smoothing):
    """q_u(i) = (1 - epsilon) [y_i = u] + epsilon / K, by the place of the label."""
    spread = smoothing / exact(K)
    own = (ONE - smoothing) + spread
    return [[own if u == label else spread for u in range(K)] for label in y]


def nll_forward(z, y, sample_weight=None, smoothing=ZERO):
    q, s = shares(y, len(z[0]), smoothing), sample_weight or [ONE] * len(y)
    return -total(
        s_i * q_iu * z_iu
        for s_i, q_i, z_i in zip(s, q, z, strict=True)
        for q_iu, z_iu in zip(q_i, z_i, strict=True)
    )


def nll_backward(z, y, delta, sample_weight=None, smoothing=ZERO):
    q, s = shares(y, len(z[0]), smoothing), sample_weight or [ONE] * len(y)
    return [[-(delta * s_i * entry) for entry in row] for s_i, row in zip(s, q, strict=True)]


def linear(z, W, b=None):
    return [
        [
            total([*(x * y for x, y in zip(w, row, strict=True)), *([] if b is None else [b[a]])])
            for a, w in enumerate(W)
        ]
        for row in z
    ]


def linear_backward(z, delta, W, b=None):
    return linear(delta, columns(W))


def linear_gradient(z, delta, W, b=None):
    gradients = {"W": [[dot(d, x) for x in columns(z)] for d in columns(delta)]}
    return gradients if b is None else {**gradients, "b": [total(d) for d in columns(delta)]}


def linear_along(z, W, dz, dW, b=None, db=None):
    both = [[*row, *change] for row, change in zip(z, dz, strict=True)]
    return linear(both, [[*change, *w] for w, change in zip(W, dW, strict=True)], db)


# ------------------------------------------------------------------ norms


def mean(terms):
    terms = list(terms)
    return total(terms) / exact(len(terms))


def centred(a):
    """Deviations from the mean, or these from their own mean, which is the error of the first."""
    m, n = mean(a), len(a)
    once = [entry - m for entry in a]
    if not any(d.error > 0 for d in once):
        return once
    spread = sum((d.size for d in once), arb(0)) / n
    twice = [U * (2 * d.size + (n + 1) * spread) for d in once]
    return [
        Number(d.ball, arb(max(d.error, again, key=float).upper()))
        for d, again in zip(once, twice, strict=True)
    ]


def standardised(a, eps):
    """Deviations over the root of their mean square and eps, and the root."""
    deviations = centred(a)
    root = sqrt(mean(d * d for d in deviations) + eps)
    return [d / root for d in deviations], root


def over_root(a, eps):
    root = sqrt(mean(entry * entry for entry in a) + eps)
    return [entry / root for entry in a], root


def affine(hat, gain, bias):
    return [[g * x + b for g, x, b in zip(gain, row, bias, strict=True)] for row in hat]


def layer_norm(z, gain, bias, eps):
    return affine([standardised(row, eps)[0] for row in z], gain, bias)


def projected(a, pull, eps, centred=True):
    """(pull - mean(pull) - hat mean(pull hat)) / root, where hat are the numbers of a."""
    hat, root = standardised(a, eps) if centred else over_root(a, eps)
    along = mean(p * h for p, h in zip(pull, hat, strict=True))
    m = [mean(pull)] if centred else []
    return [
        total([p, *(-c for c in m), -(h * along)]) / root for p, h in zip(pull, hat, strict=True)
    ]


def times(gain, rows):
    return [[g * entry for g, entry in zip(gain, row, strict=True)] for row in rows]


def layer_norm_backward(z, delta, gain, bias, eps):
    return [projected(*rows, eps) for rows in zip(z, times(gain, delta), strict=True)]


def layer_norm_jvp(z, dz, gain, bias, eps):
    return times(gain, [projected(*rows, eps) for rows in zip(z, dz, strict=True)])


def of_gain(hat, delta):
    return [dot(d, h) for d, h in zip(columns(delta), columns(hat), strict=True)]


def of_bias(delta):
    return [total(d) for d in columns(delta)]


def layer_norm_gradient(z, delta, gain, bias, eps):
    hat = [standardised(row, eps)[0] for row in z]
    return {"gain": of_gain(hat, delta), "bias": of_bias(delta)}


def rms_norm(z, gain, eps):
    return times(gain, [over_root(row, eps)[0] for row in z])


def rms_norm_backward(z, delta, gain, eps):
    pull = times(gain, delta)
    return [projected(*rows, eps, centred=False) for rows in zip(z, pull, strict=True)]


def rms_norm_jvp(z, dz, gain, eps):
    return times(gain, [projected(*rows, eps, centred=False) for rows in zip(z, dz, strict=True)])


def rms_norm_gradient(z, delta, gain, eps):
    return {"gain": of_gain([over_root(row, eps)[0] for row in z], delta)}


def batch_hat(z, eps):
    return columns([standardised(column, eps)[0] for column in columns(z)])


def batch_norm(z, gain, bias, eps):
    return affine(batch_hat(z, eps), gain, bias)


def batch_projected(z, pull, eps):
    pairs = zip(columns(z), columns(pull), strict=True)
    return columns([projected(*pair, eps) for pair in pairs])


def batch_norm_backward(z, delta, gain, bias, eps):
    return times(gain, batch_projected(z, delta, eps))


def batch_norm_gradient(z, delta, gain, bias, eps):
    return {"gain": of_gain(batch_hat(z, eps), delta), "bias": of_bias(delta)}


def fixed_hat(z, mean, variance, eps):
    root = [sqrt(s + eps) for s in variance]
    return [[(x - m) / r for x, m, r in zip(row, mean, root, strict=True)] for row in z]


def fixed_norm(z, mean, variance, gain, bias, eps):
    return affine(fixed_hat(z, mean, variance, eps), gain, bias)


def fixed_backward(z, delta, mean, variance, gain, bias, eps):
    root = [sqrt(s + eps) for s in variance]
    return [[g * d / r for g, d, r in zip(gain, row, root, strict=True)] for row in delta]


def fixed_gradient(z, delta, mean, variance, gain, bias, eps):
    return {"gain": of_gain(fixed_hat(z, mean, variance, eps), delta), "bias": of_bias(delta)}


# ------------------------------------------------------------------ attention


def scores(queries, keys):
    root = sqrt(exact(len(queries[0])))
    return [[dot(q, k) / root for k in keys] for q in queries]


def attended(queries, keys, mask):
    """The weights: m e^(z - top) over their sum, where nothing hidden enters an exponential."""
    result = []
    for row, m in zip(scores(queries, keys), mask, strict=True):
        if sum(seen.positive for seen in m) == 1:  # e / e = 1, without an error
            result.append([ONE if seen.positive else ZERO for seen in m])
            continue
        top = max((z for z, seen in zip(row, m, strict=True) if seen.positive), key=middle)
        e = [seen * exp(z - top) if seen.positive else ZERO for z, seen in zip(row, m, strict=True)]
        whole = total(e)
        result.append([entry / whole for entry in e])
    return result


def middle(number):
    return float(number.ball)


def product(A, B):
    return [[dot(row, column) for column in columns(B)] for row in A]


def attention(queries, keys, values, mask):
    return product(attended(queries, keys, mask), values)


def through_weights(P, G):
    """p_ir (g_ir - sum_s p_is g_is), row by row."""
    return [[_through(p, g, r) for r in range(len(p))] for p, g in zip(P, G, strict=True)]


def _through(p, g, r):
    """Its error; its value is p_r sum_s p_s (g_r - g_s), where nothing cancels."""
    differences = [p[s] * (g[r] - g[s]) for s in range(len(p)) if s != r and p[s].ball != 0]
    value = (p[r] * total(differences)).ball
    return ZERO if value == 0 else Number(value, (p[r] * (g[r] - dot(p, g))).error)


def attention_backward(queries, keys, values, mask, delta):
    P, root = attended(queries, keys, mask), sqrt(exact(len(queries[0])))
    D = through_weights(P, product(delta, columns(values)))
    D = [[entry / root for entry in row] for row in D]
    return {
        "queries": product(D, keys),
        "keys": product(columns(D), queries),
        "values": product(columns(P), delta),
    }


def attention_along_values(queries, keys, values, mask, dvalues):
    return product(attended(queries, keys, mask), dvalues)


def attention_along_queries(queries, keys, values, mask, dqueries):
    P = attended(queries, keys, mask)
    return product(through_weights(P, scores(dqueries, keys)), values)


def attention_along_keys(queries, keys, values, mask, dkeys):
    P = attended(queries, keys, mask)
    return product(through_weights(P, scores(queries, dkeys)), values)


# ------------------------------------------------------------------ inputs of functions

SINGLES = [
    0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -2.25, 3.0, -4.5, 6.0, -7.5, 10.0, -10.0, 20.5, -20.5,
    -37.5, 40.0, -40.0, 300.0, -300.0, 700.0, -700.0, 720.0, 0.1, -0.7, 1e-9, -1e-9,
]  # fmt: skip
MATRICES = {
    **{f"{N}x{M}": eighths(f"layer {N}x{M}", N, M) for N, M in [(1, 3), (2, 3), (5, 2), (3, 3)]},
    "full mantissa": full("layer", 3, 2),
    "zeros, signs": [[0.0, 1.0, -1.0], [-0.0, 2.0, -2.0]],
}


def beside(name, z):
    """A delta or a direction for z: no zeros, rows that sum to anything."""
    return eighths(f"beside {name}", len(z), len(z[0]))


def inputs(singles=SINGLES):
    for t in singles:
        yield f"z={t:g}", [[t]]
    yield from MATRICES.items()


def number_kinds(base, name, wrong):
    """A parameter that is one number: what it must not be."""
    for value in wrong:
        yield Invalid(f"{name} = {value}", {**base, name: value}, "domain", f"{name}: {value}")
    for value in ("nan", "inf", "-inf"):
        yield Invalid(f"{name} = {value}", {**base, name: value}, "not finite", f"{name}: {value}")
    yield Invalid(f"{name}: a word", {**base, name: "one"}, "type", f"{name}: no number")
    yield Invalid(f"{name}: null", {**base, name: None}, "type", f"{name}: nothing given")


# The functions in words, and what is taken for the slope where there are two: that from the left.
FORMULAS = {
    "activations.sigmoid": "1 / (1 + e^-t)",
    "activations.log_sigmoid": "log(1 / (1 + e^-t))",
    "activations.tanh": "tanh t",
    "activations.relu": "max(t, 0), f'(0) = 0",
    "activations.softplus": "log(1 + e^t)",
    "gates.gelu": "t (1 + erf(t / sqrt 2)) / 2",
    "gates.gelu_tanh": "t (1 + tanh(sqrt(2 / pi) (t + 0.044715 t^3))) / 2",
    "gates.silu": "t / (1 + e^-t)",
    "gates.leaky_relu": "t where t > 0, else alpha t, f'(0) = alpha",
    "gates.elu": "t where t > 0, else alpha (e^t - 1), f'(0) = alpha",
    "gates.softsign": "t / (1 + |t|)",
    "gates.squared_relu": "max(t, 0)^2",
    "gates.hard_tanh": "min(max(t, -1), 1), f'(-1) = 0, f'(1) = 1",
}
NEAR = [t for t in SINGLES if -100.0 < t]  # beyond, e^-t^2 is less than any float by far


def function_files(statement, f, slope, loop, why, kinks=None, singles=SINGLES, **parameter):
    """Forward, backward, and along a direction if there is a statement, of z'_u = f(z_u)."""
    name, kinks = statement.partition(".")[2], kinks or {}
    arguments = {"z": Argument("N x M"), **{k: Argument("number") for k in parameter}}
    base = {"z": MATRICES["2x3"], **{k: values[0] for k, values in parameter.items()}}

    def broken(base):
        for name in parameter:
            yield from number_kinds(base, name, (0.0, -1.0))

    def plain_slope(t, **given):
        if (kink := float(t)) in kinks:
            return kinks[kink](**given)
        return plain.slope(lambda h: loop(t + h, **given))

    def of(extra):
        cases = list(inputs(singles))
        for number, (comment, z) in enumerate(cases):
            chosen = {k: values[number % len(values)] for k, values in parameter.items()}
            yield Valid(
                comment, {"z": z, **({extra: beside(comment, z)} if extra else {}), **chosen}
            )

    yield File(
        f"{statement}_forward",
        f"{statement}_forward",
        "f(z_iu), f(t) = " + FORMULAS[statement].partition(", f'")[0],
        arguments,
        lambda z, **given: each(lambda t: f(t, **given), z),
        lambda z, **given: each(lambda t: loop(t, **given), z),
        why[0],
        list(of(None)),
        [*refusals(arguments, base), *broken(base)],
    )
    pieces = parameter or name in ("softsign", "squared_relu", "hard_tanh")
    rules = [("derivative" if pieces else "backward", "backward", "delta")]
    for rule, function, extra in rules if pieces else [*rules, ("jacobian", "jvp", "dz")]:
        arguments = {**arguments, extra: Argument("N x M")}
        arguments.pop("delta" if extra == "dz" else "dz", None)
        given = {**base, extra: beside("2x3", base["z"])}
        yield File(
            f"{statement}_{rule}",
            f"{statement}_{function}",
            f"{extra}_iu f'(z_iu), f(t) = {FORMULAS[statement]}",
            arguments,
            lambda z, extra=extra, **given: product_with(slope, z, given.pop(extra), given),
            lambda z, extra=extra, **given: product_with(plain_slope, z, given.pop(extra), given),
            why[1] + "; half an ulp for the product",
            list(of(extra)),
            [*refusals(arguments, given), *broken(given)],
        )


def product_with(slope, z, direction, given):
    return each(lambda t, d: d * slope(t, **given), z, direction)


def functions():
    P = "with e = exp(-|t|), one ulp, each sum and quotient half an ulp"
    yield from function_files(
        "activations.sigmoid",
        sigmoid,
        sigmoid_slope,
        loops.sigmoid,
        (P, f"sigma(t) sigma(-t), {P}"),
    )
    yield from function_files(
        "activations.log_sigmoid",
        log_sigmoid,
        lambda t: sigmoid(-t),
        loops.log_sigmoid,
        ("min(t, 0) - log1p(e^-|t|): exp and log1p one ulp each", f"sigma(-t) {P}"),
    )
    yield from function_files(
        "activations.tanh",
        tanh,
        tanh_slope,
        mp.tanh,
        ("tanh of a library, two ulp", f"(2e / (1 + e^2))^2 {P}"),
    )
    yield from function_files(
        "activations.relu",
        relu,
        step,
        plain.relu,
        ("exact", "exact; f'(0) = 0"),
        {0.0: lambda: mpf(0)},
    )
    yield from function_files(
        "activations.softplus",
        softplus,
        sigmoid,
        loops.softplus,
        ("max(t, 0) + log1p(e^-|t|): exp and log1p one ulp each", f"sigma(t) {P}"),
    )
    E = (
        "Phi(t) = erfc(-t / sqrt 2) / 2, erfc four ulp; t / sqrt 2 rounded, which on the left the "
        "exponential in erfc turns into a relative error of about 2 t^2 u"
    )
    yield from function_files(
        "gates.gelu",
        gelu,
        gelu_slope,
        plain.gelu,
        (
            E,
            f"{E}; the density by exp(-t^2 / 2), one ulp, with t^2 rounded; the sum, in which the two "
            "cancel near -0.75",
        ),
        singles=NEAR,
    )
    H = "sigma(2 h): h rounded becomes a relative error on the left, where 2 |h| is large"
    yield from function_files(
        "gates.gelu_tanh",
        gelu_tanh,
        gelu_tanh_slope,
        plain.gelu_tanh,
        (f"t {H}", f"sigma(2 h) (1 + 2 t h' sigma(-2 h)), {H}; the sum cancels near -0.75"),
        singles=NEAR,
    )
    yield from function_files(
        "gates.silu",
        silu,
        silu_slope,
        plain.silu,
        (f"t sigma(t) {P}", f"sigma(t) (1 + t sigma(-t)) {P}; the sum cancels near -1.28"),
    )
    yield from function_files(
        "gates.leaky_relu",
        leaky_relu,
        leaky_slope,
        plain.leaky_relu,
        ("one product", "exact; f'(0) = alpha"),
        {0.0: lambda alpha: alpha},
        alpha=(0.125, 0.01, 0.2),
    )
    yield from function_files(
        "gates.elu",
        elu,
        elu_slope,
        plain.elu,
        (
            "alpha expm1(t): one ulp and a product",
            "alpha e^t: one ulp and a product; f'(0) = alpha",
        ),
        {0.0: lambda alpha: alpha},
        alpha=(1.0, 0.5, 1.67),
    )
    yield from function_files(
        "gates.softsign",
        softsign,
        softsign_slope,
        plain.softsign,
        ("a sum and a quotient", "(1 / (1 + |t|))^2: a sum, a quotient and a product"),
        {0.0: lambda: mpf(1)},
    )
    yield from function_files(
        "gates.squared_relu",
        squared_relu,
        squared_slope,
        plain.squared_relu,
        ("one product", "exact"),
        {0.0: lambda: mpf(0)},
    )
    yield from function_files(
        "gates.hard_tanh",
        hard_tanh,
        hard_slope,
        plain.hard_tanh,
        ("exact", "exact; f'(-1) = 0 and f'(1) = 1, the slope from the left"),
        {-1.0: lambda: mpf(0), 1.0: lambda: mpf(1)},
    )


# ------------------------------------------------------------------ inputs of other layers

SIZES = [(1, 2), (1, 3), (2, 3), (3, 2), (5, 2), (4, 3), (2, 4), (3, 3), (2, 2), (2, 5)]


def matrices(largest=(30, 300, 800)):
    for N, M in SIZES:
        yield f"{N}x{M}", eighths(f"rows {N}x{M}", N, M)
    for N, M in [(1, 3), (3, 2), (2, 4)]:
        yield f"full mantissa, {N}x{M}", full(f"rows {N}x{M}", N, M)
    for size_ in largest:
        z = eighths(f"up to {size_}", 2, 3, largest=size_)
        z[0][0], z[1][2] = float(size_), float(-size_)
        yield f"up to {size_}", z
    yield "equal entries", [[0.75, 0.75, 0.75], [-1.5, -1.5, -1.5]]
    yield "two equal", [[2.0, 2.0, -1.0]]
    yield "confident", [[40.0, 0.0, -1.0], [0.0, 38.5, 1.0]]


def beside_rows(comment, given, name):
    return beside(comment, given["z"])


def row_layers():
    S = "softmax by e^(z - m), exp one ulp, each difference, sum and quotient half an ulp"

    def layer(prefix, function, why):
        return Layer(
            prefix,
            {"z": Argument("N x K")},
            Argument("N x K"),
            lambda z: [function(row) for row in z],
            f"{why}{S}",
            lambda: ((c, {"z": rows}) for c, rows in matrices()),
            {"z": eighths("rows", 3, 4)},
            beside_rows,
        )

    softmax = layer("activations.softmax_", loops.softmax, "")
    yield softmax.file(
        "forward", "softmax of each row", lambda z: [elementary.softmax(row) for row in z]
    )
    for rule, d, quantity in (
        ("backward", "delta", "S_v (delta_v - sum_u S_u delta_u) for each row"),
        ("jvp", "dz", "the Jacobian of each row times dz: S_u (dz_u - sum_v S_v dz_v)"),
    ):
        u, v = ("v", "u") if d == "delta" else ("u", "v")
        yield softmax.file(
            rule,
            quantity,
            lambda z, delta=None, dz=None: softmax_rule(z, delta or dz),
            why=f"S_{u} sum_{v} S_{v} ({d}_{u} - {d}_{v}); {S}",
        )
    yield softmax.file(
        "second_order",
        "the change of RULE 2 along dz: dS_v (delta_v - S.delta) - S_v dS.delta with dS = J dz",
        softmax_second_order,
        why=f"dS_v sum_u S_u (delta_v - delta_u) - S_v sum_u dS_u delta_u; {S}",
    )
    log_softmax = layer("log_softmax.", loops.log_softmax, "")
    backward = log_softmax.file(
        "backward",
        "delta_v - S_v sum_u delta_u for each row",
        log_softmax_backward,
        why=f"delta_v sum_(u /= v) S_u - S_v sum_(u /= v) delta_u; {S}",
    )
    yield replace(backward, valid=[*backward.valid, *one_hot_deltas()])
    yield log_softmax.file(
        "jvp",
        "the Jacobian of each row times dz: dz_u - sum_v S_v dz_v",
        log_softmax_jvp,
        why=f"sum_v S_v (dz_u - dz_v); {S}",
    )
    yield log_softmax.file(
        "second_order",
        "the change of RULE 2 along dz: -S_v (dz_v - S.dz) sum_u delta_u for each row",
        log_softmax_second_order,
        why=f"-S_v sum_u S_u (dz_v - dz_u) sum_u delta_u; {S}",
    )
    yield File(
        "softmax.jacobian",
        "softmax.jacobian",
        "S_u ([u = v] - S_v) of one vector",
        {"z": Argument("K")},
        lambda z: [
            [curvature(elementary.softmax(z), u, v) for v in range(len(z))] for u in range(len(z))
        ],
        loops.softmax_jacobian,
        f"1 - S_u is the sum of the others; {S}",
        [Valid(c, {"z": row}) for c, row in elementary.ROWS.items() if len(row) in range(2, 6)],
        list(refusals({"z": Argument("K")}, {"z": eighths("rows", 3, 4)[0]})),
    )


def one_hot_deltas():
    """What the NLL sends back: -1 at the label, 0 elsewhere."""
    for comment, z in matrices():
        labels = rng(f"one-hot {comment}").integers(0, len(z[0]), len(z))
        delta = [[-1.0 if u == label else 0.0 for u in range(len(z[0]))] for label in labels]
        yield Valid(f"{comment}, one-hot", {"z": z, "delta": delta})


def nll_cases(**more):
    for number, (comment, rows) in enumerate(matrices()):
        z = [[-abs(entry) for entry in row] for row in rows]
        y = rng(f"nll {comment}").integers(0, len(z[0]), len(z)).tolist()
        s = rng(f"nll s {comment}").integers(1, 17, len(z)) / 8
        extra = {k: v[number % len(v)] for k, v in more.items()}
        yield Valid(comment, {"z": z, "y": y, **extra})
        yield Valid(f"{comment}, weights", {"z": z, "y": y, **extra, "sample_weight": s.tolist()})
        if number % 2:
            yield Valid(f"{comment}, smoothing", {"z": z, "y": y, **extra, "smoothing": 0.125})
        if number % 3 == 0:
            yield Valid(f"{comment}, smoothing 0.1", {"z": z, "y": y, **extra, "smoothing": 0.1})


def nll_files():
    z = [[-abs(entry) for entry in row] for row in eighths("nll", 3, 4)]
    arguments = {
        "z": Argument("N x K"),
        "y": Argument("N, labels 0..K-1"),
        "sample_weight": Argument("N", optional=True),
        "smoothing": Argument("number from 0 to 1", optional=True),
    }
    base = {"z": z, "y": [0, 2, 1]}
    weighted = {**base, "sample_weight": [0.5, 2.0, 1.0]}

    def refused(arguments, base):
        yield from refusals(arguments, base)
        for label in (4, -1, 0.5, 255):
            yield Invalid(f"y: {label}", {**base, "y": [0, label, 1]}, "domain", f"y: {label}")
        yield Invalid("y: one-hot", {**base, "y": [[1, 0], [0, 1], [1, 0]]}, "shape", "y: a matrix")
        yield from number_kinds(base, "smoothing", (-0.125, 1.125))
        yield Invalid(
            "a negative weight",
            {**base, "sample_weight": [0.5, -2.0, 1.0]},
            "domain",
            "sample_weight: < 0",
        )

    why = "a sum of products, in any order; where its terms cancel, their errors stay"
    yield File(
        "nll.forward",
        "nll.forward",
        "-sum_i s_i sum_u q_iu z_iu, q = (1 - smoothing) [y_i = u] + smoothing/K",
        arguments,
        nll_forward,
        plain.nll,
        why,
        list(nll_cases()),
        list(refused(arguments, weighted)),
    )
    with_delta = {**arguments, "delta": Argument("number")}
    yield File(
        "nll.backward",
        "nll.backward",
        "-delta s_i q_iu",
        with_delta,
        nll_backward,
        oracle(plain.nll, "backward", ("z",)),
        "at most three products",
        list(nll_cases(delta=(1.0, -0.5, 3.0, 0.1))),
        list(refused(with_delta, {**weighted, "delta": 1.0})),
    )
    along = {**arguments, "dz": Argument("N x K")}
    yield File(
        "nll.jacobian",
        "nll.jvp",
        "the cost along dz: -sum_i s_i sum_u q_iu dz_iu",
        along,
        lambda z, y, dz, **given: nll_forward(dz, y, **given),
        oracle(plain.nll, "jvp", ("z",)),
        why,
        [Valid(c.comment, {**c.input, "dz": beside(c.comment, c.input["z"])}) for c in nll_cases()],
        list(refused(along, {**weighted, "dz": eighths("nll dz", 3, 4)})),
    )


def linear_cases():
    shapes = [
        (1, 2, 3), (1, 3, 2), (2, 3, 4), (3, 2, 2), (5, 2, 3), (3, 3, 3), (2, 2, 2), (4, 1, 2),
        (2, 4, 1), (1, 1, 1),
    ]  # fmt: skip
    for N, n, K in shapes:
        for kind, make in (("", eighths), ("full mantissa, ", full)):
            for bias in (False, True):
                name = f"{kind}N={N} n={n} K={K}{', bias' if bias else ''}"
                given = {"z": make(f"z {name}", N, n), "W": make(f"W {name}", K, n)}
                yield name, {**given, "b": make(f"b {name}", K)} if bias else given


def linear_files():
    arguments = {"z": Argument("N x n"), "W": Argument("K x n"), "b": Argument("K", optional=True)}
    layer = Layer(
        "linear.",
        arguments,
        Argument("N x K"),
        plain.linear,
        "sums of products, in any order: half an ulp for each product and partial sum",
        linear_cases,
        {
            name: eighths(f"linear {name}", *s)
            for name, s in (("z", (3, 2)), ("W", (4, 2)), ("b", (4,)))
        },
        random(lambda given: (len(given["z"]), len(given["W"]))),
    )
    yield layer.file("forward", "z W^T + b", linear)
    yield layer.file("backward", "delta W", linear_backward)
    yield layer.file(
        "parameter_gradient",
        "W: delta^T z; b, if there is one: sum_i delta(i)",
        linear_gradient,
        of=("W", "b"),
    )
    yield layer.file("jvp", "the Jacobian times dz: dz W^T", lambda z, dz, W, b=None: linear(dz, W))
    yield layer.file(
        "jvp",
        "the change along dz, dW and db: dz W^T + z dW^T + db",
        linear_along,
        of=("z", "W", "b"),
        statement="linear.parameter_jacobian",
        function="linear.jvp_with_parameters",
    )


# ------------------------------------------------------------------ norms: inputs and files

EPS = (1e-5, 0.125, 1e-12, 1.0)


def norm_inputs():
    for N, M in [(2, 3), (3, 2), (1, 3), (5, 2), (3, 3), (4, 4), (2, 5), (3, 1)]:
        yield f"{N}x{M}", eighths(f"norm {N}x{M}", N, M)
    for N, M in [(2, 3), (3, 4)]:
        yield f"full mantissa, {N}x{M}", full(f"norm {N}x{M}", N, M)
    for offset in (100.0, 1e4, 1e6, 1e8):
        z = eighths(f"norm offset {offset:g}", 3, 4)
        yield f"mean {offset:g}", [[entry + offset for entry in row] for row in z]
    yield "equal entries", [[0.75, 0.75, 0.75, 0.75]] * 2
    yield "tiny spread", [[entry * 2.0**-20 for entry in row] for row in eighths("tiny", 3, 3)]
    yield "large", [[entry * 2.0**40 for entry in row] for row in eighths("large", 3, 3)]
    yield "one outlier", [[0.5, -0.25, 1000.0], [1.0, 2.0, -4.0], [0.125, 3.0, 1.5]]


def norm_cases(names):
    for number, (comment, z) in enumerate(norm_inputs()):
        for eps in (EPS[number % 4], EPS[(number + 1) % 4]):
            yield f"{comment}, eps={eps:g}", norm_input(comment, z, eps, names)


def norm_input(comment, z, eps, names):
    vectors = {name: eighths(f"{name} {comment}", len(z[0])) for name in names}
    if "variance" in names:
        vectors["variance"] = [abs(entry) for entry in vectors["variance"]]
    return {"z": z, **vectors, "eps": eps}


def norm_beside(comment, given, name):
    return beside(f"norm {comment.rpartition(', eps')[0]} {name}", given["z"])


def norm_refused(arguments, base):
    yield from refusals(arguments, base)
    yield from number_kinds(base, "eps", (0.0, -1e-5))
    if "variance" in base:
        negative = {**base, "variance": [1.0, -0.5]}
        yield Invalid("a negative variance", negative, "domain", "variance: < 0")


def norm_files():
    fixed = ("mean", "variance", "gain", "bias")
    D = (
        "deviations from a rounded mean, whose error is as large as half an ulp of the largest entry "
        "for each term, and stays; squares, mean, root and quotient half an ulp each"
    )
    R = (
        "squares, mean, root and quotient half an ulp each; where the terms of a rule cancel, their "
        "errors stay"
    )
    F = "a difference, a root, a quotient, a product and a sum, half an ulp each"
    centred = "gain (z - mean) / sqrt(variance + eps) + bias: mean and variance"
    for name, names, why, definition, quantity, formulas in [
        (
            "layer_norm", fixed[2:], D, plain.layer_norm, f"{centred} of each row",
            (layer_norm, layer_norm_backward, layer_norm_gradient, layer_norm_jvp),
        ),
        (
            "rms_norm", ("gain",), R, plain.rms_norm,
            "gain z / sqrt(mean square + eps): mean square of each row",
            (rms_norm, rms_norm_backward, rms_norm_gradient, rms_norm_jvp),
        ),
        (
            "batch_norm", fixed[2:], D, plain.batch_norm, f"{centred} of each column",
            (batch_norm, batch_norm_backward, batch_norm_gradient, own_transpose(batch_norm_backward)),
        ),
        (
            "batch_norm_inference", fixed, F, plain.fixed_batch_norm, f"{centred} as given",
            (fixed_norm, fixed_backward, fixed_gradient, own_transpose(fixed_backward)),
        ),
    ]:  # fmt: skip
        layer = Layer(
            f"normalisation.{name}_",
            {
                "z": Argument("N x M"),
                **{n: Argument("M") for n in names},
                "eps": Argument("number"),
            },
            Argument("N x M"),
            definition,
            why,
            lambda names=names: norm_cases(names),
            norm_input("3x2", eighths("norm 3x2", 3, 2), 1e-5, names),
            norm_beside,
            norm_refused,
        )
        forward, backward, gradient, jvp = formulas
        yield layer.file("forward", quantity, forward)
        yield layer.file("backward", "the derivative of sum delta z' by z", backward)
        yield layer.file(
            "parameter_gradient",
            "the derivative of sum delta z' by gain, and by bias if there is one",
            gradient,
            of=("gain", "bias"),
        )
        yield layer.file("jvp", "the change of z' along dz", jvp)


def own_transpose(backward):
    return lambda dz, **given: backward(delta=dz, **given)


# ------------------------------------------------------------------ attention: inputs and files


def distinct(name, *shape):
    """Multiples of 1/8, no two of them equal."""
    return (rng(name).permutation(48)[: shape[0] * shape[1]].reshape(shape) / 8 - 3).tolist()


def attention_inputs():
    sizes = [
        (1, 2, 1, 1),
        (1, 3, 2, 2),
        (2, 3, 2, 1),
        (3, 2, 4, 2),
        (2, 4, 3, 2),
        (3, 3, 3, 3),
        (2, 2, 2, 2),
        (4, 2, 1, 3),
    ]
    for N, T, d, M in sizes:
        for kind, make in (("", eighths), ("full mantissa, ", full)):
            name = f"{kind}N={N} T={T} d={d} M={M}"
            given = {
                "queries": make(f"q {name}", N, d),
                "keys": make(f"k {name}", T, d),
                "values": full(f"v {name}", T, M) if kind else distinct(f"v {name}", T, M),
            }
            hidden = rng(f"mask {name}").integers(0, 2, (N, T))
            hidden[:, 0] = 1
            factors = (rng(f"factors {name}").integers(1, 17, (N, T)) / 8).tolist()
            yield name, {**given, "mask": [[1.0] * T for _ in range(N)]}
            yield f"{name}, hidden", {**given, "mask": hidden.astype(float).tolist()}
            if not kind:
                yield f"{name}, factors", {**given, "mask": factors}
    large = {"queries": [[30.0, -20.0]], "keys": [[20.0, 1.0], [-8.0, 15.0], [19.0, 0.5]]}
    values = distinct("attention large", 3, 2)
    yield "large scores", {**large, "values": values, "mask": [[1.0, 1.0, 1.0]]}
    yield "the largest score is hidden", {**large, "values": values, "mask": [[0.0, 1.0, 1.0]]}
    yield "one key is seen", {**large, "values": values, "mask": [[0.0, 0.0, 1.0]]}


# Where p (g - sum p g) loses all its digits, which it does in every library.
CONFIDENT = ("large scores", "score is hidden")


def attention_beside(comment, given, name):
    if name == "delta":
        return eighths(f"delta {comment}", len(given["queries"]), len(given["values"][0]))
    return beside(f"{name[1:]} {comment}", given[name[1:]])


def attention_refused(arguments, base):
    yield from refusals(arguments, base)
    for row in ([0.0] * 4, [1.0, -1.0, 1.0, 1.0]):
        mask = [row, *base["mask"][1:]]
        reason = "mask: a row where all is hidden" if not any(row) else "mask: below zero"
        yield Invalid(reason, {**base, "mask": mask}, "domain", reason)


def attention_files():
    A = (
        "scores, half an ulp for each product, sum and quotient, which exp turns into relative errors; exp "
        "one ulp; the weights are quotients; sums of products in any order"
    )
    B = f"{A}; p (g - sum p g), where the difference cancels, keeps its errors"
    shapes = {"queries": "N x d", "keys": "T x d", "values": "T x M", "mask": "N x T"}
    layer = Layer(
        "attention.",
        {name: Argument(shape) for name, shape in shapes.items()},
        Argument("N x M"),
        plain.attention,
        A,
        attention_inputs,
        {
            "queries": eighths("q", 3, 2),
            "keys": eighths("k", 4, 2),
            "values": eighths("v", 4, 5),
            "mask": [[1.0, 0.0, 1.0, 1.0]] * 3,
        },
        attention_beside,
        attention_refused,
    )
    yield layer.file(
        "forward",
        "P V, p_ir = m_ir e^(q_i.k_r / sqrt d) / sum_s m_is e^(q_i.k_s / sqrt d)",
        attention,
    )
    yield layer.file(
        "backward",
        "the derivatives of sum delta z' by queries, keys and values",
        attention_backward,
        of=("queries", "keys", "values"),
        kept=lambda comment: not comment.endswith(CONFIDENT),
        why=B,
    )
    for name, formula, why in [
        ("values", attention_along_values, A),
        ("queries", attention_along_queries, B),
        ("keys", attention_along_keys, B),
    ]:
        left_out = CONFIDENT if name != "values" else ()
        yield layer.file(
            "jvp",
            f"the change of z' along d{name}",
            formula,
            of=(name,),
            kept=lambda c, left_out=left_out: "factors" not in c and not c.endswith(left_out),
            statement=f"attention.{name}_jacobian",
            function=f"attention.jvp_{name}",
            why=why,
        )


def files():
    yield from functions()
    yield from row_layers()
    yield from nll_files()
    yield from linear_files()
    yield from norm_files()
    yield from attention_files()
