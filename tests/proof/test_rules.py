"""What each rule allows, and what it does not."""

import pytest
from tally import COUNTS

from derivations import logistic, sigmoid, softmax
from derivations.language.statement import (
    ALGEBRA,
    CHAIN_RULE,
    CONTRACT,
    DEFINITION,
    DIFFERENTIATE,
    LIMIT,
    LINEARITY,
    LOGARITHM,
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
    Entry,
    Limit,
    exp,
    log,
    scalar,
    term,
    total,
)
from derivations.logistic import NLL, p, z
from derivations.notation import K, X, a, b, i, j, k, l, t, v, w, y
from derivations.proof import atoms, rules
from derivations.proof.matching import match
from derivations.proof.meaning import meaning
from derivations.sigmoid import sigma

x, r = scalar("x"), scalar("r", domain="positive")
q = Array("q", (K,))
penalised = Definition("penalised", (l,), NLL + x * w[l])[l]
S = Definition("S", (a,), exp(q[a]) / total(b, exp(q[b])), "S")


def follows(before, after, rule, *cites) -> bool:
    return rules.follows(term(before), term(after), rule, cites)


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        (ALGEBRA, (x + 1) ** 2, x**2 + 2 * x + 1),
        (ALGEBRA, total(k, w[k] * x), x * total(l, w[l])),
        (ALGEBRA, p[i] * (1 - p[i]), p[i] - p[i] ** 2),
        (ALGEBRA, D(p[i], w[k]) * 2, D(p[i], w[k]) + D(p[i], w[k])),
        (LOGARITHM, log(r * exp(x)), log(r) + x),
        (DEFINITION, sigma(x), 1 / (1 + exp(-x))),
        (DEFINITION, D(p[i], w[k]), D(sigma(z[i]), w[k])),
        (DEFINITION, D(Definition("f", (), x**2)(), x), D(x**2, x)),
        (LINEARITY, D(total(i, X[i, k] * p[i]), w[l]), total(i, X[i, k] * D(p[i], w[l]))),
        (LINEARITY, D(Delta(k, l) - p[i], w[k]), -D(p[i], w[k])),
        (CHAIN_RULE, D(log(p[i]), w[k]), D(p[i], w[k]) / p[i]),
        (CHAIN_RULE, D(p[i] * p[j], w[k]), p[i] * D(p[j], w[k]) + p[j] * D(p[i], w[k])),
        (DIFFERENTIATE, D(p[i], w[k]), p[i] * (1 - p[i]) * X[i, k]),
        (CONTRACT, total(k, Delta(k, l) * w[k]), w[l]),
        (CONTRACT, total(k, D(w[k], w[l]) * v[k]), v[l]),
        (LIMIT, Limit(sigma(t), t, -1), 0),
    ],
)
def test_allowed(rule, before, after):
    assert follows(before, after, rule)
    COUNTS["uses of a rule accepted"] += 1


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        # Each of these is true.
        (ALGEBRA, sigma(x), 1 / (1 + exp(-x))),
        (ALGEBRA, D(x**2, x), 2 * x),
        (ALGEBRA, D(2 * x, t) * 1, 2 * D(x, t)),
        (LOGARITHM, log(sigma(x)), -log(1 + exp(-x))),
        (DEFINITION, D(sigma(x), x), sigma(x) * (1 - sigma(x))),
        (DEFINITION, D(x + x**2, x), D(x, x) + D(x**2, x)),
        (DEFINITION, D(penalised, w[k]), D(NLL, w[k]) + D(x * w[l], w[k])),
        (LINEARITY, D(x * exp(x), x), exp(x) + x * exp(x)),
        (LINEARITY, D(3 * x, x), 3),
        (LINEARITY, D(p[i] * p[j], w[k]), p[i] * D(p[j], w[k]) + p[j] * D(p[i], w[k])),
        (CHAIN_RULE, D(p[i], w[k]), p[i] * (1 - p[i]) * X[i, k]),
        (CONTRACT, x + x, 2 * x),
        (CONTRACT, w[l], total(k, Delta(k, l) * w[k])),
        # And each of these is false.
        (ALGEBRA, x + 1, x),
        (LINEARITY, D(x * p[i], x), D(x, x) * D(p[i], x)),
        (LINEARITY, D(w[k] * p[i], w[l]), w[k] * D(p[i], w[l])),
        (LINEARITY, D(exp(x), x), exp(D(x, x))),
        (DIFFERENTIATE, D(sigma(2 * x), x), sigma(2 * x) * (1 - sigma(2 * x))),
        (CONTRACT, total(k, Delta(k, l) * w[k]), w[k]),
        (LOGARITHM, log(r + exp(x)), log(r) + x),
    ],
)
def test_not_allowed(rule, before, after):
    assert not follows(before, after, rule)
    COUNTS["uses of a rule rejected"] += 1


