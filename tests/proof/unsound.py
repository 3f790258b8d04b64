"""False statements by hand, each of a kind that a prover can be made to prove.

None may be proved. What each route says of each is kept in ``unsound.json``, which
``docs/checking.md`` shows; ``python -m tests.proof.unsound`` writes it anew.
"""

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from derivations.language.matrices import ONE as _  # noqa: F401 - matrices are part of the language
from derivations.language.statement import (
    ALGEBRA,
    DIFFERENTIATE,
    Chain,
    Hypothesis,
    Statement,
    Step,
)
from derivations.language.terms import (
    Array,
    D,
    Definition,
    Delta,
    Dimension,
    Each,
    Index,
    Limit,
    Size,
    absolute,
    cumulative,
    density,
    erf,
    exp,
    expectation,
    log,
    maximum,
    minimum,
    product,
    scalar,
    term,
    total,
    unknown,
)
from derivations.proof.verification import verify

STORED = Path(__file__).with_suffix(".json")

N, K, n = Dimension("N", "ij", 0), Dimension("K", "abc", 1), Dimension("n", "klm", 3)
i, j = Index("i", N), Index("j", N)
a, b, c = Index("a", K), Index("b", K), Index("c", K)
k, l, m = Index("k", n), Index("l", n), Index("m", n)
w, v, X = Array("w", (n,)), Array("v", (n,)), Array("X", (N, n))
z, S_ = Array("z", (K,)), Array("s", (K,))
y, q = Array("y", (N,), domain="label"), Array("q", (N,), domain="unit")
G = Array("g", (n, n))
x, t, u, r = scalar("x"), scalar("t"), scalar("u"), scalar("r", domain="positive")
phi, psi = unknown("phi"), unknown("psi")


@dataclass(frozen=True)
class Claim:
    """A false claim: its kind, in words, and the statement."""

    kind: str
    words: str
    statement: Statement


def claim(kind, words, left, right, relation="=", given=(), rule=ALGEBRA):
    chain = Chain(left, (Step(right, rule, relation=relation),))
    return Claim(kind, words, Statement(words, "", (chain,), tuple(given)))


def quantity(name, parameters, body):
    return Definition(name, parameters, body)


slope_of = quantity("f", (t,), D(x * t, x))
sum_with = quantity("g", (t,), total(k, w[k] * t))
limit_of = quantity("h", (t,), Limit(t / (1 + exp(-x)), x, 1))
entry_sum = quantity("e", (k,), total(l, w[k] * v[l]))
weighted = quantity("r", (k, l), w[k] * v[l])
soft = quantity("S", (z, a), exp(z[a]) / total(b, exp(z[b])))
chances = {1: q[i], 0: 1 - q[i]}
chances_j = {1: q[j], 0: 1 - q[j]}
K2 = Dimension("K'", "de", 2)

