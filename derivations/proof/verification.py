"""Verifying statements by routes that share no code, and saying how far each got.

Four routes look at every line: the index calculus (all sizes), rest-lumping (all sizes, a second
time), fingerprints (exact values modulo primes), and 50 digits with numerical differentiation. Besides,
the rule that a step names is held against just the laws that it allows.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache

from derivations.language import matrices, terms
from derivations.language.matrices import Matrix
from derivations.language.statement import (
    CASES,
    MATRIX_FORM,
    RELATIONS,
    SIGN,
    Chain,
    Hypothesis,
    Statement,
    Step,
    as_term,
    pairs,
)
from derivations.language.terms import D, Dimension, Entry, Index, Limit, Term, unfold
from derivations.proof import digits, fingerprints, indices, lumping, rules, signs
from derivations.proof.meaning import meaning
from derivations.proof.signs import Facts

PROVED, NOT_PROVED, NOT_APPLICABLE = "proved", "not proved", "not applicable"
AGREES, REFUTED = "agrees", "refuted"
ROUTES = ("all sizes", "restated", "fingerprints", "50 digits")
Refused = (TypeError, ValueError, indices.Undecided)
Drawn = dict[object, fingerprints.Point]  # the points of fingerprints, for all lines of a statement


@dataclass(frozen=True)
class Verdicts:
    """What each route said of one line, and of the rule that it names.

    ``points`` are those at which both sides had a value at 50 digits.
    """

    rule: str
    routes: dict[str, str]
    flag: bool
    residual: str
    points: int

    @property
    def failed(self) -> bool:
        """True when a route refutes the line, no route supports it, or its rule does not hold."""
        supported = {PROVED, AGREES} & set(self.routes.values())
        return REFUTED in self.routes.values() or not supported or self.rule == "does not hold"


@dataclass(frozen=True)
class Checked:
    """What was said of the lines of a chain, and of its first against its last."""

    steps: tuple[Verdicts, ...]
    whole: Verdicts


@dataclass(frozen=True)
class Report:
    """What a verification of one statement found."""

    level: str
    flagged: bool
    seconds: float
    failures: tuple[str, ...]
    routes: dict[str, str]
    points: int
    chains: tuple[Checked, ...]

    def to_json(self) -> dict[str, object]:
        """Return the report as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Answers:
    """What each route says of a relation, what the first left over, and the points of the last."""

    routes: dict[str, str]
    residual: str
    points: int


@dataclass(frozen=True)
class Claim:
    """Two terms, with the constraints put in, the relation claimed, and what is assumed."""

    before: Term
    after: Term
    relation: str
    facts: Facts


def verify(statement: Statement) -> Report:
    """Verify every line of a statement, and its two ends against each other."""
    began = time.perf_counter()
    source = random.Random(digest(statement))
    failures = list(why_ill_posed(statement, source))
    chains: list[Checked] = []
    drawn: Drawn = {}
    for number, chain in enumerate(statement.chains, 1) if not failures else ():
        checked = verify_chain(chain, statement.given, source, drawn)
        for place, ((_, step), found) in enumerate(
            zip(pairs(chain), checked.steps, strict=True), 1
        ):
            if found.failed:
                said = explain(found)
                failures.append(f"chain {number}, step {place} ({step.rule.name}): {said}")
        if checked.whole.failed:
            failures.append(f"chain {number}, first line against last: {explain(checked.whole)}")
        chains.append(checked)
    ends = [chain.whole for chain in chains]
    routes = {route: worst([end.routes[route] for end in ends]) for route in ROUTES}
    level = "failed" if failures else level_of(statement, chains)
    flagged = any(v.flag for chain in chains for v in (*chain.steps, chain.whole))
    points = sum(line.points for chain in chains for line in chain.steps)
    seconds = time.perf_counter() - began
    return Report(level, flagged, seconds, tuple(failures), routes, points, tuple(chains))


# -- what cannot be verified ------------------------------------------------------------------------


