"""Verifying statements by routes that share no code, and saying how far each got.

Four routes look at every line: the index calculus (all sizes), rest-lumping (all sizes, a second
time), exact values modulo primes at random points, and 50 digits with numerical differentiation. Besides,
the rule that a step names is held against just the laws that it allows.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from derivations.language import matrices, terms
from derivations.language.statement import (
    CASES,
    MATRIX_FORM,
    SIGN,
    Chain,
    Hypothesis,
    Statement,
    Step,
    as_term,
    pairs,
)
from derivations.language.terms import (
    Array,
    D,
    Dimension,
    Entry,
    Index,
    Limit,
    Term,
    unfold,
)
from derivations.proof import digits, fingerprints, indices, lumping, rules, signs

PROVED, NOT_PROVED, NOT_APPLICABLE = "proved", "not proved", "not applicable"
AGREES, REFUTED = "agrees", "refuted"
ROUTES = ("all sizes", "restated", "fingerprints", "50 digits")


@dataclass(frozen=True)
class Verdicts:
    """What each route said of one line, and of the rule that it names."""

    rule: str
    routes: dict[str, str]
    flag: bool
    residual: str
    seconds: float

    @property
    def failed(self) -> bool:
        """True when a route refutes the line, no route supports it, or its rule does not hold."""
        supported = {PROVED, AGREES} & set(self.routes.values())
        return REFUTED in self.routes.values() or not supported or self.rule == "does not hold"


@dataclass(frozen=True)
class Report:
    """What a verification of one statement found."""

    level: str
    flagged: bool
    seconds: float
    failures: tuple[str, ...]
    routes: dict[str, str]
    chains: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, object]:
        """Return the report as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Claim:
    """Two terms and the relation claimed between them, in every case of the hypotheses."""

    cases: tuple[tuple[Term, Term], ...]
    relation: str
    assumed: Mapping[Term, str]


def verify(statement: Statement) -> Report:
    """Verify every line of a statement, and its two ends against each other."""
    began = time.perf_counter()
    if statement.defines:
        routes = dict.fromkeys(ROUTES, NOT_APPLICABLE)
        return Report("definition", False, time.perf_counter() - began, (), routes, ())
    if ill_posed := tuple(why_ill_posed(statement)):
        routes = dict.fromkeys(ROUTES, NOT_APPLICABLE)
        return Report("failed", False, time.perf_counter() - began, ill_posed, routes, ())
    source = random.Random(digest(statement))
    chains: list[dict[str, Any]] = []
    failures: list[str] = []
    ends: list[Verdicts] = []
    for number, chain in enumerate(statement.chains, 1):
        verdicts = [
            verify_step(before, step, chain, statement.given, source)
            for before, step in pairs(chain)
        ]
        for place, (found, (_, step)) in enumerate(zip(verdicts, pairs(chain), strict=True), 1):
            if found.failed:
                failures.append(
                    f"chain {number}, step {place} ({step.rule.name}): {explain(found)}"
                )
        whole = verify_ends(chain, statement.given, source, verdicts)
        ends.append(whole)
        if whole.failed:
            failures.append(f"chain {number}, first line against last: {explain(whole)}")
        chains.append({"steps": tuple(asdict(v) for v in verdicts), "whole": asdict(whole)})
    flagged = any(v["flag"] for c in chains for v in (*c["steps"], c["whole"]))
    lines = [v for c in chains for v in c["steps"]]
    level = level_of(statement, lines, ends) if not failures else "failed"
    routes = {route: worst([end.routes[route] for end in ends]) for route in ROUTES}
    seconds = time.perf_counter() - began
    return Report(level, flagged, seconds, tuple(failures), routes, tuple(chains))


def why_ill_posed(statement: Statement) -> Iterator[str]:
    """Yield why there is nothing to verify, or why a name is ambiguous."""
    if not statement.chains:
        yield "nothing is claimed"
    for number, chain in enumerate(statement.chains, 1):
        if not chain.lines:
            yield f"chain {number}: nothing is claimed"
            return
    nodes = [
        line for chain in statement.chains for line in (chain.last, *(b for b, _ in pairs(chain)))
    ]
    arrays = {
        part.array for node in nodes for part in terms.walk(unfold(node)) if isinstance(part, Entry)
    }
    # The routes tell arrays apart by their name and the number of their indices.
    named = Counter((array.name, len(array.dimensions)) for array in arrays)
    for name, _ in sorted(key for key, count in named.items() if count > 1):
        yield f"two different arrays are called {name}"


