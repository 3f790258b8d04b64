"""Errata: what a text prints, a machine's reason why it fails, and what is proved instead.

A printed formula is refuted by a counterexample that a reader can work out by hand. It is searched
for, not chosen: the first point, in a fixed order, at which the two sides differ at 50 digits. A
printed form that cannot be written down at all, because its shapes disagree, is refuted by that.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

import mpmath
from mpmath import mp, mpf

from derivations.calculus import digits, terms, verification
from derivations.calculus.derivation import Hypothesis, Statement
from derivations.calculus.terms import Array, Index, ShapeError, Term

FORMULA, CLAIM, CONFIRMED = "formula", "claim", "confirmed"
FAILS, HOLDS, NOT_CHECKED = "fails", "holds", "wording, no check"

LARGEST = 3  # sizes and values that a search goes up to
ENOUGH = 50_000  # points that a search looks at before it gives up

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
    """A printed expression whose parts may not fit: ``build`` writes it down."""

    build: Callable[[], object]


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
    show
        Which results of the first statement to show beside the printed form.
    """

    title: str
    printed: str
    correct: str
    why: str
    claims: tuple[Claim, ...] = field(repr=False)
    right: tuple[Statement, ...] = field(repr=False)
    kind: str = FORMULA
    show: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Line:
    """A formula of the text, as it is printed, and where it is dealt with."""

    printed: str
    here: tuple[Statement | Erratum, ...]
    remark: str = ""


@dataclass(frozen=True)
class Report:
    """What a check found: of each claim a counterexample or a text, of each statement its level."""

    printed: str
    because: tuple[str, ...]
    counterexamples: tuple[Counterexample, ...]
    levels: tuple[str, ...]
    as_stated: bool


Verifier = Callable[[Statement], Mapping[str, object]]


def freshly(statement: Statement) -> Mapping[str, object]:
    """Verify a statement now."""
    return verification.verify(statement).to_json()


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
    outcomes = [try_claim(claim) for claim in erratum.claims]
    reports = [verified(statement) for statement in erratum.right]
    sound = all(not report["failures"] and not report["flagged"] for report in reports)
    verdicts = {verdict for verdict, _, _ in outcomes} or {NOT_CHECKED}
    printed = verdicts.pop() if len(verdicts) == 1 else "undecided"
    expected = HOLDS if erratum.kind == CONFIRMED else FAILS if erratum.claims else NOT_CHECKED
    return Report(
        printed,
        tuple(text for _, text, _ in outcomes),
        tuple(found for _, _, found in outcomes if found is not None),
        tuple(str(report["level"]) for report in reports),
        printed == expected and sound,
    )


def try_claim(claim: Claim) -> tuple[str, str, Counterexample | None]:
    """Return whether a printed claim fails or holds, why, and the counterexample if there is one.

    An equation holds when it is proved for all sizes and fails when it has a counterexample and no
    route proves it. Neither, or both, is ``undecided``.
    """
    match claim:
        case Construction(build):
            try:
                build()
            except ShapeError as reason:
                return FAILS, str(reason), None
            return HOLDS, "its shapes agree", None
        case Search(find):
            found = find()
            return (HOLDS, "no such case was found", None) if found is None else (
                FAILS, found.text, found
            )  # fmt: skip
        case Equation(left, right, relation, given):
            found = counterexample(left, right, relation, given)
            routes, _ = verification.ask_routes(left, right, relation, given, random.Random(1))
            proved = verification.PROVED in routes.values()
            if found is not None and not proved:
                return FAILS, found.text, found
            if found is None and routes["all sizes"] == verification.PROVED:
                return HOLDS, "proved for all sizes", None
            return "undecided", f"{routes}", found


# -- searching --------------------------------------------------------------------------------------


def counterexample(
    left: Term, right: Term, relation: str = "=", given: Sequence[Hypothesis] = ()
) -> Counterexample | None:
    """Return the first point at which a relation does not hold, or None.

    Small sizes come first, by their sum; then small numbers, by the largest absolute value; then
    the points in the order of the names of the arrays and of their entries, each entry running
    through 0, 1, -1, 2, -2, 3, -3 as far as its domain allows.
    """
    left, right = (verification.constrained(side, given) for side in (left, right))
    assumed = {quantity: sign for hypothesis in given for quantity, sign in hypothesis.signs}
    sides = terms.unfold(left), terms.unfold(right)
    difference = sides[0] - sides[1]
    with mp.workdps(digits.working_digits(difference, 50)):
        for point in itertools.islice(points(difference), ENOUGH):
            if not all(verification.has_sign(q, sign, point) for q, sign in assumed.items()):
                continue
            values = [value_at(side, point) for side in sides]
            if None not in values and not holds(values[0], values[1], relation):
                return described(difference, point, values[0], values[1], relation)
    return None


def points(node: Term) -> Iterator[digits.Point]:
    """Yield points for everything that a term leaves open, in the order of ``counterexample``."""
    arrays = sorted(arrays_of(node), key=lambda array: array.name)
    free = sorted(terms.free_indices(node), key=lambda index: index.name)
    dimensions = sorted(verification.dimensions(node), key=lambda d: (d.rank, d.name))
    for counts in sizes_in_order(len(dimensions)):
        sizes = {d.name: count for d, count in zip(dimensions, counts, strict=True)}
        places = [
            (array, place)
            for array in arrays
            for place in itertools.product(*(range(sizes[d.name]) for d in array.dimensions))
        ]
        for bound in range(1, LARGEST + 1):
            choices = [values_of(array.domain, bound) for array, _ in places]
            for chosen in itertools.product(*choices):
                if bound > 1 and all(number in values_of("real", bound - 1) for number in chosen):
                    continue
                entries = {
                    (array.name, place): mpf(number.numerator) / number.denominator
                    for (array, place), number in zip(places, chosen, strict=True)
                }
                for at in itertools.product(*(range(sizes[i.dimension.name]) for i in free)):
                    yield digits.Point(sizes, entries, dict(zip(free, at, strict=True)))


def sizes_in_order(dimensions: int) -> list[tuple[int, ...]]:
    """Return sizes from 1 up, by their sum."""
    every = itertools.product(range(1, LARGEST + 1), repeat=dimensions)
    return sorted(every, key=lambda counts: (sum(counts), counts))


def values_of(domain: str, bound: int) -> tuple[Fraction, ...]:
    """Return the numbers of a domain that a search tries; of the unit interval, fractions."""
    if domain == "unit":
        found = [Fraction(p, q) for q in range(2, bound + 3) for p in range(1, q)]
        return tuple(dict.fromkeys(found))
    signed = [Fraction(sign * size) for size in range(1, bound + 1) for sign in (1, -1)]
    positive = tuple(number for number in signed if number > 0)
    match domain:
        case "label":
            return (Fraction(0), Fraction(1))
        case "positive":
            return positive
        case "nonnegative":
            return (Fraction(0), *positive)
    return (Fraction(0), *signed)


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
    wanted = {"=": "", ">": "greater", ">=": "at least", "<": "less", "<=": "at most"}[relation]
    ought = f"; printed as {wanted}" if wanted else ""
    text = f"{start} left side is ${shown(left)}$ and the right side ${shown(right)}${ought}."
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
    if isinstance(number, mpf):
        near = Fraction(int(mpmath.nint(number * 5040)), 5040)
        if abs(number - mpf(near.numerator) / near.denominator) < mpf(10) ** -45:
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
