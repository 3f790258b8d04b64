"""Errata: what a text prints, a machine's reason why it fails, and what is proved instead.

A printed formula is refuted by a counterexample that a reader can work out by hand. It is searched
for, not chosen: the first point, in a fixed order, at which the two sides differ at 50 digits. A
printed form that cannot be written down at all, because its shapes disagree, is refuted by that.
"""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import mpmath
from mpmath import mp, mpf

from derivations.language import terms
from derivations.language.statement import Hypothesis, Statement
from derivations.language.terms import Array, Index, ShapeError, Term
from derivations.prints.lines import results
from derivations.prints.mathematics import LATEX, latex, relation
from derivations.proof import digits, ledger, verification

FORMULA, CLAIM, CONFIRMED = "formula", "claim", "confirmed"
WRONG_RESULT, WRONG_STATEMENT = "wrong result", "wrong statement"
NOTATION, WORDING = "notation", "wording"
FAILS, HOLDS, UNDECIDED, NOT_CHECKED = "fails", "holds", "undecided", "wording, no check"

LARGEST = 3  # sizes and values that a search goes up to
ENOUGH = 20_000  # points that a search looks at before it gives up
FEW = 100  # points at which a proved relation is tried all the same

Number: TypeAlias = mpf | Fraction | int | float


@dataclass(frozen=True)
class Equation:
    """A printed relation between two terms, said of all values of what stands in them."""

    left: Term
    right: Term
    relation: str = "="
    given: tuple[Hypothesis, ...] = ()


@dataclass(frozen=True)
class Construction:
    """A printed expression whose parts may not fit: ``build`` writes it down.

    ``because`` says for people why it cannot be written, in Markdown, without a period.
    """

    build: Callable[[], object]
    because: str = ""


@dataclass(frozen=True)
class Counterexample:
    """What the machine found: numbers by name, the two values that ought to agree, and the text.

    ``text`` is Markdown with formulas between dollar signs.
    """

    values: Mapping[str, object]
    left: Number
    right: Number
    text: str


@dataclass(frozen=True)
class Search:
    """A printed claim that is no formula: ``find`` looks for a case in which it is false."""

    find: Callable[[], Counterexample | None]


Claim = Equation | Construction | Search


@dataclass(frozen=True, eq=False)
class Erratum:
    """One row: what is printed, what is right, and why.

    Parameters
    ----------
    title
        What the row is about.
    printed
        The printed formula in LaTeX; of a claim, what it says, in Markdown.
    correct
        What is right, in Markdown.
    why
        Why the printed form cannot stand; of a confirmed row, under which reading it stands.
    claims
        The printed form for the machine; none where only the wording is at fault.
    right
        The statements that hold instead: those of a concept, or one of its own.
    kind
        ``formula``, ``claim`` or ``confirmed``.
    severity
        What it does to those who rely on it: a ``wrong result`` when they compute, a ``wrong
        statement`` that they believe, a ``notation`` that cannot be read as it stands, or the
        ``wording``; empty where the row is confirmed.
    show
        Which results of the first statement to show beside the printed form.
    also
        What else is proved, such as what the printed form would mean.
    """

    title: str
    printed: str
    correct: str
    why: str
    claims: tuple[Claim, ...] = field(repr=False)
    right: tuple[Statement, ...] = field(repr=False)
    kind: str = FORMULA
    show: tuple[int, ...] = (0,)
    also: tuple[Statement, ...] = field(default=(), repr=False)
    severity: str = ""


@dataclass(frozen=True)
class Line:
    """A formula of the text, as it is printed, and where it is dealt with."""

    printed: str
    here: tuple[Statement | Erratum, ...]


@dataclass(frozen=True)
class Outcome:
    """What trying one printed claim gave: the verdict, and the counterexample or reason for it.

    ``tested`` is the LaTeX of the relation that was tried, in the notation of the statements.
    """

    verdict: str
    text: str
    counterexample: Counterexample | None = None
    tested: str = ""


