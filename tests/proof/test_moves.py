"""The moves that an author says: what they make of a line, and what they refuse."""

from fractions import Fraction

import pytest

from derivations import sigmoid
from derivations.language.moves import (
    Stuck,
    adjoint,
    chain_rule,
    contract,
    define,
    differentiate,
    entry_rule,
    exchange,
    linearity,
    prove,
    sign,
    state,
    to,
    unfold,
)
from derivations.language.statement import ALGEBRA, DEFINITION, LEMMA, RESTATED, SCALAR, Step
from derivations.language.terms import D, Definition, exp, log, term, total, walk
from derivations.logistic import NLL, z
from derivations.notation import X, i, k, l, t, w, y
from derivations.proof.verification import verify
from derivations.sigmoid import sigma, soft_plus


def made(left, *moves) -> list:
    return [step.expression for step in prove(left, *moves).steps]


@pytest.mark.parametrize("left", [D(NLL, w[k]), D(soft_plus(t), t), D(z[i], w[k])])
def test_differentiate_is_the_moves_that_find_something_to_do(left):
    one_by_one = [unfold(left.body.definition)]
    for move in (linearity, chain_rule, entry_rule):
        try:
            made(left, *one_by_one, move)
        except Stuck:
            continue
        one_by_one.append(move)
    assert made(left, differentiate(left.body.definition)) == made(left, *one_by_one)


def test_differentiate_without_names_opens_none():
    assert made(D(sigma(t) ** 2, t), differentiate()) == [2 * sigma(t) * D(sigma(t), t)]


def test_differentiate_where_there_is_no_derivative():
    with pytest.raises(Stuck, match="move 1, differentiate: there is nothing to do"):
        made(w[k] + w[l], differentiate())


def test_unfold_opens_a_name_inside_another():
    inner = Definition("inner", (t,), exp(t))
    outer = Definition("outer", (t,), inner(t) + 1)
    assert made(outer(t), unfold(outer, inner)) == [exp(t) + 1]
    assert made(outer(t), unfold(outer)) == [inner(t) + 1]
    assert made(outer(t), unfold()) == [inner(t) + 1]


base = 1 + t**2
ONE_RULE_EACH = {
    "sum and sign": -(t - base),
    "product": t * base * exp(t),
    "whole power": base**5,
    "negative power": base**-2,
    "power above one": base ** term(Fraction(3, 2)),
    "root": base ** term(Fraction(1, 2)),
    "one over a root": base ** term(Fraction(-1, 2)),
    "power of a number": term(2) ** t,
    "power of both": base ** (1 + t),
    "logarithm": log(base),
    "constant below": base / 3,
    "constant above": 3 / base,
    "quotient": t / base,
    "exponentials above": exp(t) * exp(t**2) / base,
    "and a product below": exp(t) / (base * exp(-t)),
    "and a quotient below": exp(t) / (base / exp(-t)),
    "and a power below": exp(t) / base**2,
    "and a root below": exp(t) / base ** term(Fraction(1, 2)),
    "and a power of both below": exp(t) / base**t,
}


@pytest.mark.parametrize("rule", ONE_RULE_EACH)
def test_each_rule_of_differentiation(rule):
    chain = prove(D(ONE_RULE_EACH[rule], t), differentiate())
    assert not any(isinstance(part, D) for part in walk(chain.last))
    assert verify(state("", "", chain)).level == SCALAR


slopes, others = total(i, y[i] * D(z[i], w[k])), total(i, D(z[i], w[k]))
SUMS = {
    "what stands before slopes, beside another": (2 * slopes - others + w[k], adjoint(z[i])),
    "what stands before entries": (total(i, X[i, k] * y[i]) - total(i, y[i]) * 3, adjoint(y[i])),
    "the inner sum outside": (total(i, y[i] * total(l, X[i, l] * w[l])), exchange),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_in_another_order(name):
    left, move = SUMS[name]
    assert "all sizes" in verify(state("", "", prove(left, move))).level


REASONS = {
    "product rule": D(t * sigma(t), t),
    "d log t = dt / t": D(log(sigma(t)), t),
    "d e^t = e^t dt": D(exp(sigma(t)), t),
    "quotient rule": D(1 / (1 + sigma(t)), t),
    "product rule, d e^t = e^t dt": D(t * exp(sigma(t)), t),
    "": D(sigma(t) ** 2, t),
}


@pytest.mark.parametrize("reason", REASONS)
def test_chain_rule_says_which_rules_it_used(reason):
    (step,) = prove(REASONS[reason], chain_rule).steps
    assert step.reason == reason


def test_what_is_constant_needs_no_rule():
    (step,) = prove(D(log(w[k]) * sigma(t), w[k]), chain_rule).steps
    assert step.reason == "d log t = dt / t"


def test_to_takes_rule_reason_and_statements_in_any_order():
    how = (sigmoid.symmetry, "why", DEFINITION, sigmoid.softplus)
    (step,) = to(t, *how)(term(0))
    assert step == Step(t, DEFINITION, "why", (sigmoid.symmetry, sigmoid.softplus))
    assert list(to(t)(term(0))) == [Step(t, ALGEBRA)]


@pytest.mark.parametrize(
    "how", [(DEFINITION, ALGEBRA), ("one", "two"), ((sigmoid.symmetry,),), (None,)]
)
def test_to_refuses(how):
    with pytest.raises(TypeError, match="to: expected one rule, one reason and statements at most"):
        to(t, *how)


@pytest.mark.parametrize(("relation", "holds"), [(">", True), (">=", True), ("<", False)])
def test_sign_compares_the_line_before_with_zero(relation, holds):
    chain = prove(exp(t), sign(relation, "an exponential"))
    assert chain.last == term(0)
    assert (verify(state("", "", chain)).level != "failed") is holds


def test_state_and_define():
    chain = prove(total(k, X[i, k]) * 2, to(2 * total(k, X[i, k])))
    said = state("title", "summary", chain, level=LEMMA)
    assert (said.chains, said.given, said.level) == ((chain,), (), LEMMA)
    assert state("title", "summary", chain).level == RESTATED
    named = define("title", "summary", sigma, soft_plus)
    assert (named.defines, named.level) == ((sigma, soft_plus), "definition")
    assert verify(named).level == named.level
    with pytest.raises(TypeError, match="state 'title': expected chains, one after the other"):
        state("title", "summary", (chain,))


def test_contract_after_differentiate():
    assert made(D(z[i], w[k]), differentiate(z), contract)[-1] == X[i, k]
