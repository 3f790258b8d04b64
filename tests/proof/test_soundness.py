"""What is false, undefined or true by accident is refused, kind by kind; and what is true is proved."""

from fractions import Fraction

import pytest
from tally import COUNTS

from derivations.language.matrices import Gradient, Scalar, Whole
from derivations.language.statement import (
    ALGEBRA,
    CASES,
    CHAIN_RULE,
    CONTRACT,
    DEFINITION,
    DIFFERENTIATE,
    SIGN,
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
    Entry,
    Index,
    Limit,
    Size,
    absolute,
    exp,
    expectation,
    log,
    maximum,
    minimum,
    scalar,
    total,
    unknown,
)
from derivations.notation import K, N, X, a, b, c, i, j, k, l, m, n, v, w, y
from derivations.proof.verification import ROUTES, Checked, Verdicts, level_of, verify

x, z, t = scalar("x"), scalar("z"), scalar("t")
positive, weak = scalar("r", domain="positive"), scalar("s", domain="nonnegative")
g, q = Array("g", (n, n)), Array("q", (K,))
A, B, C = (Array(name, (K, K)) for name in "ABC")
half = Fraction(1, 2)


def report(left, right, rule=ALGEBRA, at=(), given=(), relation="=", **more):
    step = Step(right, SIGN if relation != "=" else rule, relation=relation)
    return verify(Statement("", "", (Chain(left, (step,), at=at, **more),), tuple(given)))


def said(*arguments, **named) -> str:
    """What the index calculus says of one line; ``refused`` where the line has no meaning."""
    found = report(*arguments, **named)
    return found.chains[0].steps[0].routes["all sizes"] if found.chains else "refused"


def signs(*pairs):
    return [Hypothesis("as said", signs=pairs)]


slope_of = Definition("f", (t,), D(x * t, x))
squared = Definition("h", (t,), D(t * x**2, x))
ends = Definition("e", (t,), Limit(exp(-positive * x) * t, x, 1))
constrained = [Hypothesis("z is x", replace=((z, x),))]
probabilities = {1: q[a], 0: 1 - q[a]}
one, other = unknown("phi"), unknown("phi")
same_name = scalar("w"), Array("w", (n,), domain="positive")
twin = Dimension("n", "kl", 3, "another")
r_twin = Index("k", twin)