@dataclass(frozen=True)
class Report:
    """What a check found: of the printed form, of each claim in it, of each right statement."""

    printed: str
    outcomes: tuple[Outcome, ...]
    levels: tuple[str, ...]
    as_stated: bool


Verifier = Callable[[Statement], Mapping[str, object]]


def freshly(statement: Statement) -> Mapping[str, object]:
    """Verify a statement now."""
    return verification.verify(statement).to_json()


def from_ledger(path: Path) -> Verifier:
    """Return a verifier that looks statements up in a ledger and proves those not in it."""
    known = ledger.load(path)

    def verified(statement: Statement) -> Mapping[str, object]:
        key = ledger.key(statement)
        if key not in known:
            known[key] = dict(freshly(statement))
        return known[key]

    return verified


def check(erratum: Erratum, verified: Verifier = freshly) -> Report:
    """Try every printed claim, and look up or prove what is said to be right.

    Parameters
    ----------
    erratum
        What to check.
    verified
        Returns the report of a statement, as ``verification.verify`` does or from a ledger.

    Returns
    -------
    Report
        Whether the printed form fails or holds, and whether all came out as the row states it.
    """
    outcomes = tuple(try_claim(claim) for claim in erratum.claims)
    found = [verified(statement) for statement in (*erratum.right, *erratum.also)]
    sound = all(not report["failures"] and not report["flagged"] for report in found)
    verdicts = {outcome.verdict for outcome in outcomes} or {NOT_CHECKED}
    printed = verdicts.pop() if len(verdicts) == 1 else UNDECIDED
    expected = HOLDS if erratum.kind == CONFIRMED else FAILS if erratum.claims else NOT_CHECKED
    levels = tuple(str(report["level"]) for report in found)
    return Report(printed, outcomes, levels, printed == expected and sound)


def try_claim(claim: Claim) -> Outcome:
    """Say whether a printed claim fails or holds, and why.

    An equation holds when it is proved for all sizes, and fails when it has a counterexample and no
    route proves it for all sizes. Neither, or both, is ``undecided``.
    """
    match claim:
        case Construction(build, because):
            try:
                build()
            except ShapeError as reason:
                return Outcome(FAILS, f"It cannot be written down: {because or reason}.")
            return Outcome(HOLDS, "Its shapes agree.")
        case Search(find):
            case = find()
            return (
                Outcome(FAILS, case.text, case) if case else Outcome(HOLDS, "No such case found.")
            )
        case Equation():
            return try_equation(claim)


def try_equation(claim: Equation) -> Outcome:
    """Ask the routes for a proof, and search for a counterexample."""
    sides = claim.left, claim.right
    numbers = digits.compare(*sides, claim.relation, claim.given, random.Random(1))
    routes = verification.ask_routes(*sides, claim.relation, claim.given, numbers).routes
    proved = verification.PROVED in (routes["all sizes"], routes["restated"])
    found = counterexample(*sides, claim.relation, claim.given, FEW if proved else ENOUGH)
    tested = f"{latex(claim.left)} {relation(claim.relation, LATEX)} {latex(claim.right)}"
    if found is not None and not proved:
        return Outcome(FAILS, found.text, found, tested)
    if found is None and routes["all sizes"] == verification.PROVED:
        generic = verification.dimensions(claim.left) | verification.dimensions(claim.right)
        text = "Proved for all sizes." if generic else "Proved."
        return Outcome(HOLDS, text, None, tested)
    said = ", ".join(f"{route}: {verdict}" for route, verdict in routes.items())
    return Outcome(UNDECIDED, f"Undecided: {said}.", found, tested)


# -- searching --------------------------------------------------------------------------------------


