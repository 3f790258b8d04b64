"""The machinery of the errata: what is right is not called wrong, and a search finds the smallest."""

from fractions import Fraction

import pytest

from derivations.language import terms
from derivations.language.statement import ALGEBRA, Chain, Hypothesis, Statement, Step
from derivations.language.terms import (
    Array,
    Dimension,
    Index,
    Size,
    exp,
    log,
    term,
    total,
    unknown,
)
from derivations.note.erratum import (
    CLAIM,
    CONFIRMED,
    FAILS,
    FORMULA,
    HOLDS,
    NOT_CHECKED,
    UNDECIDED,
    Construction,
    Counterexample,
    Equation,
    Erratum,
    Search,
    check,
    counterexample,
    from_ledger,
    holds,
    in_words,
    plain,
    points,
    shown,
    try_claim,
    values_of,
)
from derivations.proof import verification

N, n = Dimension("N", "ij", 0), Dimension("n", "kl", 3)
i, j, k = Index("i", N), Index("j", N), Index("k", n)
t, s = terms.scalar("t"), terms.scalar("s")
x, y = Array("x", (N,)), Array("y", (N,), domain="label")

TRUE = Statement("True", "", (Chain(t + t, (Step(2 * t, ALGEBRA),)),))
FALSE = Statement("False", "", (Chain(t + t, (Step(3 * t, ALGEBRA),)),))


def row(*claims, right=(TRUE,), kind=FORMULA):
    return Erratum("Title", "a = b", "right", "why", claims, right, kind)


WRONG = Equation(total(i, x[i]) ** 2, total(i, x[i] ** 2))
RIGHT = Equation(total(i, 2 * x[i]), 2 * total(j, x[j]))
CASE = Counterexample({"x": 1}, 1, 2, "one is not two")


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (WRONG, FAILS),
        (RIGHT, HOLDS),
        (Equation(t**2, term(0), ">="), HOLDS),
        (Equation(t**2, term(0), ">"), FAILS),
        (Equation(exp(t), term(0), "<="), FAILS),
        (Equation(log(exp(t)), t), HOLDS),
        (Construction(lambda: x[k]), FAILS),
        (Construction(lambda: x[i]), HOLDS),
        (Search(lambda: CASE), FAILS),
        (Search(lambda: None), HOLDS),
        # True at all sizes that a search reaches, and of no larger one.
        (Equation(Size(N), term(3), "<="), UNDECIDED),
    ],
)
def test_verdicts(claim, verdict):
    assert try_claim(claim).verdict == verdict


@pytest.mark.parametrize("claim", [RIGHT, Construction(lambda: x[i]), Search(lambda: None)])
def test_what_is_right_is_not_reported_as_failing(claim):
    report = check(row(claim))
    assert (report.printed, report.as_stated) == (HOLDS, False)
    assert check(row(claim, kind=CONFIRMED)).as_stated


def test_what_is_wrong_is_not_confirmed():
    assert not check(row(WRONG, kind=CONFIRMED)).as_stated
    assert check(row(WRONG)).as_stated


def test_each_printed_claim_has_to_fail():
    report = check(row(WRONG, RIGHT))
    assert (report.printed, report.as_stated) == (UNDECIDED, False)


def test_what_is_said_to_be_right_is_verified():
    assert not check(row(WRONG, right=(TRUE, FALSE))).as_stated
    assert not check(row(WRONG, right=(FALSE,))).as_stated


def test_wording_has_no_check():
    report = check(row(kind=CLAIM))
    assert (report.printed, report.outcomes, report.as_stated) == (NOT_CHECKED, (), True)


def test_what_is_true_of_one_data_point_alone_fails():
    """A route that looks at one data point proves it there, which is not a proof."""
    dropped = Equation(total(i, x[i]), x[j])
    outcome = try_claim(dropped)
    assert outcome.verdict == FAILS
    assert outcome.counterexample.values["N"] == 2


def test_a_counterexample_is_the_first_and_the_same_again():
    found = counterexample(WRONG.left, WRONG.right)
    assert found == counterexample(WRONG.left, WRONG.right)
    assert found.values == {"N": 2, "x": [Fraction(1), Fraction(1)]}
    assert (found.left, found.right) == (4, 2)


