"""Faults planted in the prover, each in one law: a test of the prover notices every one.

A fault names the test that notices it, which passes by itself and fails where the fault is planted.
"""

from __future__ import annotations
import __future__

import dataclasses
import functools
import inspect
import itertools
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

import pytest
import sympy
import test_digits
import test_fingerprints
import test_indices
import test_lumping
import test_matrices
import test_rules
import test_signs
import test_soundness
import test_traps
import test_unsound
import test_verification
import unsound
from tally import COUNTS

from derivations.language import matrices, terms
from derivations.language.statement import Hypothesis
from derivations.proof import (
    atoms,
    digits,
    fingerprints,
    indices,
    ledger,
    lumping,
    matching,
    meaning,
    rules,
    signs,
    verification,
)

HERE = Path(__file__).parent
NOTICED = (AssertionError, pytest.fail.Exception)
Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Fault:
    """A route, what is wrong with its law, how it is planted, and the test that notices it."""

    route: str
    breaks: str
    plant: Plant
    test: Callable[..., object]
    case: tuple[object, ...] = ()


def law(place: object, name: str, other: object) -> Plant:
    """Put another law in the place of one, for all who know its name."""
    own = getattr(place, name)

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(place, name, other)
        for module in tuple(sys.modules.values()):
            known = getattr(module, "__name__", "").startswith("derivations.proof")
            if known and vars(module).get(name) is own:
                patch.setattr(module, name, other)

    return plant