# -- citations -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "rule", "cited"),
    [
        (D(sigma(x), x), sigma(x) * (1 - sigma(x)), ALGEBRA, sigmoid.derivative),
        (D(sigma(z[i]), w[k]), sigma(z[i]) * (1 - sigma(z[i])) * D(z[i], w[k]), CHAIN_RULE,
         sigmoid.derivative),
        (sigma(-z[i]), 1 - sigma(z[i]), ALGEBRA, sigmoid.symmetry),
        (D(NLL, w[l]), total(i, X[i, l] * (p[i] - y[i])), ALGEBRA, logistic.nll_gradient),
    ],
)  # fmt: skip
def test_a_citation_holds_for_any_instance(before, after, rule, cited):
    assert follows(before, after, rule, cited)
    assert not follows(before, 2 * after, rule, cited)
    COUNTS["citations"] += 1


@pytest.mark.parametrize(
    ("before", "after", "cited"),
    [
        (D(sigma(2 * x), x), sigma(2 * x) * (1 - sigma(2 * x)), sigmoid.derivative),
        (sigma(-x), sigma(x) - 1, sigmoid.symmetry),
        (sigma(1 - x), 1 - sigma(x), sigmoid.symmetry),
        (D(NLL, w[k]), total(i, X[i, l] * (p[i] - y[i])), logistic.nll_gradient),
        (D(S[a], q[b]), S[a] * (Delta(a, b) - S[a]), softmax.jacobian),
    ],
)
def test_a_citation_misused(before, after, cited):
    assert not follows(before, after, ALGEBRA, cited)
    assert not follows(before, after, CHAIN_RULE, cited)
    COUNTS["citations misused"] += 1


def test_an_inequality_is_no_equation():
    positive = Statement("", "", (Chain(exp(x), (Step(term(0), ALGEBRA, relation=">"),)),))
    assert list(rules.equations_of((positive,), "full", "everything")) == []
    assert not follows(exp(x) + r, r, ALGEBRA, positive)


def matches(pattern, node) -> bool:
    return match(pattern, node, rules.wild_of(pattern), {})


def test_a_pattern_stands_for_nothing_that_is_bound_outside():
    """An index of a sum is no value that a free index could have."""
    of_index = meaning(p[i], "full", "everything")
    (atom,) = atoms.atoms(meaning(total(j, exp(p[j])), "full", "everything"))
    (inside,) = atoms.atoms(atom.arguments[1].arguments[0])
    assert inside.what == of_index.what and not matches(of_index, inside)


def test_what_is_assumed_is_of_itself():
    """An equation that holds for a positive x alone is not used for another scalar."""
    given = (Hypothesis("x > 0", signs=((x, "positive"),)),)
    chain = Chain(log(exp(log(x))), (Step(log(x), ALGEBRA),))
    assert x in scalars_in(rules.wild_of(meaning(log(x), "full", "everything")))
    (equation,) = rules.equations_of((Statement("", "", (chain,), given),), "full", "everything")
    assert not scalars_in(equation.wild)


def scalars_in(wild) -> list:
    return [Entry(part.what) for part in wild if isinstance(part, atoms.Entry)]


def test_a_pattern_stands_for_one_thing_at_a_time():
    f = Definition("f", (x, t), x * t)
    pattern = meaning(f(x, x), "full", "everything")
    same, other = (meaning(node, "full", "everything") for node in (f(r, r), f(r, t)))
    assert matches(pattern, same)
    assert not matches(pattern, other)
    of_index = meaning(p[i], "full", "everything")
    assert matches(of_index, meaning(p[j], "full", "everything"))
    assert not matches(of_index, meaning(sigma(x), "full", "everything"))