@pytest.mark.parametrize("relation", ["=", "<", "<=", ">", ">="])
def test_relations_are_those_of_numbers(relation):
    numbers = [Fraction(-1), Fraction(0), Fraction(2)]
    compare = {"=": "__eq__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}
    for left in numbers:
        for right in numbers:
            expected = getattr(left, compare[relation])(right)
            as_mpf = (terms_value(left), terms_value(right))
            assert holds(*as_mpf, relation) == expected


def terms_value(number):
    return verification.digits.value(term(number), verification.digits.Point({}, {}))


def test_points_come_by_size():
    def size(point):
        """Sizes, entries that are not 0, and how far these go."""
        changed = [abs(value) for value in point.entries.values() if value != 0]
        return sum(point.sizes.values()) + len(changed) + max([1, *changed]) - 1

    found = points(total(i, x[i] * y[i]))
    sizes = [size(next(found)) for _ in range(400)]
    assert sizes == sorted(sizes)
    assert sizes[-1] >= 5


@pytest.mark.parametrize(
    ("domain", "allowed"),
    [
        ("label", lambda v: v in (0, 1)),
        ("positive", lambda v: v > 0),
        ("nonnegative", lambda v: v >= 0),
        ("unit", lambda v: 0 < v < 1),
        ("real", lambda v: v == int(v)),
    ],
)
def test_values_are_in_their_domain(domain, allowed):
    found = [value for value, _ in values_of(domain, 3)]
    assert found
    assert len(set(found)) == len(found)
    assert all(map(allowed, found))


def test_hypotheses_limit_the_search():
    square = t**2 + s**2
    plain_case = counterexample(square, term(0), ">")
    assert plain_case.values == {"s": 0, "t": 0}
    given = (Hypothesis("not both zero", signs=((square, "positive"),)),)
    assert counterexample(square, term(0), ">", given, enough=200) is None
    labels = Array("q", (n,))
    shares = Hypothesis("", replace=((labels[k], Array("r", (n,), domain="positive")[k]),))
    assert counterexample(total(k, labels[k]), term(0), ">", (shares,), enough=200) is None


def test_points_without_a_value_are_passed_over():
    assert counterexample(1 / t, 1 / t + 1).values == {"t": 1}
    assert counterexample(log(t), log(t) + 1).values == {"t": 1}


def test_a_function_that_may_be_any():
    assert try_claim(Equation(unknown("phi")(t), t)).verdict == FAILS


def test_numbers_are_exact_where_they_are_small_fractions():
    values = [Fraction(1, 2), Fraction(-3), terms_value(Fraction(1, 3)), terms_value(Fraction(0))]
    assert [shown(v) for v in values] == [r"\tfrac{1}{2}", "-3", r"\tfrac{1}{3}", "0"]
    assert shown(terms_value(Fraction(1, 10**9))) == r"1.0 \cdot 10^{-9}"
    assert shown(2.0**0.5) == r"1.41421\ldots"


def test_a_row_in_words():
    text = "\n".join(in_words("a1", row(WRONG), check(row(WRONG)), {id(TRUE): "c.true"}))
    assert text.startswith("A1  Title: fails\n    printed  a = b\n")
    assert "At N = 2, x = (1, 1) the two sides are 4 on the left and 2 on the right." in text
    assert "c.true (proved, scalar)" in text


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\mathbf{X}^\top (\mathbf{p} - \mathbf{y})", "X^T (p - y)"),
        (r"\frac{\partial z^{l+1}_v}{\partial z^l_u} \to \infty", "∂ z^(l+1)_v/∂ z^l_u → ∞"),
        (r"\begin{pmatrix} 1 & \tfrac{1}{2} \\ 0 & 1 \end{pmatrix}", "[1 & 1/2; 0 & 1]"),
        (r"$\{0, 1\}$, \left( y'\right)", "{0, 1}, ( y')"),
    ],
)
def test_plain_text(latex, text):
    assert plain(latex) == text


def test_reports_come_from_the_ledger_or_are_made(tmp_path):
    verified = from_ledger(tmp_path / "ledger.json")
    assert verified(TRUE)["level"] == "proved, scalar"
    assert verified(TRUE) is verified(TRUE)
    assert verified(FALSE)["failures"]