def why_ill_posed(statement: Statement, source: random.Random) -> Iterator[str]:
    """Yield why there is nothing to verify, or what has no meaning as it is written."""
    if not statement.chains and not statement.defines:
        yield "nothing is claimed"
    for number, chain in enumerate(statement.chains, 1):
        if not chain.lines:
            yield f"chain {number}: nothing is claimed"
            continue
        try:
            if len({step.relation[:1] for step in chain.lines} - {"="}) > 1:
                yield f"chain {number}: it goes both ways, up with > and down with <"
            wrong = [f"chain {number}{reason}" for reason in why_meaningless(chain, statement)]
            yield from wrong
            if not wrong and not satisfiable(statement.given, source):
                yield f"chain {number}: no point satisfies the hypotheses; weaken or parametrise them"
        except Refused as reason:
            yield f"chain {number}: {reason}"


def why_meaningless(chain: Chain, statement: Statement) -> Iterator[str]:
    """Yield what is wrong with the lines of a chain as they are written."""
    shapes = [matrices.shape(m) for m in (*matrix_lines(chain), *(chain.matrix or ()))]
    if len(set(shapes)) > 1:
        shown = " and ".join(dict.fromkeys(map(matrices.shown, shapes)))
        yield f": the matrices of one equation have the shapes {shown}"
    for matrix in (*matrix_lines(chain), *(chain.matrix or ())):
        if held := free_in_matrix(matrix) & set(chain.at):
            yield f": {terms.names(held)} is free in a matrix and cannot count its rows as well"
    try:
        unfold(constrained(chain.left, statement.given))
        yield from (f", left side: {why}" for why in why_no_limit(chain.left, statement.given))
    except Refused as reason:
        yield f", left side: {reason}"
        return
    for place, step in enumerate(chain.lines, 1):
        where = f", step {place} ({step.rule.name})"
        if step.relation not in RELATIONS:
            yield f"{where}: {step.relation!r} is no relation; use one of {', '.join(RELATIONS)}"
        try:
            line = as_term(step.expression, chain.at)
            unfold(constrained(line, statement.given))
            yield from (f"{where}: {why}" for why in why_no_limit(line, statement.given))
        except Refused as reason:
            yield f"{where}: {reason}"
        for cited in step.cites:
            for hypothesis in missing(cited, statement, chain):
                yield f"{where}: {cited.title!r} assumes what is not assumed here: {hypothesis}"


def why_no_limit(line: Term, given: Sequence[Hypothesis]) -> Iterator[str]:
    """Yield the variables of limits that leave the domain, or where something is assumed of them."""
    assumed = [quantity for h in given for quantity, _ in h.signs]
    for part in (p for p in terms.walk(unfold(line)) if isinstance(p, Limit)):
        array = part.variable.array
        if any(terms.depends_on(quantity, array) for quantity in assumed):
            yield f"{array.name} tends away from where a sign of it is assumed"
        unbounded = ("real", "positive", "nonnegative") if part.infinity > 0 else ("real",)
        if array.domain not in unbounded:
            yield f"{array.name} is {array.domain} and does not tend there"


def matrix_lines(chain: Chain) -> Iterator[Matrix]:
    """Yield the lines that are matrices."""
    for step in chain.lines:
        if isinstance(step.expression, Matrix):
            yield step.expression


def free_in_matrix(part: object) -> frozenset[Index]:
    """Return the indices that are free in a matrix expression."""
    match part:
        case Term():
            return terms.free_indices(part)
        case Index():
            return frozenset({part})
        case terms.Array() | terms.Definition() | Dimension():
            return frozenset()
        case tuple():
            return frozenset().union(*map(free_in_matrix, part))
    inner = [getattr(part, f.name) for f in fields(part)] if is_dataclass(part) else []
    return frozenset().union(*map(free_in_matrix, inner))


def missing(cited: Statement, statement: Statement, chain: Chain) -> Iterator[str]:
    """Yield the hypotheses of a cited statement that do not follow from the citing one's."""
    here = {(h.replace, h.signs, h.distinct) for h in statement.given}
    facts = facts_of(statement.given, fixed_in(chain))
    for hypothesis in cited.given:
        if (hypothesis.replace, hypothesis.signs, hypothesis.distinct) in here:
            continue
        apart = {frozenset(pair) for pair in facts.apart}
        follow = (
            not hypothesis.replace
            and all(follows_sign(signs.sign(q, facts), sign) for q, sign in hypothesis.signs)
            and all(frozenset(pair) in apart for pair in hypothesis.distinct)
        )
        if not follow and not holds_here(cited, statement.given):
            yield hypothesis.text or "a sign or a difference of indices"