def counterexample(
    left: Term,
    right: Term,
    relation: str = "=",
    given: Sequence[Hypothesis] = (),
    enough: int = ENOUGH,
) -> Counterexample | None:
    """Return the smallest point at which a relation does not hold, or None.

    The size of a point is the sum of its sizes, plus the number of entries that are not the plainest
    of their domain (0; of a positive number 1, of a probability one half), plus how far those go
    (up to 1, 2 or 3). Among points of one size the order is fixed.
    """
    left, right = (verification.constrained(side, given) for side in (left, right))
    assumed = {quantity: sign for hypothesis in given for quantity, sign in hypothesis.signs}
    sides = terms.unfold(left), terms.unfold(right)
    difference = sides[0] - sides[1]
    with mp.workdps(digits.working_digits(difference, 50)):
        for point in itertools.islice(points(difference), enough):
            if not all(digits.has_sign(q, sign, point) for q, sign in assumed.items()):
                continue
            values = [value_at(side, point) for side in sides]
            if None not in values and not holds(values[0], values[1], relation):
                return described(difference, point, values[0], values[1], relation)
    return None


def points(node: Term) -> Iterator[digits.Point]:
    """Yield points for everything that an unfolded term leaves open, the smallest first."""
    arrays = sorted(arrays_of(node), key=lambda array: array.name)
    free = sorted(terms.free_indices(node), key=lambda index: index.name)
    dimensions = sorted(verification.dimensions(node), key=lambda d: (d.rank, d.name))
    shapes = [
        {d.name: count for d, count in zip(dimensions, counts, strict=True)}
        for counts in itertools.product(range(1, LARGEST + 1), repeat=len(dimensions))
    ]
    for weight in itertools.count(len(dimensions)):
        for sizes in shapes:
            places = [
                (array, place)
                for array in arrays
                for place in itertools.product(*(range(sizes[d.name]) for d in array.dimensions))
            ]
            for bound in range(1, LARGEST + 1):
                for entries in tables(places, bound, weight - sum(sizes.values()) - bound + 1):
                    for at in itertools.product(*(range(sizes[i.dimension.name]) for i in free)):
                        yield digits.Point(sizes, entries, dict(zip(free, at, strict=True)))
        if weight > LARGEST * (len(dimensions) + 1) + len(places):
            return


def tables(
    places: Sequence[tuple[Array, tuple[int, ...]]], bound: int, changed: int
) -> Iterator[dict[tuple[str, tuple[int, ...]], mpf]]:
    """Yield entries of which so many are not the plainest, and the farthest goes to the bound."""
    if changed < 0 or (changed == 0 and bound > 1):
        return
    for chosen in itertools.combinations(range(len(places)), changed):
        choices = [values_of(places[number][0].domain, bound) for number in chosen]
        for numbers in itertools.product(*choices):
            if bound > 1 and not any(far == bound for _, far in numbers):
                continue
            put = {number: value for number, (value, _) in zip(chosen, numbers, strict=True)}
            yield {
                (array.name, place): exactly(put.get(number, PLAINEST[array.domain]))
                for number, (array, place) in enumerate(places)
            }


PLAINEST = {
    "real": Fraction(0),
    "label": Fraction(0),
    "nonnegative": Fraction(0),
    "positive": Fraction(1),
    "unit": Fraction(1, 2),
}


def values_of(domain: str, bound: int) -> list[tuple[Fraction, int]]:
    """Return the other numbers of a domain up to a bound, each with how far it goes."""
    found = []
    for far in range(1, bound + 1):
        match domain:
            case "label":
                numbers = [Fraction(1)] if far == 1 else []
            case "positive":
                numbers = [Fraction(far + 1)]
            case "nonnegative":
                numbers = [Fraction(far)]
            case "unit":
                numbers = [
                    Fraction(p, far + 2) for p in range(1, far + 2) if math.gcd(p, far + 2) == 1
                ]
            case _:
                numbers = [Fraction(far), Fraction(-far)]
        found += [(number, far) for number in numbers]
    return found


def exactly(number: Fraction) -> mpf:
    """Return a fraction at the working precision."""
    return mpf(number.numerator) / number.denominator