def explain(found: Verdicts) -> str:
    """Return what went wrong with a line, in words."""
    said = [f"{route}: {verdict}" for route, verdict in found.routes.items()]
    rule = ["the rule does not lead here"] if found.rule == "does not hold" else []
    left = [f"what is left: {found.residual}"] if found.residual else []
    return "; ".join(rule + said + left)


def worst(verdicts: Sequence[str]) -> str:
    """Return the weakest verdict; a route that applies to none does not count."""
    for verdict in (REFUTED, NOT_PROVED):
        if verdict in verdicts:
            return verdict
    said = [v for v in verdicts if v != NOT_APPLICABLE]
    return said[0] if said else NOT_APPLICABLE


def level_of(statement: Statement, lines: list[dict[str, Any]], ends: list[Verdicts]) -> str:
    """Return how far the statement is verified (see the table of levels)."""
    every = [*(line["routes"] for line in lines), *(end.routes for end in ends)]
    by = {route: [routes[route] for routes in every] for route in ROUTES}
    if set(by["all sizes"]) == {PROVED}:
        if statement.prose:
            return "lemma"
        if not any(dimensions(chain.left) | dimensions(chain.last) for chain in statement.chains):
            return "proved, scalar"
        again = all(end.routes["restated"] == PROVED for end in ends)
        return "proved, all sizes, restated" if again else "proved, all sizes"
    return "evidence"


# -- one line ---------------------------------------------------------------------------------------


def verify_step(
    before: Term, step: Step, chain: Chain, given: Sequence[Hypothesis], source: random.Random
) -> Verdicts:
    """Verify one line against the one before."""
    began = time.perf_counter()
    after = as_term(step.expression, chain.at)
    rule = rule_verdict(before, after, step, given)
    flag = before == after and not isinstance(step.expression, matrices.Matrix)
    if step.rule == MATRIX_FORM and chain.matrix is not None:
        left = matrices.entry(chain.matrix[0], chain.at)
        if not proved_equal(claim(left, chain.left, "=", given)):
            rule = "does not hold"
    routes, residual = ask_routes(before, after, step.relation, given, source)
    return Verdicts(rule, routes, flag, residual, time.perf_counter() - began)


def verify_ends(
    chain: Chain, given: Sequence[Hypothesis], source: random.Random, lines: Sequence[Verdicts]
) -> Verdicts:
    """Verify the first line of a chain against its last; an inequality follows from its lines."""
    began = time.perf_counter()
    flag = unfold(chain.left) == unfold(chain.last)
    if len(chain.lines) == 1:
        routes, residual = lines[0].routes, lines[0].residual
    elif chain.relation == "=":
        routes, residual = ask_routes(chain.left, chain.last, "=", given, source)
    else:
        proved = all(line.routes["all sizes"] == PROVED for line in lines)
        routes = dict.fromkeys(ROUTES, NOT_APPLICABLE)
        routes["all sizes"] = PROVED if proved else NOT_PROVED
        routes["50 digits"] = at_50_digits(chain.left, chain.last, chain.relation, given, source)
        residual = ""
    return Verdicts("", routes, flag, residual, time.perf_counter() - began)


def rule_verdict(before: Term, after: Term, step: Step, given: Sequence[Hypothesis]) -> str:
    """Say whether the named rule leads from one line to the next: checked, or only a label."""
    if step.relation != "=":
        return "checked" if step.rule == SIGN else "label"
    if step.rule == CASES:
        return "checked" if proved_equal(claim(before, after, "=", given)) else "does not hold"
    assumed = {quantity: sign for h in given for quantity, sign in h.signs}
    lines = [(before, after)]
    if any(h.replace for h in given):
        lines.append((constrained(before, given), constrained(after, given)))
    try:
        for sides in lines:
            follows = rules.follows(*sides, step.rule, step.cites)
            if follows and all(signs.log_arguments_positive(side, assumed) for side in sides):
                return "checked"
    except (indices.Undecided, ValueError):
        return "label"
    return "label" if step.cites else "does not hold"