@cache
def holds_here(cited: Statement, given: tuple[Hypothesis, ...]) -> bool:
    """Return True when the equations of a statement hold under other hypotheses than its own."""
    return all(
        proved_equal(claim(chain.left, chain.last, "=", given, fixed_in(chain)))
        for chain in cited.chains
        if chain.relation == "="
    )


def follows_sign(found: str, wanted: str) -> bool:
    """Return True when one sign implies another."""
    weaker = {"nonnegative": ("positive", "zero"), "nonpositive": ("negative", "zero")}
    return found == wanted or found in weaker.get(wanted, ())


def satisfiable(given: Sequence[Hypothesis], source: random.Random) -> bool:
    """Return True when a point is found at which every assumed sign holds."""
    quantities = [quantity for hypothesis in given for quantity, _ in hypothesis.signs]
    if not quantities:
        return True
    everything: Term = terms.Add(tuple(quantities))
    return digits.compare(everything, everything, "=", given, source).points > 0


# -- what is said of a statement --------------------------------------------------------------------


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


def level_of(statement: Statement, chains: Sequence[Checked]) -> str:
    """Return how far the statement is verified (see the table of levels)."""
    if statement.defines:
        return "definition"
    every = [v.routes for chain in chains for v in (*chain.steps, chain.whole)]
    by = {route: {routes[route] for routes in every} for route in ROUTES}
    if by["all sizes"] == {PROVED}:
        if statement.prose:
            return "lemma"
        if not any(dimensions(chain.left) | dimensions(chain.last) for chain in statement.chains):
            return "proved, scalar"
        again = all(chain.whole.routes["restated"] == PROVED for chain in chains)
        return "proved, all sizes, restated" if again else "proved, all sizes"
    return "evidence"


# -- one chain --------------------------------------------------------------------------------------


def verify_chain(
    chain: Chain, given: Sequence[Hypothesis], source: random.Random, drawn: Drawn
) -> Checked:
    """Verify each line of a chain against the one before, and the first against the last."""
    fixed = fixed_in(chain)
    made = list(pairs(chain))
    lines = [(before, as_term(s.expression, chain.at), s.relation) for before, s in made]
    ends = (chain.left, chain.last, chain.relation)
    *numbers, of_ends = digits.compare_lines([*lines, ends], given, source)
    steps = tuple(
        verify_step(line, step, chain, given, ask_routes(*line, given, at_50, fixed, drawn))
        for line, (_, step), at_50 in zip(lines, made, numbers, strict=True)
    )
    return Checked(steps, verify_ends(chain, given, steps, of_ends, drawn))


def verify_step(
    line: digits.Line, step: Step, chain: Chain, given: Sequence[Hypothesis], said: Answers
) -> Verdicts:
    """Verify the rule of one line, of which the routes have said something."""
    before, after, _ = line
    fixed = fixed_in(chain)
    rule = rule_verdict(before, after, step, given, fixed)
    flag = before == after and not isinstance(step.expression, Matrix)
    if step.rule == MATRIX_FORM and chain.matrix is not None:
        left = matrices.entry(chain.matrix[0], chain.at)
        if not proved_equal(claim(left, chain.left, "=", given, fixed)):
            rule = "does not hold"
    return Verdicts(rule, said.routes, flag, said.residual, said.points)


def verify_ends(
    chain: Chain,
    given: Sequence[Hypothesis],
    lines: Sequence[Verdicts],
    numbers: digits.Comparison,
    drawn: Drawn,
) -> Verdicts:
    """Verify the first line of a chain against its last; an inequality follows from its lines."""
    flag = unfold(chain.left) == unfold(chain.last)
    if len(chain.lines) == 1:
        said = Answers(lines[0].routes, lines[0].residual, lines[0].points)
    elif chain.relation == "=":
        ends = chain.left, chain.last, "="
        said = ask_routes(*ends, given, numbers, fixed_in(chain), drawn)
    else:
        proved = all(line.routes["all sizes"] == PROVED for line in lines)
        routes = dict.fromkeys(ROUTES, NOT_APPLICABLE)
        routes["all sizes"] = PROVED if proved else NOT_PROVED
        said = Answers({**routes, "50 digits": numbers.said}, "", numbers.points)
    return Verdicts("", said.routes, flag, said.residual, said.points)