def edit(place: object, name: str, old: str, new: str) -> Plant:
    """Change one place in the text of a law."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        function = inspect.unwrap(getattr(place, name))
        text = textwrap.dedent(inspect.getsource(function))
        assert text.count(old) == 1, f"{name} has {text.count(old)} times {old!r}"
        flags = __future__.annotations.compiler_flag
        whole = compile(text.replace(old, new), f"<{name} with a fault>", "exec", flags)
        (code,) = (c for c in whole.co_consts if isinstance(c, CodeType) and c.co_name == name)
        patch.setattr(function, "__code__", code)  # for all who know its name

    return plant


def catalogue(words: str) -> tuple[Callable[..., object], tuple[object, ...]]:
    """The test of a claim of the catalogue."""
    (place,) = (n for n, one in enumerate(unsound.CLAIMS) if one.words == words)
    return test_unsound.test_refused, (place,)


def empty_caches(patch: pytest.MonkeyPatch) -> None:
    """Let nothing be remembered that was worked out by other laws, now or afterwards."""
    fresh: dict[object, object] = {}
    for module in tuple(sys.modules.values()):
        here = Path(getattr(module, "__file__", None) or "/").parent == HERE
        if here or getattr(module, "__name__", "").startswith("derivations."):
            for name, value in tuple(vars(module).items()):
                if hasattr(value, "cache_clear"):
                    fresh.setdefault(value, functools.cache(value.__wrapped__))
                    patch.setattr(module, name, fresh[value])


# -- the index calculus ----------------------------------------------------------------------------

application = atoms.application
exponential, logarithm = indices.exponential, indices.logarithm


def one_bound_name(index, body):
    bound = atoms.known_place(index.dimension, 1)
    return atoms.application(atoms.Total, None, bound, atoms.moved(body, {index: bound}))


def one_fresh_name(dimension):
    return atoms.known_place(dimension, "same")


def by_name(kind, what, *arguments, first={}):  # noqa: B006 - kept from call to call
    return application(kind, first.setdefault(atoms.called(what), what), *arguments)


def exponential_of_a_product(argument):
    factors = argument.args if isinstance(argument, sympy.Mul) else (argument,)
    return sympy.Mul(*map(exponential, factors))


def logarithm_of_a_sum(argument, root=False):
    addends = argument.args if isinstance(argument, sympy.Add) else (argument,)
    return sympy.Add(*(logarithm(part, root) for part in addends))


def limit_at_the_other_end(expression, variable, infinity):
    return limit(expression, variable, -infinity)


limit = meaning.limit
i, k, l, p, w = test_rules.i, test_rules.k, test_rules.l, test_rules.p, test_rules.w
soundness, false, true = (
    test_soundness.test_what_is_false_is_not_proved,
    test_indices.test_false_identities,
    test_indices.test_true_identities,
)


def absolute_values():
    for name in ("an absolute value dropped", "an absolute value turned"):
        soundness(name)


CALCULUS = [
    Fault("A", "sums are closed with one bound name", law(indices, "close_sum", one_bound_name),
          soundness, ("a double sum transposed",)),
    Fault("A", "a fresh index is the same each time", law(atoms, "fresh", one_fresh_name),
          soundness, ("no cyclic order",)),
    Fault("A", "a delta is 1", law(indices, "delta", lambda left, right: sympy.Integer(1)),
          *catalogue("delta_kl = 1")),
    Fault("A", "a delta is 0", law(indices, "delta", lambda left, right: sympy.Integer(0)),
          *catalogue("delta_kl = 0")),
    Fault("A", "two indices that differ are not a case",
          law(indices, "without", lambda expression, atom: sympy.Integer(0)),
          *catalogue("dw_k/dw_l = 1")),
    Fault("A", "all dimensions have one size",
          law(indices, "size", lambda dimension: atoms.application(atoms.Size, "size")),
          *catalogue("N = n")),
    Fault("A", "a size is 1", law(indices, "size", lambda dimension: sympy.Integer(1)),
          *catalogue("a sum of ones is one")),
    Fault("A", "exp(a b) = exp(a) exp(b)", law(indices, "exponential", exponential_of_a_product),
          false, ("exp of a product",)),
    Fault("A", "log(a + b) = log a + log b", law(indices, "logarithm", logarithm_of_a_sum),
          false, ("log of a sum",)),
    Fault("A", "the root of a square loses its sign",
          law(indices, "logarithm", lambda argument, root=False: logarithm(argument)),
          false, ("the root of a square",)),
    Fault("A", "an absolute value is dropped", law(indices, "absolute", lambda argument: argument),
          soundness, ("the square of a sum",)),
    Fault("A", "the slope of a function is 1",
          law(meaning, "slope", lambda atom, number: sympy.Integer(1)),
          true, ("log-sum-exp",)),
    Fault("A", "an entry has slope 1 by any other",
          edit(meaning, "derivative_of_atom",
               "sympy.Mul(*(delta(a, b) for a, b in zip(atom.arguments, at, strict=True)))",
               "sympy.Integer(1)"),
          *catalogue("dw_k/dw_l = 1")),
    Fault("A", "any array is the variable of a derivative",
          edit(meaning, "derivative_of_atom", "atom.what != array", "False"),
          false, ("every scalar moves",)),
    Fault("A", "everything is constant under a derivative that is linear",
          law(meaning, "is_constant", lambda expression, array: True),
          test_rules.test_not_allowed,
          (test_rules.LINEARITY, terms.D(w[k] * p[i], w[l]), w[k] * terms.D(p[i], w[l]))),
    Fault("A", "two objects of one name are one", law(atoms, "application", by_name),
          soundness, ("two functions of one name",)),
    Fault("A", "a limit is taken at the other end", law(meaning, "limit", limit_at_the_other_end),
          test_indices.test_a_limit_of_a_positive_rate),
    Fault("A", "a function of one argument hides no other",
          law(meaning, "depends_on_its_argument_alone", lambda definition: True),
          test_indices.test_closed_names_stay_closed),
    Fault("A", "an absolute value is looked at in one case",
          edit(indices, "residual", "return residual(put(expression, kink, -argument))",
               "return sympy.Integer(0)"),
          absolute_values),
]  # fmt: skip

# -- rest-lumping ----------------------------------------------------------------------------------

lumped_false = test_lumping.test_false_identities
patterns = lumping.patterns


def of_lumping(name: str) -> tuple[object, ...]:
    return test_lumping.FALSE[name]


def one_size(what, symbol=lumping.symbol):
    return symbol(unsound.N) if isinstance(what, terms.Dimension) else symbol(what)


LUMPING = [
    Fault("L", "the rest of a sum counts those that are told apart",
          edit(lumping, "rest", "(symbol(dimension) - told)", "symbol(dimension)"),
          lumped_false, of_lumping("a size next to a free index")),
    Fault("L", "two sizes are one number", law(lumping, "symbol", one_size),
          lumped_false, of_lumping("two sizes")),
    Fault("L", "rests inside one another have one token",
          edit(lumping, "of_term", "Other(1 + max(rests, default=0))", "Other(1)"),
          lumped_false, of_lumping("rests in one another")),
    Fault("L", "free indices are never equal",
          law(lumping, "patterns", lambda free: itertools.islice(patterns(free), 1)),
          lumped_false, of_lumping("by cases")),
    Fault("L", "free indices are always equal",
          law(lumping, "patterns", lambda free: list(patterns(free))[-1:]),
          lumped_false, of_lumping("a diagonal Jacobian")),
    Fault("L", "a rest may have the variable in it",
          edit(lumping, "of_term", "any(moving.what in rest.entries for rest in found)", "False"),
          lumped_false, of_lumping("the variable in a rest")),
    Fault("L", "a product of sums over the data is one",
          law(lumping, "degree", lambda node, dimension: 1),
          test_lumping.test_not_lumpable,
          (terms.total(test_lumping.i, test_lumping.g[test_lumping.i])
           * terms.total(test_lumping.i, test_lumping.g[test_lumping.i]),)),
    Fault("L", "a function has the numbers of its name",
          edit(lumping, "unknown", '"_eval_evalf"', '"unused"'),
          lumped_false, of_lumping("a function called cosh")),
    Fault("L", "a function is its own slope",
          edit(lumping, "unknown", "unknown(function.prime)", "unknown(function)"),
          lumped_false, of_lumping("a function for its slope")),
    Fault("L", "what is left over is not looked at", law(lumping, "is_zero", lambda expression: True),
          lumped_false, of_lumping("a sum of products")),
    Fault("L", "a logarithm splits whatever the signs", law(lumping, "is_positive", lambda value: True),
          lumped_false, of_lumping("roots of negative numbers")),
    Fault("L", "levels of rests are not counted",
          edit(lumping, "rest", "level = 1 + max(", "level = 1 + 0 * max("),
          lumped_false, of_lumping("a double sum transposed")),
]  # fmt: skip

# -- fingerprints ----------------------------------------------------------------------------------

finger_true, finger_false = test_fingerprints.test_true, test_fingerprints.test_false
settings, placements = fingerprints.settings, fingerprints.placements


def of_finger(name: str) -> tuple[object, ...]:
    table = {**test_fingerprints.TRUE, **test_fingerprints.FALSE}
    return (table[name],)


def always(**changes):
    return lambda *sides: (dataclasses.replace(one, **changes) for one in settings(*sides))


def of_one_size(*sides):
    for one in settings(*sides):
        if len(set(one.sizes.values())) <= 1:
            yield one


FINGERPRINTS = [
    Fault("F", "labels are always 1", law(fingerprints, "settings", always(labels=2)),
          finger_false, of_finger("a label is 1")),
    Fault("F", "labels are always 0", law(fingerprints, "settings", always(labels=3)),
          finger_false, of_finger("a label is 0")),
    Fault("F", "all sizes are equal", law(fingerprints, "settings", of_one_size),
          finger_false, of_finger("sizes of one rank")),
    Fault("F", "free indices are never equal",
          law(fingerprints, "placements",
              lambda *free: (at for at in placements(*free) if len(set(at.values())) == len(at))),
          finger_false, of_finger("equal indices")),
    Fault("F", "free indices are always equal",
          law(fingerprints, "placements",
              lambda *free: (at for at in placements(*free) if len(set(at.values())) <= 1)),
          finger_false, of_finger("different indices")),
    Fault("F", "everything is a square", law(fingerprints, "is_square", lambda value, p: True),
          finger_false, of_finger("an absolute value dropped")),
    Fault("F", "the square of an epsilon is not zero",
          edit(fingerprints, "times", "if not a & b:", "if True:"),
          finger_true, of_finger("second derivative")),
    Fault("F", "derivatives in one another share an epsilon",
          edit(fingerprints.Point, "slope", "moved._replace(depth=scope.depth + 1)", "moved"),
          finger_true, of_finger("second derivative")),
    Fault("F", "what is undefined is passed over", law(fingerprints, "UNDEFINED", 10**9),
          finger_false, of_finger("undefined")),
    Fault("F", "an inverse is linear",
          edit(fingerprints, "inverse", "total = plus(total, power, p)", "pass"),
          finger_true, of_finger("derivative of a quotient")),
    Fault("F", "all functions are one",
          edit(fingerprints.Point, "plain", "(function.of or function, function.order, at)",
               '("function", function.order, at)'),
          finger_false, of_finger("two functions")),
    Fault("F", "arrays of one name are one",
          edit(fingerprints.Point, "free_entry", "self.draw((array, place), level, square)",
               "self.draw((array.name, place), level)"),
          finger_false, of_finger("two arrays of one name")),
    Fault("F", "an expectation moves every label",
          edit(fingerprints.Point, "entry", "if (array, place) in scope.entries:",
               "for (_, place) in [key for key in scope.entries if key[0] == array][:1]:"),
          finger_true, of_finger("another label stays")),
]  # fmt: skip

# -- 50 digits -------------------------------------------------------------------------------------

agrees, refuted = test_digits.test_agrees, test_digits.test_refuted
random_number, alike_or_apart = digits.random_number, digits.alike_or_apart
shapes, limit_of = digits.Terrain.shapes, digits.limit
DIGITS = [
    Fault("D", "labels are always 1",
          lambda patch: [
              patch.setattr(digits, "LABELS", dict.fromkeys(digits.KINDS, (1,))),
              patch.setattr(digits, "random_number", lambda domain, *more:
                            digits.mpf(1) if domain == "label" else random_number(domain, *more)),
          ],
          refuted, ("a label is 1",)),
    Fault("D", "labels are always 0",
          lambda patch: [
              patch.setattr(digits, "LABELS", dict.fromkeys(digits.KINDS, (0,))),
              patch.setattr(digits, "random_number", lambda domain, *more:
                            digits.mpf(0) if domain == "label" else random_number(domain, *more)),
          ],
          refuted, ("a label is 0",)),
    Fault("D", "free indices are always equal",
          law(digits, "alike_or_apart", lambda count, size: [(0,) * count]),
          test_digits.test_every_way_of_being_alike_or_apart),
    Fault("D", "free indices are never equal",
          law(digits, "alike_or_apart", lambda count, size:
              [p for p in alike_or_apart(count, size) if len(set(p)) == len(p)]),
          refuted, ("two of three indices are equal",)),
    Fault("D", "all sizes are 1",
          law(digits.Terrain, "shapes", lambda self, free: [shapes(self, free)[3]] * 5),
          refuted, ("only at size one",)),
    Fault("D", "sizes are never 1",
          law(digits.Terrain, "shapes", lambda self, free: [shapes(self, free)[0]] * 5),
          refuted, ("only away from one",)),
    Fault("D", "all functions are one",
          law(digits.Program, "seed", lambda self, function: "one"),
          refuted, ("another function",)),
    Fault("D", "25 digits are enough",
          edit(digits, "quickly", "abs(gap) <= mpf(10) ** -DIGITS * size\n        case",
               "abs(gap) <= mpf(10) ** -24\n        case"),
          refuted, ("only to 25 digits",)),
    Fault("D", "the edges of what is assumed are not tried",
          law(digits.Terrain, "at_the_edge", lambda self, chance: self.signs),
          refuted, ("a kink away from zero",)),
    Fault("D", "a kink is passed over",
          edit(digits.Program, "slope", "if self.kinked:", "if False:"),
          refuted, ("a kink halfway",)),
    Fault("D", "hypotheses are not met", law(digits.Terrain, "meet", lambda *given: True),
          agrees, ("absolute value",)),
    Fault("D", "a division by zero is 1",
          law(digits, "divided", lambda above, below: above / below if below else digits.mpf(1)),
          refuted, ("a quotient by nothing",)),
    Fault("D", "a logarithm is that of the absolute value",
          law(digits, "FUNCTIONS", {**digits.FUNCTIONS, terms.log: lambda x: digits.mpmath.log(abs(x))}),
          refuted, ("a logarithm of a negative",)),
    Fault("D", "a limit is taken at the other end",
          law(digits, "limit", lambda at, count: limit_of(lambda far: at(-far), count)),
          test_digits.test_a_limit_is_a_value_far_out),
    Fault("D", "what has no value on one side is passed over",
          law(digits.Terrain, "interior", lambda self, world: False),
          refuted, ("a logarithm of nothing",)),
    Fault("D", "what is named is kept where entries change",
          law(digits.World, "changed", lambda self, number, new: digits.World(
              self.sizes, [{**t, **new} if n == number else t for n, t in enumerate(self.tables)],
              self.digits, self.kept)),
          test_digits.test_kept_values_are_those_of_their_entries),
    Fault("D", "points are counted twice",
          edit(digits, "compare_lines", 'Comparison("agrees", known.points + 1)',
               'Comparison("agrees", known.points + 2)'),
          test_digits.test_points_are_counted_and_named),
    Fault("D", "pairs that are to differ may be equal",
          law(digits, "are_apart", lambda at, pairs: True), agrees, ("apart",)),
]  # fmt: skip

# -- signs and facts -------------------------------------------------------------------------------

signs_times, signs_plus = signs.times, signs.plus


def matches_anywhere(known, node, fixed):
    return isinstance(known, terms.Entry) and isinstance(node, terms.Entry) and (
        known.array == node.array
    )  # fmt: skip


def signed(node, expected):
    return test_signs.test_sign, (node, expected)


x = test_signs.x
SIGNS = [
    Fault("signs", "what is unknown adds nothing",
          law(signs, "plus", lambda left, right: right if left == "unknown" else
              left if right == "unknown" else signs_plus(left, right)),
          soundness,
        ("a quadratic with roots",)),
    Fault("signs", "a product of negatives is negative",
          law(signs, "times", lambda left, right: "negative" if left == right == "negative"
              else signs_times(left, right)),
          *signed((x - x - 1) * (x - x - 2), "positive")),
    Fault("signs", "an even power is positive", law(signs, "even", lambda base: "positive"),
          soundness, ("a square with a root",)),
    Fault("signs", "an absolute value is positive",
          edit(signs, "sign_by_form", 'in ("positive", "negative") else "nonnegative"',
               'in ("positive", "negative") else "positive"'),
          *catalogue("abs(x) > 0")),
    Fault("signs", "a label is positive", law(signs, "DOMAINS", {**signs.DOMAINS, "label": "positive"}),
          *signed(test_signs.y[test_signs.i], "nonnegative")),
    Fault("signs", "what is between 0 and 1 is positive",
          law(signs, "DOMAINS", {**signs.DOMAINS, "unit": "positive"}),
          test_signs.test_logarithms, (terms.log(test_signs.h), False)),
    Fault("signs", "the pattern of a hypothesis is ignored", law(signs, "matches", matches_anywhere),
          *catalogue("from g_kk > 0, g_kl > 0")),
    Fault("signs", "a free index stands for any",
          edit(signs, "known_signs", " - facts.fixed", ""),
          test_signs.test_an_assumed_sign_is_that_of_its_indices),
    Fault("signs", "everything is defined",
          law(signs, "defined", lambda *node, **more: True),
          *catalogue("log(-abs(w) - 1) < 0")),
    Fault("signs", "denominators are not looked at",
          edit(signs, "_defined", 'if not everywhere and wanted == "nonzero":',
               'if wanted == "nonzero":'),
          soundness, ("a denominator that may vanish",)),
    Fault("signs", "exp(m) is at least 2 + m",
          edit(signs, "of_lower_bounds", "bounds[name] = 1 + exponent", "bounds[name] = 2 + exponent"),
          *catalogue("e^x >= 2 + x")),
    Fault("signs", "a size is at least 2",
          edit(signs, "of_lower_bounds", 'bounds[name] = 1 + sympy.Dummy("more")',
               'bounds[name] = 2 + sympy.Dummy("more")'),
          *catalogue("K >= 2")),
    Fault("signs", "a discriminant has the other sign",
          edit(signs, "of_square", "4 * first * last - middle**2", "middle**2 - 4 * first * last"),
          soundness, ("a quadratic with roots",)),
    Fault("signs", "Cauchy and Schwarz are strict",
          edit(signs, "of_products",
               'return {"positive": "nonnegative", "negative": "nonpositive"}.get(found, found)',
               'return {"nonnegative": "positive", "nonpositive": "negative"}.get(found, found)'),
          soundness, ("Cauchy-Schwarz strictly",)),
    Fault("signs", "a weak sign decides under a derivative",
          edit(verification, "resolved", "strict = strict or isinstance(node, D)", "strict = False"),
          soundness, ("a kink at zero",)),
    Fault("signs", "a weak sign is a strict one",
          law(verification, "follows_sign", lambda found, wanted: found[:3] == wanted[:3]
              or (found[:3], wanted[:3]) == ("non", "pos")),
          *catalogue("x^2 > 0")),
    Fault("signs", "a sign holds under a limit",
          edit(verification, "resolved", "or isinstance(node, Limit)", ""),
          test_verification.test_a_sign_does_not_hold_under_a_limit),
]  # fmt: skip

# -- rules and citations ---------------------------------------------------------------------------

difference, forbidden = rules.difference, test_rules.test_not_allowed
sigma = test_rules.sigma
RULES = [
    Fault("rules", "nothing has to be contracted", law(rules, "contracts", lambda before, after: True),
          forbidden, (test_rules.CONTRACT, x + x, 2 * x)),
    Fault("rules", "algebra opens names",
          law(rules, "difference", lambda before, after, derive, folded:
              difference(before, after, derive, "nothing")),
          forbidden, (test_rules.ALGEBRA, sigma(x), 1 / (1 + terms.exp(-x)))),
    Fault("rules", "algebra differentiates",
          law(rules, "difference", lambda before, after, derive, folded:
              difference(before, after, "full", folded)),
          forbidden, (test_rules.ALGEBRA, terms.D(x**2, x), 2 * x)),
    Fault("rules", "linearity knows the product rule",
          law(meaning, "linear_derivative", meaning.derivative),
          forbidden, (test_rules.LINEARITY, terms.D(x * terms.exp(x), x),
                      terms.exp(x) + x * terms.exp(x))),
    Fault("citations", "an inequality is cited as an equation",
          edit(rules, "equations_of", 'if chain.relation != "=":', "if False:"),
          test_rules.test_an_inequality_is_no_equation),
    Fault("citations", "a scalar of a domain stands for any", law(rules, "fits", lambda pair: True),
          test_soundness.test_a_scalar_of_a_domain_stands_for_no_other),
    Fault("citations", "a pattern stands for two things at a time",
          edit(matching, "match", "found.setdefault(pattern, node) == node",
               "found.setdefault(pattern, node) is not None"),
          test_rules.test_a_pattern_stands_for_one_thing_at_a_time),
    Fault("citations", "a pattern stands for what is bound outside of it",
          law(matching, "loose", lambda node: frozenset()),
          test_rules.test_a_pattern_stands_for_nothing_that_is_bound_outside),
    Fault("citations", "what a statement assumes something of stands for any",
          law(rules, "spoken_of", lambda statement: frozenset()),
          test_rules.test_what_is_assumed_is_of_itself),
    Fault("citations", "hypotheses of what is cited are not asked for",
          law(verification, "missing", lambda *given: ()),
          test_soundness.test_a_cited_hypothesis_has_to_be_made),
    Fault("citations", "a rule that does not hold is passed over",
          law(verification, "rule_verdict", lambda *given: "checked"),
          test_soundness.test_a_citation_is_no_blank_cheque),
]  # fmt: skip

# -- the language: binders, hypotheses, expectations, matrices -------------------------------------


def an_expectation_of_every_label():
    """As the catalogue has it, of terms that keep nothing that was worked out before."""
    i, j, y, q = unsound.i, unsound.j, unsound.y, unsound.q
    found = terms.expectation(y[i], {1: q[i], 0: 1 - q[i]}, y[i] * y[j])
    assert test_soundness.said(found, q[i], at=(i, j)) != "proved"


def random_matrices():
    for seed in range(60):
        test_matrices.test_random_expressions(seed)


LANGUAGE = [
    Fault("hypotheses", "a set that no point satisfies is accepted",
          law(verification, "satisfiable", lambda given, source: True),
          test_soundness.test_refused_in_one_line, ("contradiction",)),
    Fault("hypotheses", "constraints are not put in",
          law(verification, "constrained", lambda node, given: node),
          test_verification.test_a_constraint_is_needed_and_used),
    Fault("hypotheses", "a constraint holds under a derivative",
          edit(terms, "replace_entries",
               "any(depends_on(value, array) for value in put_in(node, rule))", "False"),
          test_soundness.test_refused_in_one_line, ("a constrained variable",)),
    Fault("hypotheses", "a constraint of a diagonal is one of all entries",
          edit(Hypothesis, "__post_init__", "len(own) < len(pattern.indices)", "False"),
          test_soundness.test_a_constraint_is_of_every_entry,
          (test_soundness.g[test_soundness.k, test_soundness.k], x)),
    Fault("hypotheses", "a limit may leave the domain of its variable",
          edit(verification, "why_no_limit", "array.domain not in unbounded", "False"),
          test_soundness.test_refused_in_one_line, ("a limit out of the domain",)),
    Fault("binders", "what depends on the variable of a derivative is put under it",
          law(terms, "depends_on", lambda node, array: False),
          *catalogue("f(2 x) = 4 x")),
    Fault("binders", "bound indices are not renamed away from what is put in",
          law(terms, "strange_indices", lambda node, rule: frozenset()),
          test_traps.test_w2_a_bound_index_captures),
    Fault("binders", "an index captures",
          edit(terms, "reindex_under", "if index in inner.values():", "if False:"),
          test_traps.test_w2_a_bound_index_captures),
    Fault("expectation", "every label is that of the expectation",
          edit(terms, "put", "if i != j]", "if False]"), an_expectation_of_every_label),
    Fault("matrices", "a transpose is the matrix",
          edit(matrices, "entry_at", "entry_at(inner, column, row)", "entry_at(inner, row, column)"),
          test_matrices.test_derivatives_in_matrix_form),
    Fault("matrices", "a diagonal matrix is full",
          edit(matrices, "entry_at", "Delta(row, column) * entry_at(vector, row, None)",
               "entry_at(vector, row, None)"),
          random_matrices),
    Fault("matrices", "a product has one factor",
          edit(matrices, "contracted", " * entry_at(right, index, column)", ""), random_matrices),
    Fault("matrices", "a negative is the matrix",
          edit(matrices, "entry_at", "-entry_at(inner, row, column)", "entry_at(inner, row, column)"),
          random_matrices),
    Fault("matrices", "the blocks of a Kronecker product are turned round",
          edit(matrices, "entry", "entry(left, (a, b)) * entry(right, (k, l))",
               "entry(left, (b, a)) * entry(right, (k, l))"),
          test_matrices.test_a_kronecker_product_has_pairs_for_rows_and_columns),
    Fault("matrices", "a sum captures a row",
          edit(matrices, "entry", "if index in at:", "if False:"),
          test_matrices.test_a_sum_of_matrices_captures_no_index),
    Fault("matrices", "a Hessian by a vector is its diagonal",
          edit(matrices, "entry_at", "by[row]), by[column])", "by[row]), by[row])"),
          test_matrices.test_derivatives_in_matrix_form),
    Fault("matrices", "shapes need not agree",
          edit(verification, "why_meaningless", "if len(set(shapes)) > 1:", "if False:"),
          test_soundness.test_refused_in_one_line, ("a row and a column",)),
    Fault("matrices", "a row may have a letter that is free in the matrix",
          law(verification, "free_in_matrix", lambda part: frozenset()),
          test_soundness.test_refused_in_one_line, ("an index that counts the rows",)),
]  # fmt: skip

# -- levels, the ledger ----------------------------------------------------------------------------

LEVELS = [
    Fault("level", "a level is that of the ends",
          edit(verification, "level_of", "for v in (*chain.steps, chain.whole)]",
               "for v in (chain.whole,)]"),
          test_soundness.test_the_level_is_that_of_the_worst_line),
    Fault("level", "a level is that of the first line",
          edit(verification, "level_of", "for chain in chains for v in (*chain.steps, chain.whole)]",
               "for chain in chains[:1] for v in (chain.steps[0],)]"),
          test_soundness.test_the_level_is_that_of_the_worst_line),
    Fault("level", "a statement restates what one chain restates",
          edit(verification, "level_of", "again = all(", "again = any("),
          test_soundness.test_the_level_is_that_of_the_worst_line),
    Fault("level", "of several verdicts the first counts",
          law(verification, "worst", lambda verdicts: next(iter(verdicts), "not applicable")),
          test_verification.test_of_several_chains_the_worst_counts),
    Fault("level", "prose counts for nothing",
          edit(verification, "level_of", "if statement.prose:", "if False:"),
          test_verification.test_levels),
    Fault("level", "a definition's chain need not hold",
          edit(verification, "verify", '"failed" if failures else level_of(statement, chains)',
               'level_of(statement, chains) if statement.defines or not failures else "failed"'),
          test_soundness.test_every_printed_line_is_verified),
    Fault("level", "a rule that does not lead there is passed over",
          law(verification.Verdicts, "failed", property(lambda self: "refuted" in self.routes.values())),
          test_verification.test_a_true_step_by_a_rule_that_does_not_lead_there,
          (*test_verification.TRUE_BY_ANOTHER_RULE[0][1:4], ())),
    Fault("level", "a refutation is outvoted",
          law(verification.Verdicts, "failed", property(
              lambda self: not {"proved", "agrees"} & set(self.routes.values())
              or self.rule == "does not hold")),
          *catalogue("(d abs(x - 3)/dx)^2 = 1")),
    Fault("level", "the ends are not compared",
          edit(verification, "verify", "if checked.whole.failed:", "if False:"),
          test_verification.test_the_second_of_two_chains_is_named),
    Fault("level", "a matrix form is held against one side",
          edit(verification, "verify_step", "if not proved_equal(", "if False and ("),
          test_verification.test_a_matrix_form_is_held_against_both_sides,
          ((-test_verification.Gradient(test_verification.NLL, test_verification.w),
            test_verification.Whole(test_verification.X).T
            @ (test_verification.Whole(test_verification.p)
               - test_verification.Whole(test_verification.y))), "does not hold", "proved")),
    Fault("ledger", "a room is left out of what is hashed", law(ledger, "JUDGES", ("proof",)),
          test_verification.test_the_ledger_hashes_all_that_has_a_say),
    Fault("ledger", "a module is left out of what is hashed",
          edit(ledger, "calculus_digest", 'glob("*.py")', 'glob("[!d]*.py")'),
          test_verification.test_the_ledger_hashes_every_module),
    Fault("ledger", "names are hashed and not what the modules say",
          edit(ledger, "calculus_digest", " + source.read_bytes()", ""),
          test_verification.test_the_ledger_hashes_every_module),
    Fault("ledger", "a version is left out",
          edit(ledger, "versions", '"mpmath": mpmath.__version__,', ""),
          test_verification.test_the_ledger_hashes_every_version),
    Fault("ledger", "a seal is that of the key",
          law(ledger, "seal", lambda its_key, record: its_key),
          test_verification.test_a_seal_is_that_of_the_whole_record),
    Fault("ledger", "which step cites is not hashed",
          edit(verification, "digest", "said.chains, said.given",
               "[c.left for c in said.chains], said.given"),
          test_verification.test_the_digest_sees_which_step_cites),
    Fault("ledger", "signs that are assumed are not hashed",
          edit(verification, "digest", "said.chains, said.given", "said.chains, len(said.given)"),
          test_verification.test_the_digest_sees_a_slope_and_a_program),
]  # fmt: skip

FAULTS = (
    *CALCULUS, *LUMPING, *FINGERPRINTS, *DIGITS, *SIGNS, *RULES, *LANGUAGE, *LEVELS,
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.route}: {fault.breaks}")
def test_a_planted_fault_is_noticed(fault):
    with pytest.MonkeyPatch.context() as patch:
        empty_caches(patch)
        fault.plant(patch)
        with pytest.raises(NOTICED):
            fault.test(*fault.case)
    COUNTS["planted faults noticed"] += 1


@pytest.mark.parametrize("check", [absolute_values, an_expectation_of_every_label, random_matrices])
def test_nothing_is_noticed_without_a_fault(check):
    """The checks of this module; those of other modules pass there."""
    check()