def ask_routes(
    before: Term,
    after: Term,
    relation: str,
    given: Sequence[Hypothesis],
    source: random.Random,
) -> tuple[dict[str, str], str]:
    """Ask each route whether the relation holds; also return what the first route left over."""
    it = claim(before, after, relation, given)
    residual = ""
    if relation != "=":
        return {
            "all sizes": PROVED if proved_by_sign(it) else NOT_PROVED,
            "restated": NOT_APPLICABLE,
            "fingerprints": NOT_APPLICABLE,
            "50 digits": at_50_digits(before, after, relation, given, source),
        }, residual
    generic = NOT_PROVED
    if proved_equal(it):
        generic = PROVED
    else:
        residual = left_over(it)
    return {
        "all sizes": generic,
        "restated": restated(it),
        "fingerprints": by_fingerprints(before, after, given),
        "50 digits": at_50_digits(before, after, relation, given, source),
    }, residual


# -- the claim, with the hypotheses put in ----------------------------------------------------------


def claim(before: Term, after: Term, relation: str, given: Sequence[Hypothesis]) -> Claim:
    """Return the claim with constraints parametrised and absolute values split into cases."""
    assumed = {quantity: sign for h in given for quantity, sign in h.signs}
    sides = (constrained(before, given), constrained(after, given))
    refuse_homonyms((*map(unfold, sides), *assumed))
    return Claim(tuple(by_cases(*sides, assumed)), relation, assumed)


def refuse_homonyms(nodes: Sequence[Term]) -> None:
    """Refuse two arrays of one name over the same dimensions: the routes tell them apart by it."""
    known: dict[tuple[str, tuple[Dimension, ...]], Array] = {}
    for node in nodes:
        for part in terms.walk(node):
            variable = part.variable if isinstance(part, (D, Limit)) else part
            if isinstance(variable, Entry):
                array = variable.array
                if known.setdefault((array.name, array.dimensions), array) != array:
                    raise ValueError(f"two different arrays are called {array.name}")


def constrained(node: Term, given: Sequence[Hypothesis]) -> Term:
    """Return the unfolded term with each constrained array replaced by its parametrisation."""
    patterns = [pair for hypothesis in given for pair in hypothesis.replace]
    if not patterns:
        return node
    node = unfold(node)

    def rule(entry: Entry) -> Term | None:
        for pattern, body in patterns:
            if pattern.array == entry.array:
                return terms.reindex(body, dict(zip(pattern.indices, entry.indices, strict=True)))
        return None

    return terms.replace_entries(node, rule)


def has_cases(node: Term) -> bool:
    """Return True when a term has an absolute value, a minimum or a maximum in it."""
    return any(
        isinstance(part, terms.Apply) and part.function.kink for part in terms.walk(unfold(node))
    )


def by_cases(before: Term, after: Term, assumed: Mapping[Term, str]) -> Iterator[tuple[Term, Term]]:
    """Yield both sides, once for every sign of each scalar that stands in an absolute value."""
    if not (has_cases(before) or has_cases(after)):
        yield before, after
        return
    both = (unfold(before), unfold(after))
    variables = sorted(
        {
            part
            for side in both
            for kink in terms.walk(side)
            if isinstance(kink, terms.Apply) and kink.function.kink
            for part in terms.walk(kink)
            if isinstance(part, Entry) and not part.indices and part.array.domain == "real"
        },
        key=lambda entry: entry.array.name,
    )
    moving = {p.variable for side in both for p in terms.walk(side) if isinstance(p, (D, Limit))}
    if moving & set(variables):
        yield both  # a variable of differentiation keeps its absolute value
        return
    for orientations in itertools.product((1, -1), repeat=len(variables)):
        new: dict[Entry, Term] = {}
        for entry, orientation in zip(variables, orientations, strict=True):
            size = terms.scalar(f"|{entry.array.name}|", domain="nonnegative")
            new[entry] = size if orientation == 1 else -size
        yield tuple(resolved(terms.replace_entries(side, new.get), assumed) for side in both)  # type: ignore[misc]