def arrays_of(node: Term) -> set[Array]:
    """Return the arrays of an unfolded term, those of its derivatives included."""
    found = {part.array for part in terms.walk(node) if isinstance(part, terms.Entry)}
    moved = (part for part in terms.walk(node) if isinstance(part, (terms.D, terms.Limit)))
    return found | {part.variable.array for part in moved}


def value_at(node: Term, point: digits.Point) -> mpf | None:
    """Return the value of a term at a point, or None where it has none."""
    try:
        number = digits.value(node, point)
    except (ValueError, ZeroDivisionError):
        return None
    return number if isinstance(number, mpf) and mpmath.isfinite(number) else None


def holds(left: mpf, right: mpf, relation: str) -> bool:
    """Return True when a relation holds between two numbers at 50 digits."""
    equal = abs(left - right) <= mpf(10) ** -50 * max(1, abs(left), abs(right))
    if relation[-1] == "=":
        return equal or {"<=": left < right, ">=": left > right}.get(relation, False)
    return not equal and {"<": left < right, ">": left > right}[relation]


# -- in words ---------------------------------------------------------------------------------------


def described(
    node: Term, point: digits.Point, left: mpf, right: mpf, relation: str
) -> Counterexample:
    """Return a point and the two values at it as a counterexample."""
    arrays = sorted(arrays_of(node), key=lambda array: array.name)
    values = {array.name: nested(array, point) for array in arrays}
    formulas = [rf"{name} = {count}" for name, count in point.sizes.items()]
    formulas += [assigned(array, values[array.name]) for array in arrays]
    formulas += [f"{index.name} = {place + 1}" for index, place in sorted_places(point.at)]
    at = ", ".join(f"${formula}$" for formula in formulas)
    start = f"At {at} the" if formulas else "The"
    text = f"{start} two sides are ${shown(left)}$ on the left and ${shown(right)}$ on the right."
    places = {index.name: place + 1 for index, place in sorted_places(point.at)}
    return Counterexample({**point.sizes, **values, **places}, left, right, text)


def sorted_places(at: Mapping[Index, int]) -> list[tuple[Index, int]]:
    """Return places of indices by name."""
    return sorted(at.items(), key=lambda item: item[0].name)


def nested(array: Array, point: digits.Point) -> object:
    """Return the numbers of an array as nested lists of exact numbers; of a scalar, the number."""

    def part(place: tuple[int, ...]) -> object:
        if len(place) == len(array.dimensions):
            return rational(point.entries[array.name, place])
        count = point.sizes[array.dimensions[len(place)].name]
        return [part((*place, number)) for number in range(count)]

    return part(())


def assigned(array: Array, value: object) -> str:
    """Return the LaTeX that gives an array its numbers."""
    if not isinstance(value, list):
        return f"{array.letter or array.name} = {shown(value)}"
    bold = array.bold or rf"\mathbf{{{array.letter or array.name}}}"
    name = f"{bold}^{{{array.superscript}}}" if array.superscript else bold
    if not isinstance(value[0], list):
        return f"{name} = ({', '.join(map(shown, value))})"
    if len(value) == len(value[0]) == 1:
        return f"{name} = ({shown(value[0][0])})"
    rows = r" \\ ".join(" & ".join(map(shown, row)) for row in value)
    return rf"{name} = \begin{{pmatrix}} {rows} \end{{pmatrix}}"


def rational(number: Number) -> Number:
    """Return a number as a fraction of small terms when it is one at 45 digits, else as it is."""
    if isinstance(number, mpf) and (number == 0 or abs(number) > mpf(10) ** -5):
        near = Fraction(int(mpmath.nint(number * 5040)), 5040)
        if abs(number - exactly(near)) < mpf(10) ** -45:
            return near
    return number


