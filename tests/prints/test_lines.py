"""What a statement assumes and why its lines hold: the words agree with what the checks use."""

import derivations
from derivations.language.statement import ALGEBRA, Chain, Hypothesis, Statement, Step
from derivations.language.terms import Array
from derivations.notation import Y, a, b, i, j, k, n, t, total, w
from derivations.prints.lines import assumption, used, why
from derivations.prints.mathematics import LATEX, TEXT

share = Array("r", (n,), "r", domain="positive")


def test_the_program_is_printed_where_the_words_are_others():
    wrong = Hypothesis("$t < 0$.", signs=((t, "positive"),))
    assert assumption(wrong) == "$t < 0$. Used as $t > 0$."
    assert assumption(Hypothesis("$t > 0$.", signs=((t, "positive"),))) == "$t > 0$."
    assert assumption(Hypothesis(signs=((w[k], "zero"),))) == "$w_{k} = 0$."
    assert assumption(Hypothesis(distinct=((i, j),)), TEXT) == "i ≠ j."
    assert assumption(Hypothesis("Any numbers.")) == "Any numbers."


def test_a_form_is_printed_as_what_it_says():
    one = Hypothesis(replace=((Y[i, a], Y[i, a] / total(b, Y[i, b])),))
    assert used(one, TEXT) == ["Σ_b [y_i = b] = 1"]
    form = Hypothesis(replace=((w[k], 1 + share[k]),))
    assert used(form, TEXT) == ["w_k = 1 + r_k", "r_k > 0"]


def test_every_hypothesis_that_is_used_shows_what_is():
    shown = {
        assumption(h): used(h, LATEX)
        for statement in derivations.statements().values()
        for h in statement.given
        if h.used
    }
    assert len(shown) > 5
    for words, formulas in shown.items():
        squeezed = words.replace(" ", "")
        assert formulas and all(f.replace(" ", "") in squeezed for f in formulas)


def test_a_citation_is_the_reason_of_a_line_of_algebra():
    cited = Statement("", "", (Chain(t, (Step(t, ALGEBRA),)),))
    assert why(Step(t, ALGEBRA, "", (cited,), made=True), ["a.b"]) == "a.b"
    assert why(Step(t, ALGEBRA, "as said", (cited,)), ["a.b"]) == "as said; a.b; typed"
    assert why(Step(t, ALGEBRA, made=True), []) == "algebra"