def rule_verdict(
    before: Term, after: Term, step: Step, given: Sequence[Hypothesis], fixed: frozenset[Index]
) -> str:
    """Say whether the named rule leads from one line to the next: checked, or only a label."""
    if step.relation != "=":
        return "checked" if step.rule == SIGN else "label"
    if step.rule == CASES:
        return (
            "checked" if proved_equal(claim(before, after, "=", given, fixed)) else "does not hold"
        )
    facts = facts_of(given, fixed)
    lines = [(before, after)]
    if any(h.replace for h in given):
        lines.append((constrained(before, given), constrained(after, given)))
    try:
        for sides in lines:
            follows = rules.follows(*sides, step.rule, step.cites, facts)
            if follows and all(signs.defined(side, facts) for side in sides):
                return "checked"
    except Refused:
        return "label"
    return "does not hold"


def ask_routes(
    before: Term,
    after: Term,
    relation: str,
    given: Sequence[Hypothesis],
    numbers: digits.Comparison,
    fixed: frozenset[Index] = frozenset(),
    drawn: Drawn | None = None,
) -> Answers:
    """Ask each route whether the relation holds; the numbers of the last are there."""
    it = claim(before, after, relation, given, fixed)
    if relation == "=":
        residual = left_over(it)
        exact = (
            NOT_PROVED if residual else PROVED,
            restated(it),
            fingerprints.agrees(before, after, given, drawn).said,
        )
    else:
        residual = ""
        exact = (PROVED if proved_by_sign(it) else NOT_PROVED, NOT_APPLICABLE, NOT_APPLICABLE)
    return Answers(dict(zip(ROUTES, (*exact, numbers.said), strict=True)), residual, numbers.points)


# -- the claim, with the hypotheses put in ----------------------------------------------------------


def claim(
    before: Term,
    after: Term,
    relation: str,
    given: Sequence[Hypothesis],
    fixed: frozenset[Index] = frozenset(),
) -> Claim:
    """Return the claim with constraints parametrised and absolute values that have a sign."""
    here = fixed | terms.free_indices(before) | terms.free_indices(after)
    facts = facts_of(given, here)
    left, right = (resolved(constrained(side, given), facts) for side in (before, after))
    return Claim(left, right, relation, facts)


def facts_of(given: Sequence[Hypothesis], fixed: frozenset[Index]) -> Facts:
    """Return the signs and differences that are assumed where some indices are free."""
    return Facts(
        tuple(pair for h in given for pair in h.signs),
        fixed,
        tuple(pair for h in given for pair in h.distinct if fixed.issuperset(pair)),
    )


def fixed_in(chain: Chain) -> frozenset[Index]:
    """Return the indices that are free in a chain."""
    return frozenset(chain.at) | terms.free_indices(chain.left) | terms.free_indices(chain.last)


def constrained(node: Term, given: Sequence[Hypothesis]) -> Term:
    """Return the unfolded term with each constrained array replaced by its parametrisation.

    Raises
    ------
    ValueError
        Where a derivative or a limit is taken by what a constraint ties to other quantities: a
        constraint holds on a surface, and a derivative looks beside it.
    """
    patterns = [pair for hypothesis in given for pair in hypothesis.replace]
    if not patterns:
        return node

    def rule(entry: Entry) -> Term | None:
        for pattern, body in patterns:
            if pattern.array == entry.array:
                return terms.reindex(body, dict(zip(pattern.indices, entry.indices, strict=True)))
        return None

    try:
        return terms.replace_entries(unfold(node), rule)
    except ValueError as reason:
        raise ValueError(
            f"{reason}: a constraint of the hypotheses ties it; differentiate first, in a chain "
            "without the constraint"
        ) from reason