def shown(number: Number) -> str:
    """Return the LaTeX of a number: exact where it is a small fraction, else six digits."""
    exact = rational(number)
    if isinstance(exact, Fraction) and exact.denominator != 1:
        sign = "-" if exact < 0 else ""
        return rf"{sign}\tfrac{{{abs(exact.numerator)}}}{{{exact.denominator}}}"
    if isinstance(exact, (Fraction, int)):
        return str(exact)
    digits_shown = mpmath.nstr(mpf(exact), 6)
    mantissa, e, exponent = digits_shown.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else rf"{mantissa}\ldots"


# -- as data and as text ----------------------------------------------------------------------------


def as_data(
    name: str, erratum: Erratum, report: Report, ids: Mapping[int, str]
) -> dict[str, object]:
    """Return a row and what its check found as plain data; ``ids`` are those of statements."""
    statements = (*erratum.right, *erratum.also)
    proved = [
        {
            "id": ids.get(id(statement)),
            "title": statement.title,
            "level": level,
            "latex": beside(erratum, statement, ids),
        }
        for statement, level in zip(statements, report.levels, strict=True)
    ]
    return {
        "name": name,
        "title": erratum.title,
        "kind": erratum.kind,
        "severity": erratum.severity,
        "printed": erratum.printed,
        "correct": erratum.correct,
        "why": erratum.why,
        "verdict": report.printed,
        "tested": [{"latex": outcome.tested, "text": outcome.text} for outcome in report.outcomes],
        "right": proved[: len(erratum.right)],
        "also": proved[len(erratum.right) :],
        "as_stated": report.as_stated,
    }


def beside(erratum: Erratum, statement: Statement, ids: Mapping[int, str]) -> list[str]:
    """Return the equations that stand beside the printed form.

    Of the first statement they are those that the row names, of one without an id, which is shown
    nowhere else, all.
    """
    shown = results(statement, LATEX)
    if statement in erratum.right[:1]:
        return [shown[number] for number in erratum.show]
    return [] if id(statement) in ids else shown


def in_words(name: str, erratum: Erratum, report: Report, ids: Mapping[int, str]) -> Iterator[str]:
    """Yield the lines that say a row on a terminal."""
    severity = f" ({erratum.severity})" if erratum.severity else ""
    yield f"{name.upper()}  {erratum.title}: {report.printed}{severity}"
    yield f"    printed  {plain(erratum.printed)}"
    yield from (f"             {plain(outcome.text)}" for outcome in report.outcomes)
    yield f"    right    {plain(erratum.correct)}"
    for statement, level in zip((*erratum.right, *erratum.also), report.levels, strict=True):
        yield f"             {ids.get(id(statement), statement.title)} ({level})"


def plain(text: str) -> str:
    """Return text with its LaTeX written plainly."""
    text = re.sub(r"\\begin\{pmatrix\} (.*?) \\end\{pmatrix\}", r"[\1]", text)
    text = text.replace(r" \\ ", "; ").replace(r"\,", " ").replace("$", "")
    text = re.sub(
        r"\\(?:left|right|quad|mathbf|mathbb|mathcal|boldsymbol|operatorname|text)\b ?", "", text
    )
    for _ in range(2):  # a fraction's numerator may have braces of its own
        text = re.sub(
            r"\\t?frac\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}", r"\1/\2", text
        )
    text = re.sub(r"\\([a-zA-Z]+)", lambda m: SIGNS.get(m[1], m[1]), text)
    text = re.sub(r"([_^])\{([^{}]{2,})\}", r"\1(\2)", text)
    text = re.sub(r"(?<!\\)[{}]", "", text).replace("^'", "'")
    return text.replace(r"\{", "{").replace(r"\}", "}")


SIGNS = {
    "sum": "Σ", "prod": "Π", "partial": "∂", "nabla": "∇", "cdot": "·", "top": "T", "mid": "|",
    "in": "∈", "ge": "≥", "infty": "∞", "to": "→", "ldots": "...", "dots": "...", "prime": "'",
    "ell": "ℓ", "hat": "", "delta": "δ", "eta": "η", "theta": "θ", "sigma": "σ", "psi": "ψ",
    "varepsilon": "ε", "Delta": "Δ",
}  # fmt: skip