FALSE = {
    # a binder captures what is put in
    "a derivative of an argument": (slope_of(x), 2 * x, DEFINITION),
    "a derivative of a squared argument": (squared(x), 3 * x**2, DEFINITION),
    "a limit of an argument": (ends(x), 0 * x, DEFINITION),
    # equal free indices in an expectation
    "one label or two": (
        expectation(y[i], {1: positive, 0: 1 - positive}, y[i] * y[j]), positive * y[j], ALGEBRA,
        (i, j),
    ),
    "the variance as a product": (
        expectation(y[i], {1: x, 0: 1 - x}, y[i] * y[j]), x * x, ALGEBRA, (i, j),
    ),
    # what holds at a point is used under a derivative
    "the slope at a kink": (D(maximum(w[k], 0), w[k]), 1, DIFFERENTIATE, (k,),
                            signs((w[k], "nonnegative"))),
    "a kink at zero": (D(absolute(weak), weak), 1, DIFFERENTIATE),
    "a constraint under a derivative": (D(z * x, x), 2 * x, DIFFERENTIATE, (), constrained),
    # the pattern of a hypothesis
    "the diagonal for all": (g[k, l], 0, SIGN, (k, l), signs((g[k, k], "positive")), ">"),
    "the transposed diagonal": (g[l, k] + g[k, l], 0, SIGN, (k, l), signs((g[m, m], "positive")),
                                ">"),
    # a hypothesis about a free index
    "two classes for all": (total(c, (q[c] - q[b]) * exp(q[a])), 0, SIGN, (a, b),
                            signs((q[a] - q[b], "positive")), ">"),
    "one entry for all": (total(l, w[l]), 0, SIGN, (k,), signs((w[k], "positive")), ">"),
    # definedness
    "the logarithm of a negative": (log(-absolute(x) - 1), 0, SIGN, (), (), "<"),
    "a size of nothing": (absolute(1 / (x - x)), 0, SIGN, (), (), ">="),
    "a denominator that vanishes": ((1 / x) ** 2, 0, SIGN, (), (), ">"),
    "a denominator that may vanish": ((1 / x) ** 2, 0, SIGN, (), (), ">="),
    "a root of any": ((x**2 - 1) ** half * (x**2 - 1) ** half, x**2 - 1),
    # identity by name
    "two functions of one name": (one(x), other(x)),
    "the derivative of another function": (D(one(x), x), other.prime(x), DIFFERENTIATE),
    "two arrays of one name": (total(k, w[k]), total(k, same_name[1][k])),
    "a sign by name": (w[k], 0, SIGN, (k,), signs((same_name[0], "positive")), ">"),
    "a scalar called abs(t)": (absolute(t), scalar("abs(t)")),
    "sizes of one name": (Size(n), Size(twin)),
    "toy sizes": (Size(K), Size(K) - 1),
    # derivatives and constants
    "the square of a sum": (absolute(x + z), absolute(x) + absolute(z)),
    "a signed root": ((x**2) ** half, x),
    "an absolute value dropped": (absolute(x), x),
    "an absolute value turned": (absolute(x), -x),
    "a sum of two extremes": (maximum(x, z) + minimum(x, z), 2 * x),
    "strict at one": (Size(K), 1, SIGN, (), (), ">"),
    "a square with a root": (x**2 - 2 * x + 1, 0, SIGN, (), (), ">"),
    "a quadratic with roots": (x**2 + 3 * x + 1, 0, SIGN, (), (), ">"),
    "a tangent above": (exp(x), 1 + 2 * x, SIGN, (), (), ">="),
    "a double sum transposed": (
        total(a, exp(total(b, A[a, b]))), total(a, exp(total(b, A[b, a]))),
    ),
    "a sign that a limit leaves": (Limit(absolute(x) * exp(x), x, -1), x * exp(x), ALGEBRA, (),
                                   signs((x, "positive"))),
    "no cyclic order": (total(a, total(b, total(c, A[a, b] * B[b, c] * C[c, a]))),
                        total(a, total(b, total(c, A[a, b] * C[b, c] * B[c, a])))),
    "Cauchy-Schwarz strictly": (
        total(k, w[k] * v[k]) ** 2, total(k, w[k] ** 2) * total(k, v[k] ** 2), SIGN, (), (), "<",
    ),
    "Cauchy-Schwarz turned": (total(k, w[k] * v[k]) ** 2, total(k, w[k] ** 2) * total(k, v[k] ** 2),
                              SIGN, (), (), ">="),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_what_is_false_is_not_proved(name):
    left, right, *rest = FALSE[name]
    rule, at, given, relation = (*rest, *(ALGEBRA, (), (), "=")[len(rest) :])
    assert said(left, right, rule, at, given, relation) != "proved"
    assert report(left, right, rule, at, given, relation).level in ("failed", "evidence")
    COUNTS["unsound lines refused"] += 1


TRUE = {
    "a derivative away from the kink": (D(maximum(w[k], 0), w[k]), 1, DIFFERENTIATE, (k,),
                                        signs((w[k], "positive"))),
    "the diagonal": (g[l, l], 0, SIGN, (l,), signs((g[k, k], "positive")), ">"),
    "every entry": (total(l, w[l]), 0, SIGN, (), signs((w[k], "positive")), ">"),
    "two labels": (
        expectation(y[i], {1: x, 0: 1 - x}, y[i] * y[j]), x * y[j], ALGEBRA, (i, j),
        [Hypothesis("two", distinct=((i, j),))],
    ),
    "the root of a square": ((x**2) ** half, absolute(x)),
    "largest and smallest": (maximum(x, z) + minimum(x, z), x + z),
    "the larger is no smaller": (maximum(x, z), x, SIGN, (), (), ">="),
    "a size": (Size(K), 1, SIGN, (), (), ">="),
    "sizes": (Size(K) * Size(n), Size(n), SIGN, (), (), ">="),
    "a quadratic": (x**2 + x + 1, 0, SIGN, (), (), ">"),
    "a tangent": (exp(x), 1 + x, SIGN, (), (), ">="),
    "a triangle": (absolute(x + z), absolute(x) + absolute(z), SIGN, (), (), "<="),
    "a trace": (total(a, total(b, total(c, A[a, b] * B[b, c] * C[c, a]))),
                total(b, total(c, total(a, B[b, c] * C[c, a] * A[a, b])))),
    "Cauchy and Schwarz": (total(k, w[k] * v[k]) ** 2, total(k, w[k] ** 2) * total(k, v[k] ** 2),
                           SIGN, (), (), "<="),
}  # fmt: skip


@pytest.mark.parametrize("name", TRUE)
def test_what_is_true_is_proved(name):
    left, right, *rest = TRUE[name]
    rule, at, given, relation = (*rest, *(ALGEBRA, (), (), "=")[len(rest) :])
    assert said(left, right, rule, at, given, relation) == "proved"
    COUNTS["true lines proved"] += 1


def test_the_level_is_that_of_the_worst_line():
    claimed = Statement("", "", (Chain(total(k, w[k]), (Step(total(l, w[l]), ALGEBRA),)),))
    good = Verdicts("checked", dict.fromkeys(ROUTES, "proved"), False, "", 0)
    for worse, level in (
        ("all sizes", "evidence"),
        ("restated", "proved, all sizes"),
    ):
        bad = Verdicts("checked", {**good.routes, worse: "not proved"}, False, "", 0)
        assert level_of(claimed, [Checked((bad,), bad), Checked((good,), good)]) == level
        assert level_of(claimed, [Checked((good,), good), Checked((bad,), bad)]) == level
        if worse == "all sizes":  # the ends are proved, and a line between them is not
            assert level_of(claimed, [Checked((good, bad), good)]) == level
            assert level_of(claimed, [Checked((bad, good), good)]) == level


# -- what is refused, in one clear line ------------------------------------------------------------

contradiction = signs((x, "positive"), (x - 7, "positive"), (7 - x, "positive"))

REFUSED = {
    "contradiction": (dict(given=contradiction), "no point satisfies the hypotheses"),
    "two signs": (
        dict(given=signs((x, "positive"), (x, "negative"))), "no point satisfies the hypotheses",
    ),
    "a row and a column": (
        dict(left=w[k] + w[k], right=2 * w[k], at=(k,),
             matrix=(Whole(w).T + Whole(w).T, 2 * Whole(w))),
        "shapes 1 x n and n x 1",
    ),
    "an index that counts the rows": (
        dict(left=D(w[k] ** 2, w[k]), right=2 * w[k], rule=DIFFERENTIATE, at=(k,),
             matrix=(Gradient(w[k] ** 2, w), 2 * Whole(w))),
        "k is free in a matrix",
    ),
    "a limit out of the domain": (
        dict(left=Limit(absolute(positive) / positive, positive, -1), right=1),
        "left side: r is positive and does not tend there",
    ),
    "no relation": (dict(relation="=="), "step 1 (sign): '==' is no relation; use one of"),
    "a constrained variable": (
        dict(left=D(z * x, x), right=2 * x, given=constrained), "differentiate first",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_line(name):
    arguments, message = REFUSED[name]
    found = report(**{"left": x, "right": x + x - x, **arguments})
    assert found.level == "failed" and message in found.failures[0]
    assert "\n" not in found.failures[0]


@pytest.mark.parametrize(("pattern", "body"), [(g[k, k], x), (w[k], v[l]), (x, w[k])])
def test_a_constraint_is_of_every_entry(pattern, body):
    """A diagonal alone, or a form with an index that the entry has not, would mean another thing."""
    with pytest.raises(ValueError, match="a constraint gives each entry"):
        Hypothesis("tied", replace=((pattern, body),))


@pytest.mark.parametrize(
    "given", [signs((x - 7, "positive")), signs((x, "positive"), (1 - x, "positive")), constrained]
)
def test_hypotheses_that_a_point_satisfies(given):
    assert report(x + x, 2 * x, given=given).level == "proved, scalar"


def test_every_printed_line_is_verified():
    twice = Definition("d", (x,), 2 * x)
    wrong = Chain(twice(x), (Step(3 * x, DEFINITION),))
    assert verify(Statement("", "", (wrong,), defines=(twice,))).level == "failed"
    right = Chain(twice(x), (Step(x + x, DEFINITION),))
    assert verify(Statement("", "", (right,), defines=(twice,))).level == "definition"


# -- citations -------------------------------------------------------------------------------------

f = Definition("f", (x,), x**2, "f")
slope = Statement("Slope", "", (Chain(D(f(x), x), (Step(2 * x, DIFFERENTIATE),)),))
assuming = Statement(
    "Root", "", (Chain(log(exp(log(z))), (Step(log(z), ALGEBRA),)),), tuple(signs((z, "positive")))
)


def cite(left, right, rule, cited, given=()):
    step = Step(right, rule, cites=(cited,))
    return verify(Statement("", "", (Chain(left, (step,)),), tuple(given)))


def test_a_citation_is_no_blank_cheque():
    """It neither differentiates what it does not speak of, nor opens a name."""
    for left, right in (
        (D(x**3, x), 3 * x**2),
        (f(x + 1), x**2 + 2 * x + 1),
        (f(t) - f(t) + f(x), x**2),
    ):
        assert cite(left, right, ALGEBRA, slope).chains[0].steps[0].rule == "does not hold"
    for left, right in ((D(f(x), x), 2 * x), (3 * D(f(t), t), 6 * t)):
        assert cite(left, right, ALGEBRA, slope).chains[0].steps[0].rule == "checked"
    assert cite(D(f(x**2), x), 4 * x**3, CHAIN_RULE, slope).chains[0].steps[0].rule == "checked"


def test_a_cited_hypothesis_has_to_be_made():
    found = cite(log(exp(log(z))), log(z), ALGEBRA, assuming)
    assert (
        found.level == "failed" and "assumes what is not assumed here: as said" in found.failures[0]
    )
    assert cite(log(exp(log(z))), log(z), ALGEBRA, assuming, assuming.given).level != "failed"


def test_a_scalar_of_a_domain_stands_for_no_other():
    cited = Statement("", "", (Chain(log(f(positive)), (Step(2 * log(positive), DEFINITION),)),))
    assert cite(log(f(x)), 2 * log(x), ALGEBRA, cited).level == "failed"
    length = Definition("length", (x,), absolute(x))
    cited = Statement("", "", (Chain(length(positive), (Step(positive, DEFINITION),)),))
    assert cite(length(x), x, ALGEBRA, cited).chains[0].steps[0].rule == "does not hold"
    assert cite(2 * length(positive), 2 * positive, ALGEBRA, cited).level == "proved, scalar"
    assert (
        Scalar(Whole(w).T @ Whole(w)) and CONTRACT and CASES and Delta(a, b) and Entry and X and N
    )