CAPTURES = [
    claim("capture", "f(t) = d(x t)/dx gives f(x) = 2 x", slope_of(x), 2 * x),
    claim("capture", "f(2 x) = 4 x", slope_of(2 * x), 4 * x),
    claim("capture", "f(x^2) = 3 x^2", slope_of(x**2), 3 * x**2),
    claim("capture", "g(w_k) is the sum of squares", sum_with(w[k]), total(l, w[l] ** 2)),
    claim("capture", "h(x) = 1: the limit of x sigma(x) is that of sigma", limit_of(x), term(1)),
    claim(
        "capture", "e_l with the bound l is a sum of products", entry_sum[l], total(k, w[k] * v[k])
    ),
    claim("capture", "r_ll takes w_l v_k", weighted[l, l], w[l] * v[k]),
    claim(
        "capture",
        "a softmax of z_b in a sum over b",
        total(b, soft(Each((a,), z[a] + S_[b]))[a]),
        term(1),
    ),
]
EXPECTATIONS = [
    claim(
        "expectation",
        "E over y_i of y_i y_j is q_i y_j for all i, j",
        expectation(y[i], chances, y[i] * y[j]),
        q[i] * y[j],
    ),
    claim(
        "expectation",
        "labels are independent of themselves",
        expectation(y[i], chances, expectation(y[j], chances_j, y[i] * y[j])),
        q[i] * q[j],
    ),
    claim(
        "expectation",
        "E of a sum over all labels, where one of them is this",
        expectation(y[i], chances, total(j, y[j])),
        total(j, y[j]),
    ),
    claim("expectation", "E of y^2 is q^2", expectation(y[i], chances, y[i] ** 2), q[i] ** 2),
]
POINTS = [
    claim(
        "used under a derivative",
        "from w_k >= 0, d max(w_k, 0)/dw_k = 1",
        D(maximum(w[k], 0), w[k]),
        term(1),
        given=(Hypothesis("w_k >= 0", signs=((w[k], "nonnegative"),)),),
        rule=DIFFERENTIATE,
    ),
    claim(
        "used under a derivative",
        "from x + u >= 0, d abs(x + u)/dx = 1",
        D(absolute(x + u), x),
        term(1),
        given=(Hypothesis("x + u >= 0", signs=((x + u, "nonnegative"),)),),
        rule=DIFFERENTIATE,
    ),
    claim(
        "used under a derivative",
        "from u = x, d(u x)/dx = 2 x",
        D(u * x, x),
        2 * x,
        given=(Hypothesis("u = x", replace=((u, x),)),),
        rule=DIFFERENTIATE,
    ),
    claim(
        "used under a derivative",
        "from u = x^2, d u/dx = 2 x",
        D(u, x),
        2 * x,
        given=(Hypothesis("u = x^2", replace=((u, x**2),)),),
        rule=DIFFERENTIATE,
    ),
    claim("kink", "d abs(x)/dx = 1", D(absolute(x), x), term(1), rule=DIFFERENTIATE),
    claim(
        "kink",
        "(d abs(x - 3)/dx)^2 = 1",
        D(absolute(x - 3), x) ** 2,
        term(1),
        rule=DIFFERENTIATE,
    ),
    claim("kink", "d min(x, 0)/dx = 0", D(minimum(x, 0), x), term(0), rule=DIFFERENTIATE),
    claim("kink", "d max(x, u)/dx = 1", D(maximum(x, u), x), term(1), rule=DIFFERENTIATE),
]
PATTERNS = [
    claim(
        "pattern of a hypothesis",
        "from g_kk > 0, g_kl > 0",
        G[k, l],
        term(0),
        ">",
        (Hypothesis("g_kk > 0", signs=((G[k, k], "positive"),)),),
    ),
    claim(
        "pattern of a hypothesis",
        "from g_kk > 0, the sum of all g_kl is positive",
        total(k, total(l, G[k, l])),
        term(0),
        ">",
        (Hypothesis("g_kk > 0", signs=((G[k, k], "positive"),)),),
    ),
    claim(
        "pattern of a hypothesis",
        "z_a > z_b for two classes holds inside a sum over b",
        total(b, exp(z[a]) - exp(z[b])),
        term(0),
        ">",
        (Hypothesis("z_a > z_b", signs=((z[a] - z[b], "positive"),)),),
    ),
    claim(
        "pattern of a hypothesis",
        "from x > 0, u > 0",
        u,
        term(0),
        ">",
        (Hypothesis("x > 0", signs=((x, "positive"),)),),
    ),
]
UNDEFINED = [
    claim("undefined", "log(-abs(w) - 1) < 0", log(-absolute(x) - 1), term(0), "<"),
    claim("undefined", "abs(1/(x - x)) >= 0", absolute(1 / (x - x)), term(0), ">="),
    claim("undefined", "0/0 = 1", (x - x) / (x - x), term(1)),
    claim("undefined", "log of a negative square", log(-(x**2) - 1) - log(-(x**2) - 1), term(0)),
    claim(
        "undefined", "the root of a negative number", (-(x**2) - 1) ** Fraction(1, 2) * 0, term(0)
    ),
    claim("undefined", "e^log x = x for all x", exp(log(x)), x),
    claim("undefined", "1/(x^2 - x^2) squared is positive", (1 / (x**2 - x**2)) ** 2, term(0), ">"),
    claim(
        "undefined",
        "x/x at a sum that vanishes",
        total(k, w[k] - w[k]) / total(k, w[k] - w[k]),
        term(1),
    ),
]
LOGARITHMS = [
    claim("logarithm", "log(x^2) = 2 log x", log(x**2), 2 * log(x)),
    claim("logarithm", "log(x + r) = log x + log r", log(r + r**2), log(r) + log(r**2)),
    claim("logarithm", "sqrt(x^2) = x", (x**2) ** Fraction(1, 2), x),
    claim(
        "logarithm", "the logarithm of a sum is the sum", log(total(a, exp(z[a]))), total(a, z[a])
    ),
    claim("logarithm", "(x^2)^(3/2) = x^3", (x**2) ** Fraction(3, 2), x**3),
    claim("logarithm", "log 4 = 3 log 2", log(term(4)), 3 * log(term(2))),
]
SIZES = [
    claim("size", "K = K - 1", Size(K), Size(K) - 1),
    claim("size", "N = n", Size(N), Size(n)),
    claim(
        "size", "two dimensions of one rank", Size(K) * total(a, z[a]), Size(K2) * total(a, z[a])
    ),
    claim("size", "K >= 2", Size(K), term(2), ">="),
    claim("size", "a sum of ones is one", total(a, exp(z[a] - z[a])), term(1)),
    claim("size", "(sum z)^2 = sum z^2", total(a, z[a]) ** 2, total(a, z[a] ** 2)),
    claim(
        "size",
        "a product of sums is a sum of products",
        total(k, w[k]) * total(k, v[k]),
        total(k, w[k] * v[k]),
    ),
    claim("size", "a product over one class", product(a, 1 + z[a] ** 2), 1 + total(a, z[a] ** 2)),
]
LIMITS = [
    claim("limit", "abs(r)/r tends to 1 where r > 0 tends to -oo",
          Limit(absolute(r) / r, r, -1), term(1)),
    claim("limit", "1/(1 + h) tends to 0 where h in [0, 1] tends to oo",
          Limit(1 / (1 + scalar("h", domain="unit")), scalar("h", domain="unit"), 1), term(0)),
    claim("limit", "u sigma(x) has one limit at both ends",
          Limit(u / (1 + exp(-x)), x, -1), Limit(u / (1 + exp(-x)), x, 1)),
]  # fmt: skip
NAMES = [
    claim("name", "phi = psi", phi(x), psi(x)),
    claim("name", "two functions called phi", unknown("phi")(x), phi(x)),
    claim(
        "name",
        "a function called cosh has the signs of cosh",
        (unknown("cosh")(2) ** 2) ** Fraction(1, 2),
        unknown("cosh")(2),
    ),
    claim("name", "phi' = phi", phi.prime(x), phi(x)),
    claim("name", "phi(x + u) = phi(x) + phi(u)", phi(x + u), phi(x) + phi(u)),
    claim(
        "name",
        "a positive scalar w beside the real w",
        absolute(scalar("w")),
        scalar("w"),
    ),
    claim(
        "name",
        "a scalar called abs(t)",
        absolute(t),
        scalar("abs(t)"),
    ),
    claim("name", "density = cumulative", density(x), cumulative(x)),
    claim("name", "erf' has no root of pi", D(erf(x), x), 2 * exp(-(x**2)), rule=DIFFERENTIATE),
]
DELTAS = [
    claim("delta", "delta_kl = 0", Delta(k, l), term(0)),
    claim("delta", "delta_kl = 1", Delta(k, l), term(1)),
    claim("delta", "a delta contracts to the other index", total(l, Delta(k, l) * w[l]), w[l]),
    claim("delta", "dw_k/dw_l = 1", D(w[k], w[l]), term(1), rule=DIFFERENTIATE),
    claim("delta", "delta_kl^2 is a half", Delta(k, l) ** 2, Delta(k, l) / 2),
    claim("delta", "delta_kl + delta_lm = delta_km", Delta(k, l) + Delta(l, m), Delta(k, m)),
]
DERIVATIVES = [
    claim(
        "derivative",
        "the product rule without its second part",
        D(exp(x) * x**2, x),
        exp(x) * x**2,
        rule=DIFFERENTIATE,
    ),
    claim(
        "derivative",
        "a sign of the quotient rule",
        D(1 / (1 + exp(-x)), x),
        -exp(-x) / (1 + exp(-x)) ** 2,
        rule=DIFFERENTIATE,
    ),
    claim(
        "derivative",
        "the softmax has a diagonal Jacobian",
        D(soft(z)[a], z[b]),
        Delta(a, b) * soft(z)[a] * (1 - soft(z)[a]),
        rule=DIFFERENTIATE,
    ),
    claim(
        "derivative",
        "a sum over data points forgets one",
        D(total(i, total(k, w[k] * X[i, k]) ** 2), w[l]),
        2 * X[i, l] * total(k, w[k] * X[i, k]),
        rule=DIFFERENTIATE,
    ),
    claim(
        "derivative",
        "log-sum-exp has slope 1",
        D(log(total(b, exp(z[b]))), z[a]),
        term(1),
        rule=DIFFERENTIATE,
    ),
    claim(
        "derivative",
        "the chain rule without the inner slope",
        D(phi(2 * x), x),
        phi.prime(2 * x),
        rule=DIFFERENTIATE,
    ),
]
INEQUALITIES = [
    claim("inequality", "x > 0", x, term(0), ">"),
    claim("inequality", "x^2 > 0", x**2, term(0), ">"),
    claim("inequality", "e^x >= 2 + x", exp(x) - x - 2, term(0), ">="),
    claim("inequality", "abs(x) > 0", absolute(x), term(0), ">"),
    claim("inequality", "x^2 + x > 0", x**2 + x, term(0), ">"),
    claim(
        "inequality",
        "abs(x + u) >= abs(x) + abs(u)",
        absolute(x + u) - absolute(x) - absolute(u),
        term(0),
        ">=",
    ),
    claim(
        "inequality",
        "the reverse of Cauchy-Schwarz",
        total(k, w[k] * v[k]) ** 2 - total(k, w[k] ** 2) * total(k, v[k] ** 2),
        term(0),
        ">=",
    ),
]

CLAIMS = (
    *CAPTURES, *EXPECTATIONS, *POINTS, *PATTERNS, *UNDEFINED, *LOGARITHMS, *SIZES, *LIMITS, *NAMES, *DELTAS,
    *DERIVATIVES, *INEQUALITIES,
)  # fmt: skip


def judged(one):
    """What verification says of a claim; without verdicts where it is refused as it is written."""
    found = verify(one.statement)
    lines = [step for chain in found.chains for step in chain.steps]
    verdicts = {"rule": lines[0].rule, **lines[0].routes} if lines else {}
    return {"kind": one.kind, "words": one.words, "level": found.level, "verdicts": verdicts}


if __name__ == "__main__":
    rows = [judged(one) for one in CLAIMS]
    STORED.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
