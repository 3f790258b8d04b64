"""Statements and their derivations, as data: given, a line and its reason, ..., the result.

Constructing a statement is cheap and proves nothing; ``verification.verify`` does. A rule says
which laws a step may use, so that the step can be held against exactly those laws.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from derivations.language import matrices
from derivations.language.matrices import Matrix
from derivations.language.terms import D, Definition, Entry, Index, Term, free_indices, term, walk


@dataclass(frozen=True)
class Rule:
    """The laws that a step may use.

    ``derive`` is what may happen to a derivative (``inert``, ``linear``, ``full``) and ``folded``
    which names stay closed (``everything``, ``functions``, ``nothing``). A rule with ``deltas``
    must remove at least one delta or sum. ``relation`` rules compare signs instead.
    """

    name: str
    derive: str = "inert"
    folded: str = "everything"
    deltas: bool = False


DEFINITION = Rule("definition", folded="nothing")
ALGEBRA = Rule("algebra")
LOGARITHM = Rule("laws of the logarithm")
LINEARITY = Rule("linearity of the derivative", derive="linear")
CHAIN_RULE = Rule("chain rule", derive="full")
DIFFERENTIATE = Rule("differentiate", derive="full", folded="nothing")
CONTRACT = Rule("contract", derive="full", deltas=True)
MATRIX_FORM = Rule("matrix form", folded="nothing")
SIGN = Rule("sign")
LIMIT = Rule("limit", derive="full", folded="nothing")
CASES = Rule("case by case", folded="nothing")


@dataclass(frozen=True)
class Step:
    """One line: the expression, the rule that leads to it, and the reason in words.

    ``relation`` compares the line before with this one; ``cites`` are statements that it uses.
    """

    expression: Term | Matrix | int
    rule: Rule
    reason: str = ""
    cites: tuple[Statement, ...] = field(default=(), repr=False)
    relation: str = "="
    made: bool = False  # by a move; else an author typed it

    def __post_init__(self) -> None:
        if not isinstance(self.expression, Matrix):
            object.__setattr__(self, "expression", term(self.expression))


@dataclass(frozen=True)
class Prose:
    """A step in words that no machine checks, with its source."""

    text: str
    source: str = ""


@dataclass(frozen=True)
class Hypothesis:
    """What is assumed: in words, which nothing uses, or in a form that the checks use.

    ``replace`` parametrises a constraint: entries of an array are replaced by a form that satisfies
    it whatever the numbers are. ``signs`` are the assumed signs of quantities, at all of their
    indices but those that are free in a chain; the indices of a pair in ``distinct`` differ.
    """

    text: str = ""
    replace: tuple[tuple[Entry, Term], ...] = ()
    signs: tuple[tuple[Term, str], ...] = ()
    distinct: tuple[tuple[Index, Index], ...] = ()

    def __post_init__(self) -> None:
        for _, sign in self.signs:
            if sign not in SIGNS:
                raise ValueError(f"{sign!r} is no sign; use one of {', '.join(SIGNS)}")
        for pattern, body in self.replace:
            own = frozenset(pattern.indices)
            if len(own) < len(pattern.indices) or not free_indices(body) <= own:
                raise ValueError(
                    f"{pattern.array.name}: a constraint gives each entry, at indices that differ, "
                    "by a form with those indices and no others"
                )
        for left, right in self.distinct:
            if left == right or left.dimension != right.dimension:
                raise ValueError(
                    f"{left.name} and {right.name} are no two indices of one dimension"
                )

    @property
    def used(self) -> bool:
        """True when the checks use it."""
        return bool(self.replace or self.signs or self.distinct)


SIGNS = {"positive": ">", "nonnegative": ">=", "zero": "=", "nonpositive": "<=", "negative": "<"}
RELATIONS = ("=", ">", ">=", "<", "<=")


@dataclass(frozen=True)
class Chain:
    """A left-hand side and the lines that follow from it.

    ``at`` are the free indices in the order in which a table of the values nests. ``matrix`` is the
    same equation in matrix notation: its two sides are held, entry by entry, against the chain's.
    """

    left: Term
    steps: Sequence[Step | Prose]
    at: tuple[Index, ...] = ()
    title: str = ""
    matrix: tuple[Matrix, Matrix] | None = None

    @property
    def lines(self) -> tuple[Step, ...]:
        """The steps that are lines of mathematics."""
        return tuple(step for step in self.steps if isinstance(step, Step))

    @property
    def last(self) -> Term:
        """The last expression, as a term."""
        expression = self.lines[-1].expression
        return as_term(expression, self.at)

    @property
    def relation(self) -> str:
        """How the left-hand side compares with the last expression."""
        found = {step.relation for step in self.lines} - {"="}
        if len({relation[0] for relation in found}) > 1:
            raise ValueError(f"a chain cannot go both ways: {sorted(found)}")
        return min(found, key=len, default="=")


@dataclass(frozen=True)
class Result:
    """The right-hand side of a statement, and the order of its free indices."""

    term: Term
    at: tuple[Index, ...]


# How far a statement can be verified; the first is claimed unless a statement says otherwise.
RESTATED, ALL_SIZES = "proved, all sizes, restated", "proved, all sizes"
SCALAR, LEMMA, NAMED = "proved, scalar", "lemma", "definition"


@dataclass(frozen=True, eq=False)
class Statement:
    """A titled statement: hypotheses, chains of lines, or the definitions that it makes.

    ``level`` is how far it claims to be verified.
    """

    title: str
    summary: str
    chains: tuple[Chain, ...] = ()
    given: tuple[Hypothesis, ...] = ()
    defines: tuple[Definition, ...] = ()
    level: str = RESTATED

    @property
    def result(self) -> Result:
        """The right-hand side of the first chain, or of the definition."""
        if self.chains:
            return Result(self.chains[0].last, self.chains[0].at)
        parameters = self.defines[0].parameters
        return Result(self.defines[0].body, tuple(p for p in parameters if isinstance(p, Index)))

    @property
    def prose(self) -> tuple[Prose, ...]:
        """The steps that are words."""
        return tuple(s for chain in self.chains for s in chain.steps if isinstance(s, Prose))

    @property
    def cites(self) -> tuple[Statement, ...]:
        """The statements that the steps use, each once, in order."""
        cited = [c for chain in self.chains for step in chain.lines for c in step.cites]
        return tuple(dict.fromkeys(cited))


@dataclass(frozen=True)
class Lines:
    """How many lines moves made and authors typed, in all and where a derivative is carried."""

    made: int = 0
    typed: int = 0
    derivatives_made: int = 0
    derivatives_typed: int = 0

    def __str__(self) -> str:
        """Return the counts as a sentence."""
        carried = self.derivatives_made + self.derivatives_typed
        return (
            f"{self.made + self.typed} lines: {self.made} made, {self.typed} typed; of {carried} "
            f"in which a derivative is taken or carried, {self.derivatives_made} made"
        )


def count_lines(statements: Iterable[Statement]) -> Lines:
    """Return how many lines of statements were made by moves, and how many were typed."""
    found: Counter[tuple[bool, bool]] = Counter()
    for statement in statements:
        for chain in statement.chains:
            before: Term = chain.left
            for step in chain.lines:
                after = as_term(step.expression, chain.at)
                parts = (*walk(before), *walk(after))
                found[step.made, any(isinstance(part, D) for part in parts)] += 1
                before = after
    return Lines(
        found[True, True] + found[True, False],
        found[False, True] + found[False, False],
        found[True, True],
        found[False, True],
    )


def as_term(expression: Term | Matrix | int, at: tuple[Index, ...]) -> Term:
    """Return a line as a term: of a matrix expression, the entry at the chain's free indices."""
    return matrices.entry(expression, at) if isinstance(expression, Matrix) else term(expression)


def pairs(chain: Chain) -> Iterator[tuple[Term, Step]]:
    """Yield each line with the term before it; the matrix form is the last."""
    before = chain.left
    for step in chain.lines:
        yield before, step
        before = as_term(step.expression, chain.at)
    if chain.matrix is not None:
        yield before, Step(chain.matrix[1], MATRIX_FORM, "entry by entry")