def resolved(node: Term, facts: Facts, strict: bool = False) -> Term:
    """Replace absolute values, minima and maxima whose case is decided by signs.

    Below a derivative only a strict sign decides: it holds in a neighbourhood. Below a limit none
    does: its variable leaves the point of which something is assumed.
    """
    if not has_kinks(node) or isinstance(node, Limit):
        return node
    if isinstance(node, (terms.Use, terms.Written, terms.Expectation)):
        return resolved(unfold(node), facts, strict)
    node = terms.rename_bound(node, facts.fixed)
    strict = strict or isinstance(node, D)
    node = terms.with_children(node, lambda child: resolved(child, facts, strict))
    up = ("positive",) if strict else ("positive", "nonnegative", "zero")
    down = ("negative",) if strict else ("negative", "nonpositive")
    match node:
        case terms.Apply(terms.absolute, (argument,)):
            found = signs.sign(argument, facts)
            return argument if found in up else -argument if found in down else node
        case terms.Apply(terms.minimum | terms.maximum, (left, right)):
            found = signs.sign(left - right, facts)
            least, most = (right, left) if found in up else (left, right)
            if found in (*up, *down):
                return least if node.function is terms.minimum else most
    return node


def has_kinks(node: Term) -> bool:
    """Return True when a term has an absolute value, a minimum or a maximum in it."""
    return any(
        isinstance(part, terms.Apply) and part.function.kink for part in terms.walk(unfold(node))
    )


# -- the four routes --------------------------------------------------------------------------------


def proved_equal(it: Claim) -> bool:
    """The first route: the index calculus reduces the difference to zero."""
    return not left_over(it)


def left_over(it: Claim) -> str:
    """Return what the index calculus could not reduce, or why it could not begin."""
    sides = (it.before, it.after)
    try:
        difference = meaning(it.before) - meaning(it.after)
        rest = indices.residual(signs.without_deltas(difference, it.facts))
        if rest == 0 and all(signs.defined(side, it.facts) for side in sides):
            return ""
    except Refused as reason:
        return str(reason)
    if rest == 0:
        return "a logarithm or a root of what is not proved positive"
    text = str(rest)
    return text if len(text) < 400 else text[:400] + " ..."


def proved_by_sign(it: Claim) -> bool:
    """The first route for an inequality: the difference of the two sides has the sign."""
    sides = (it.before, it.after)
    try:
        if not all(signs.defined(side, it.facts, everywhere=True) for side in sides):
            return False
        zero_after = isinstance(it.after, terms.Number) and it.after.value == 0
        found = signs.sign(it.before if zero_after else it.before - it.after, it.facts)
    except Refused:
        return False
    wanted = {">": "positive", ">=": "nonnegative", "<": "negative", "<=": "nonpositive"}
    return follows_sign(found, wanted[it.relation])


def restated(it: Claim) -> str:
    """The second route: rest-lumping."""
    try:
        proved = lumping.equal(unfold(it.before), unfold(it.after), it.facts.apart)
    except lumping.NotLumpable:
        return NOT_APPLICABLE
    return PROVED if proved else NOT_PROVED


def dimensions(node: Term) -> set[Dimension]:
    """Return the dimensions that a term mentions."""
    found = {index.dimension for index in terms.all_indices(unfold(node))}
    for part in terms.walk(unfold(node)):
        if isinstance(part, Entry):
            found |= set(part.array.dimensions)
        if isinstance(part, terms.Size):
            found.add(part.dimension)
    return found


@cache
def digest(said: Statement | terms.Definition | terms.Function) -> str:
    """Return a hash of all that something says, and of all that it cites, where it cites it."""
    match said:
        case Statement():
            parts: object = (said.title, said.summary, said.chains, said.given, said.defines)
        case terms.Definition():
            parts = tuple(getattr(said, f.name) for f in fields(said))
        case terms.Function():
            at = tuple(terms.scalar(f"argument {n}") for n in range(said.arity))
            # A slope may lead back to the function itself: it is told by its print.
            parts = repr((said, said.positive, said.letter, said.slopes and said.slopes(*at)))
    return hashlib.sha256(content(parts).encode()).hexdigest()


def content(part: object) -> str:
    """Return all that a part of a statement says."""
    if isinstance(part, (Statement, terms.Definition, terms.Function)):
        return digest(part)
    if isinstance(part, Sequence) and not isinstance(part, str):
        return f"({','.join(map(content, part))})"
    if is_dataclass(part) and not isinstance(part, (type, Dimension)):
        return type(part).__name__ + content(tuple(getattr(part, f.name) for f in fields(part)))
    return repr(part)