def resolved(node: Term, assumed: Mapping[Term, str]) -> Term:
    """Replace absolute values, minima and maxima whose case is decided by signs."""
    node = terms.with_children(node, lambda child: resolved(child, assumed))
    match node:
        case terms.Apply(terms.absolute, (argument,)):
            found = signs.sign(argument, assumed)
            if found in ("positive", "nonnegative", "zero"):
                return argument
            return -argument if found in ("negative", "nonpositive") else node
        case terms.Apply(terms.minimum | terms.maximum, (left, right)):
            found = signs.sign(left - right, assumed)
            if found in ("positive", "nonnegative", "zero"):
                return right if node.function is terms.minimum else left
            if found in ("negative", "nonpositive"):
                return left if node.function is terms.minimum else right
    return node


# -- the four routes --------------------------------------------------------------------------------


def proved_equal(it: Claim) -> bool:
    """The first route: the index calculus reduces every difference to zero."""
    try:
        return all(
            signs.log_arguments_positive(side, it.assumed) for case in it.cases for side in case
        ) and all(
            indices.is_zero(indices.meaning(before) - indices.meaning(after))
            for before, after in it.cases
        )
    except indices.Undecided:
        return False


def left_over(it: Claim) -> str:
    """Return what the index calculus could not reduce, or why it could not begin."""
    try:
        for before, after in it.cases:
            rest = indices.residual(indices.meaning(before) - indices.meaning(after))
            if rest != 0:
                return readable(str(rest))
    except indices.Undecided as reason:
        return str(reason)
    return "a logarithm whose argument is not proved positive"


def readable(text: str) -> str:
    """Return a residual without the marks that the calculus puts on its names."""
    for mark in ("entry ", "quantity ", "function "):
        text = text.replace(mark, "")
    text = re.sub(r"~\w+|\b\d\.(?=[A-Za-z])", "", text)
    return text if len(text) < 400 else text[:400] + " ..."


def proved_by_sign(it: Claim) -> bool:
    """The first route for an inequality: the difference of the two sides has the sign."""
    wanted = {
        ">": ("positive",),
        ">=": ("positive", "nonnegative", "zero"),
        "<": ("negative",),
        "<=": ("negative", "nonpositive", "zero"),
    }[it.relation]
    for before, after in it.cases:
        zero_after = isinstance(after, terms.Number) and after.value == 0
        difference = before if zero_after else before - after
        if signs.sign(difference, it.assumed) not in wanted:
            return False
    return True


def restated(it: Claim) -> str:
    """The second route: rest-lumping."""
    try:
        proved = all(lumping.equal(unfold(before), unfold(after)) for before, after in it.cases)
    except lumping.NotLumpable:
        return NOT_APPLICABLE
    return PROVED if proved else NOT_PROVED


def by_fingerprints(before: Term, after: Term, given: Sequence[Hypothesis]) -> str:
    """The third route: exact values modulo primes, of the two sides as they are written."""
    return fingerprints.judge(before, after, given)


def at_50_digits(
    before: Term,
    after: Term,
    relation: str,
    given: Sequence[Hypothesis],
    source: random.Random,
) -> str:
    """The fourth route: numbers, for the terms as they are written."""
    return digits.compare(before, after, relation, given, source).said


def free(before: Term, after: Term) -> list[Index]:
    """Return the free indices of both sides, in a fixed order."""
    return sorted(terms.free_indices(before) | terms.free_indices(after), key=lambda i: i.name)


def dimensions(node: Term) -> set[Dimension]:
    """Return the dimensions that a term mentions."""
    found = {index.dimension for index in terms.all_indices(unfold(node))}
    for part in terms.walk(unfold(node)):
        if isinstance(part, Entry):
            found |= set(part.array.dimensions)
        if isinstance(part, terms.Size):
            found.add(part.dimension)
    return found


def explicit_sizes(before: Term, after: Term) -> Iterator[dict[str, int]]:
    """Yield sizes: different ones, with K > 2, and equal ones."""
    used = sorted(dimensions(before) | dimensions(after), key=lambda d: (d.rank, d.name))
    apart = {d.name: {0: 1, 1: 3}.get(d.rank, 2) for d in used}
    alike = {d.name: 2 for d in used}
    yield apart
    if alike != apart:
        yield alike


def digest(statement: Statement) -> str:
    """Return a hash of all that a statement says and of all that it cites."""
    content = repr((statement.title, statement.given, statement.chains, statement.defines))
    cited = "".join(digest(c) for c in statement.cites)
    return hashlib.sha256((content + cited).encode()).hexdigest()
