"""Code from a statement: which lines are computed, from which arguments, through which locals.

What the languages share. A printer of a language turns each named quantity into a local that is
computed once, and the line into the value that is returned. A line is printed as it was derived, or
in the form of the same value that is computed safely.
"""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from derivations.language import terms
from derivations.language.statement import Chain, Hypothesis, Statement, as_term
from derivations.language.terms import (
    Apply,
    Array,
    D,
    Definition,
    Dimension,
    Entry,
    Function,
    Index,
    Limit,
    Mul,
    Number,
    Product,
    Size,
    Sum,
    Term,
    Use,
    walk,
)
from derivations.prints import mathematics as printing, stable
from derivations.prints.lines import used

WIDTH = 88  # of a line of generated code
PRIMES = {"'": "_prime", "lambda": "lam"}
RESERVED = frozenset(keyword.kwlist) | {
    *("Array", "Math", "case", "catch", "const", "default", "delete", "do", "enum", "export"),
    *("extends", "function", "let", "math", "new", "np", "null", "package", "private"),
    *("protected", "public", "static", "super", "switch", "this", "throw", "typeof"),
    *("undefined", "var", "void"),
}


@dataclass(frozen=True)
class Line:
    """A line that a function of a name computes."""

    term: Term
    at: tuple[Index, ...]
    name: str = ""


Argument = Array | Dimension | Function  # a function that may be any, or its derivative


@dataclass(frozen=True)
class Parts:
    """What a term is built from, each in the order of first need."""

    quantities: tuple[Definition, ...]
    functions: tuple[Definition, ...]
    arrays: tuple[Array, ...]
    callbacks: tuple[Function, ...]
    sizes: tuple[Dimension, ...]
    known: tuple[Function, ...] = ()


# -- the lines -------------------------------------------------------------------------------------


def results(statement: Statement, name: str = "") -> tuple[Line, ...]:
    """Return the lines to compute as they are written, one for each result, with their names.

    Of a chain it is the last line that the left side equals and that has no derivative. A number
    or an argument as it was given is no result.
    """
    own = name.rpartition(".")[2]
    if not statement.chains:
        result = statement.result
        if not computable(result.term):
            return ()
        spoken = SPOKEN.get(statement.defines[0].name, "")
        return (
            Line(result.term, result.at, name=own_name(spoken if own == "definition" else own)),
        )
    found: list[tuple[Chain, Line]] = []
    for chain in statement.chains:
        lines = [line for line in equal_lines(chain) if computable(line.term)]
        if lines and not trivial(lines[-1].term):
            found.append((chain, lines[-1]))
    taken: dict[str, Line] = {}
    for chain, line in found:
        wanted = result_name(chain, own, alone=len(found) == 1, taken=taken)
        given = unused(own_name(wanted), set(taken))
        taken[given] = replace(line, name=given)
    return tuple(taken.values())


def result_name(chain: Chain, own: str, alone: bool, taken: Collection[str]) -> str:
    """Return what the result of a chain is called: by its left side, its title or its statement."""
    left = spoken(chain.left)
    if alone and not (left.startswith(f"{own}_") or left.endswith(f"_{own}")):
        return identifier(own)
    by_variable = f"{left}_by_{variable(chain.left)}" if left and variable(chain.left) else ""
    start, whole = in_words(re.split("[,:;]", chain.title)[0]), in_words(chain.title)
    kind = start.startswith(("gradient", "hessian"))
    titles = (start, whole) if kind or "_" in start else (whole, start)
    wanted = [name for name in (left, by_variable, *titles, own) if name]
    if kind and "_" not in left:
        wanted.insert(0, start)
    return next((name for name in wanted if name not in taken), wanted[0])


def own_name(name: str) -> str:
    """Return a name that is not that of a function which the code may call."""
    helpers = {function.name for function in stable.SCALAR} | {f.__name__ for f in stable.VECTOR}
    return f"{name}_function" if name in helpers or name in RESERVED else name


SPOKEN = {"sigma": "sigmoid", "S": "softmax", "p": "probabilities", "P": "probabilities"}
SPOKEN |= {"z": "logits", "Z": "logits", "L": "likelihood", "C": "cost", "z'": "", "p'": ""}


def spoken(node: Term) -> str:
    """Return what a left side is called in words, or nothing."""
    match node:
        case D(D(body, first), second):
            scalars = not first.indices and not second.indices
            return joined(spoken(body), "second_derivative" if scalars else "hessian")
        case D(body, of):
            kind = "jacobian" if terms.free_indices(body) else "gradient" if of.indices else ""
            return joined(spoken(body), kind or "derivative")
        case Apply(terms.log, (Use() as inner,)) if spoken(inner):
            return joined("log", spoken(inner))
        case Use(definition, _):
            return identifier(SPOKEN.get(definition.name, definition.name)).lower().strip("_")
        case Sum(_, Sum(_, Mul((D(D(body, _), _), Entry())))) | Sum(
            _, Mul((D(D(body, _), _), Entry()))
        ):
            return joined(spoken(body), "hvp")
    return ""


def joined(what: str, kind: str) -> str:
    """Return the name of what belongs to something that has a name."""
    return "_".join(filter(None, (what, kind)))


def variable(node: Term) -> str:
    """Return the name of what a left side is differentiated by."""
    return identifier(node.variable.array.name).strip("_") if isinstance(node, D) else ""


SMALL = {"the", "a", "an", "is", "are", "that", "its", "has", "and", "any"}
BETWEEN = {"as", "at", "by", "for", "from", "in", "of", "on", "to", "when", "with"}


def in_words(title: str) -> str:
    """Return a title as an identifier, without its formulas; nothing where few words are left."""
    plain = re.sub(r"\$.*?\$", " ", title.lower()).replace("'s ", " ")
    words = [word for word in re.findall(r"\w+", plain) if word not in SMALL]
    while words and words[-1] in BETWEEN:
        words.pop()
    words = words[1:] if words[:1] == ["on"] else words
    return "_".join(words) if 0 < len(words) <= 9 and not words[0][0].isdigit() else ""


def with_helpers(sources: Sequence[str], helpers: Mapping[str, str]) -> list[str]:
    """Return functions after those that they call; helpers come after what they need."""
    every = list(sources)
    for name in reversed([*helpers]):
        code = re.sub(r'""".*?"""|/\*\*.*?\*/', "", "".join(every), flags=re.DOTALL)
        if re.search(rf"\b{name}\(", code):
            every.insert(0, helpers[name])
    return every


def known_functions(lines: Sequence[Line]) -> list[Function]:
    """Return the functions in lines of which more is known than the name."""
    return list(dict.fromkeys(function for line in lines for function in parts(line.term).known))


def stably(line: Line) -> Line:
    """Return a line as it is computed safely."""
    return Line(stable.stable(line.term), line.at, name=line.name)


def trivial(node: Term) -> bool:
    """Say whether a term is made of numbers alone, or is an entry of an argument."""
    return isinstance(node, Entry) or all(
        isinstance(part, (Number, terms.Neg, terms.Add, terms.Mul, terms.Div, terms.Pow))
        for part in walk(node)
    )


def equal_lines(chain: Chain) -> Iterator[Line]:
    """Yield the left side of a chain and the lines that are equal to it."""
    yield Line(chain.left, chain.at)
    for step in chain.lines:
        if step.relation != "=":
            return
        yield Line(as_term(step.expression, chain.at), chain.at)


def computable(node: Term) -> bool:
    """Say whether a term, with its names unfolded, has no derivative and no limit."""
    return not any(isinstance(part, (D, Limit)) for part in walk(terms.unfold(node)))


def functions(
    statement: Statement,
    name: str,
    as_written: bool,
    helpers: Mapping[str, str],
    write: Callable[[Line, str, frozenset[str], Sequence[Hypothesis]], str],
) -> list[str]:
    """Return the functions that compute the results of a statement, after what they call."""
    lines = results(statement, name)
    if not as_written:
        lines = tuple(map(stably, lines))
    taken = RESERVED | set(helpers) | {line.name for line in lines}
    return with_helpers([write(line, name, taken, statement.given) for line in lines], helpers)


# -- what it needs ---------------------------------------------------------------------------------


def is_quantity(definition: Definition) -> bool:
    """Say whether a definition is an array (or a number) that can be computed once."""
    return all(isinstance(p, Index) for p in definition.parameters)


def is_function(definition: Definition) -> bool:
    """Say whether a definition is a function of scalars that needs no sum and no index."""
    return all(isinstance(p, Entry) for p in definition.parameters) and not any(
        isinstance(part, (Sum, Product)) or terms.free_indices(part)
        for part in walk(definition.body)
    )


def parameter_arrays(definition: Definition) -> tuple[Array, ...]:
    """Return the scalar variables that a definition has as parameters."""
    return tuple(p.array for p in definition.parameters if isinstance(p, Entry))


def parts(root: Term) -> Parts:
    """Return what a term is built from: first what its named quantities need."""
    quantities: dict[Definition, None] = {}
    functions: dict[Definition, None] = {}
    found: list[tuple[Term, frozenset[Array]]] = []

    def visit(node: Term, own: frozenset[Array]) -> None:
        """Visit what the names below a term need, then note the term."""
        for part in walk(node):
            if isinstance(part, Use) and not define(part.definition):
                visit(terms.instantiate(part), own)
        found.append((node, own))

    def define(definition: Definition) -> bool:
        if stable.is_stable(definition) or definition in quantities or definition in functions:
            return True
        own = frozenset(parameter_arrays(definition))
        if is_quantity(definition):
            visit(definition.body, own)
            quantities[definition] = None
        elif is_function(definition):
            visit(definition.body, own)
            functions[definition] = None
        else:
            return False
        return True

    sizes: dict[Dimension, None] = {}

    visit(root, frozenset())
    arrays: dict[Array, None] = {}
    callbacks: dict[Function, None] = {}
    known: dict[Function, None] = {}
    for node, own in found:
        for part in walk(node):
            match part:
                case Entry(array, _) if array not in own:
                    arrays[array] = None
                case Apply(function, (_, *_)) if function.slopes is None and not function.kink:
                    callbacks[function] = None
                case Apply(function, (_, *_)):
                    known[function] = None
                case Size(dimension):
                    sizes[dimension] = None
                case Sum(index, _) | Product(index, _):
                    sizes[index.dimension] = None
                case Use():
                    sizes |= {index.dimension: None for index in terms.binds(part)}
                case terms.Delta(left, _):
                    sizes[left.dimension] = None
    return Parts(
        tuple(quantities), tuple(functions), tuple(arrays), tuple(callbacks), tuple(sizes),
        tuple(known),
    )  # fmt: skip


def line_arguments(computed: Line) -> tuple[Argument, ...]:
    """Return what the code of a line takes: arrays, functions, sizes that no array shows.

    Arrays come in the order in which the named quantities, and then the line itself, need them;
    labels after other arrays, numbers after both, and what belongs to the layer above (with a prime)
    last.
    """
    found = parts(computed.term)
    shown = {d for array in found.arrays for d in array.dimensions}
    needed = dict.fromkeys((*found.sizes, *(index.dimension for index in computed.at)))
    arrays = sorted(found.arrays, key=rank)
    return (*arrays, *found.callbacks, *(d for d in needed if d not in shown))


def rank(array: Array) -> tuple[bool, bool, bool]:
    """Return what sorts arguments: data, labels, numbers; then the layer above."""
    label = array.domain == "label" or bool(array.written)  # an indicator has a form of its own
    return array.name[-1] == "'", not array.dimensions, label


def used_once(root: Term, found: Parts) -> frozenset[Definition]:
    """Return the functions that read best written out: used in one place, no argument repeated."""
    uses: dict[Definition, list[bool]] = {}

    def plain(argument: Index | Term | terms.Each) -> bool:
        """Say whether an argument is a name, which may be repeated."""
        return isinstance(argument, Entry) or (
            isinstance(argument, Use) and is_quantity(argument.definition)
        )

    def count(node: Term) -> None:
        for part in walk(node):
            if isinstance(part, Use) and part.definition in found.functions:
                uses.setdefault(part.definition, []).append(all(map(plain, part.arguments)))
            elif isinstance(part, Use) and not (
                part.definition in found.quantities or stable.is_stable(part.definition)
            ):
                count(terms.instantiate(part))

    for definition in (*found.quantities, *found.functions):
        count(definition.body)
    count(root)
    return frozenset(
        function
        for function, names in uses.items()
        if len(names) == 1 and (names[0] or not repeats_a_parameter(function))
    )


def repeats_a_parameter(function: Definition) -> bool:
    """Say whether the body of a function shows a parameter more than once."""
    shown = [part for part in walk(function.body) if part in function.parameters]
    return len(shown) > len(set(shown))


# -- names -----------------------------------------------------------------------------------------


def identifier(name: str) -> str:
    """Return a name as an identifier."""
    for old, new in PRIMES.items():
        name = name.replace(old, new) if old == "'" or name == old else name
    name = "".join(c if f"a{c}".isidentifier() else "_" for c in name)
    return name if name.isidentifier() else f"_{name}"


def unused(name: str, taken: Sequence[str] | frozenset[str] | set[str]) -> str:
    """Return the name, or the name with the first number that makes it new."""
    if name not in taken:
        return name
    number = 2
    while f"{name}{number}" in taken:
        number += 1
    return f"{name}{number}"


def named(things: Sequence[object], taken: frozenset[str] = RESERVED) -> dict[object, str]:
    """Give each thing an identifier of its own."""
    given: dict[object, str] = {}
    used = set(taken)
    for thing in things:
        if thing not in given:
            given[thing] = unused(plain_name(thing), used)
            used.add(given[thing])
    return given


def plain_name(thing: object) -> str:
    """Return the identifier that a thing would like to have."""
    match thing:
        case Function(name=name, order=order):
            return identifier(name) + {0: "", 1: "_prime", 2: "_second"}.get(order, f"_{order}")
        case Index(name):
            letter = name.rstrip("'")
            return identifier(letter) + (str(len(name) - len(letter)) if name != letter else "")
        case Array(name) | Dimension(name) | Definition(name):
            return identifier(name)
    raise TypeError(f"no name for {type(thing).__name__}")


def dimensions_of(computed: Line, found: Parts) -> tuple[Dimension, ...]:
    """Return every dimension that a line has to do with."""
    shown = (d for array in found.arrays for d in array.dimensions)
    every = dict.fromkeys((*found.sizes, *(i.dimension for i in computed.at), *shown))
    return tuple(sorted(every, key=lambda dimension: dimension.rank))


def place_of_size(dimension: Dimension, arrays: Sequence[Array]) -> tuple[Array, int] | None:
    """Return an array and the axis that shows a size, the first axis where there is a choice."""
    places = [
        (axis, number, array)
        for number, array in enumerate(arrays)
        for axis, d in enumerate(array.dimensions)
        if d == dimension
    ]
    if not places:
        return None
    axis, _, array = min(places, key=lambda place: place[:2])
    return array, axis


def mentions(source: str, name: str) -> bool:
    """Say whether a name stands in a source as a word of its own."""
    return name in "".join(c if c.isalnum() or c == "_" else " " for c in source).split()


DOMAINS = {
    "label": ", 0 or 1", "positive": ", positive", "nonnegative": ", not negative",
    "unit": ", between 0 and 1",
}  # fmt: skip


def said(
    name: str,
    computed: Line,
    given: Sequence[Argument],
    names: Mapping[object, str],
    assumed: Sequence[Hypothesis],
) -> tuple[list[str], list[str]]:
    """Return what the code computes, and of what: shapes, and what is assumed of the arguments."""
    arguments = "; ".join(described(argument, names[argument]) for argument in given)
    conditions = [
        condition for hypothesis in assumed for condition in conditions_on(given, hypothesis)
    ]
    where = f", where {' and '.join(conditions)}" if conditions else ""
    return (
        textwrap.wrap(f"{name}: {printing.text(computed.term)}", WIDTH),
        textwrap.wrap(f"{arguments}{where}." if arguments else "", WIDTH),
    )


def described(argument: Argument, name: str) -> str:
    """Return the name of an argument with what it is."""
    match argument:
        case Array(_, dimensions, domain=domain):
            size = " x ".join(d.name for d in dimensions) or "a number"
            return f"{name}: {size}{DOMAINS.get(domain, '')}"
        case Dimension(meaning=meaning):
            return f"{name}: number of {meaning}"
        case Function(name=of, order=order) if order:
            return f"{name}: derivative {order} of {of}"
    return f"{name}: a function"


def conditions_on(given: Sequence[Argument], hypothesis: Hypothesis) -> list[str]:
    """Return the formulas of a hypothesis that is about arguments alone."""
    terms_ = [node for pair in hypothesis.replace for node in pair]
    terms_ += [quantity for quantity, _ in hypothesis.signs]
    arrays = {part.array for node in terms_ for part in walk(node) if isinstance(part, Entry)}
    return used(hypothesis, printing.TEXT) if arrays and arrays <= set(given) else []


def broken(head: str, text: str, tail: str = "", indent: str = "    ") -> list[str]:
    """Return an assignment or a return on one line, or broken at its outermost signs."""
    whole = f"{head}{text}{tail}"
    pieces = outermost(text, (" + ", " - ")) or outermost(text, (" * ",))
    if len(whole) <= WIDTH or not pieces:
        return [whole]
    return [f"{head}(", *(f"{indent}{piece}" for piece in pieces), f"){tail}"]


def outermost(text: str, signs: tuple[str, ...]) -> list[str]:
    """Return the parts of a text, each but the first with a sign before it; none without a sign."""
    cuts, depth = [], 0
    for place, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if depth == 0 and text[place : place + 3] in signs:
            cuts.append(place)
    if not cuts:
        return []
    return [text[a:b].strip() for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


# -- text ------------------------------------------------------------------------------------------

SUM, MATMUL, PRODUCT, UNARY, POWER, ATOM = range(6)


@dataclass(frozen=True)
class Code:
    """The text of an expression, and how tightly its outermost operator binds."""

    text: str
    level: int = ATOM

    def within(self, level: int) -> str:
        """Return the text, in parentheses where it binds less tightly than asked for."""
        return self.text if self.level >= level else f"({self.text})"


def add(summands: Sequence[tuple[bool, Code]]) -> Code:
    """Return the sum of expressions, each with whether it is subtracted."""
    text = ""
    for negative, code in summands:
        if text:
            text += " - " if negative else " + "
            text += code.within(MATMUL if not code.text.startswith("-") else ATOM)
        else:
            text = negate(code).text if negative else code.text
    if len(summands) == 1:
        return negate(summands[0][1]) if summands[0][0] else summands[0][1]
    return Code(text, SUM)


def multiply(factors: Sequence[Code]) -> Code:
    """Return the product of expressions; a factor 1 is left out."""
    factors = [f for f in factors if f.text != "1"] or [Code("1")]
    if len(factors) == 1:
        return factors[0]
    first, *rest = factors
    return Code(" * ".join([first.within(PRODUCT), *(f.within(POWER) for f in rest)]), PRODUCT)


def divide(numerator: Code, denominator: Code) -> Code:
    """Return a quotient."""
    return Code(f"{numerator.within(PRODUCT)} / {denominator.within(POWER)}", PRODUCT)


def power(base: Code, exponent: Code) -> Code:
    """Return a power."""
    return Code(f"{base.within(ATOM)} ** {exponent.within(UNARY)}", POWER)


def negate(code: Code) -> Code:
    """Return the negative of an expression."""
    if code.level == UNARY and code.text.startswith("-"):
        return Code(code.text[1:])
    if code.level == PRODUCT and not code.text.startswith("-") and "**" not in code.text:
        return Code(f"-{code.text}", PRODUCT)
    return Code(f"-{code.within(ATOM)}", UNARY)  # JavaScript has no -a ** b


Arithmetic = terms.Neg | terms.Add | terms.Mul | terms.Div | terms.Pow


def operands(node: Arithmetic) -> tuple[Term, ...]:
    """Return what arithmetic is done with; a summand that is taken away without its sign."""
    match node:
        case terms.Neg(inner):
            return (inner,)
        case terms.Add(summands):
            return tuple(s.term if isinstance(s, terms.Neg) else s for s in summands)
        case terms.Mul(factors):
            return factors
        case terms.Div(numerator, denominator):
            return numerator, denominator
    return node.base, node.exponent


def arithmetic(node: Arithmetic, codes: Sequence[Code]) -> Code:
    """Return the code of arithmetic from that of its operands."""
    match node:
        case terms.Neg():
            return negate(*codes)
        case terms.Add(summands):
            signs = [isinstance(s, terms.Neg) for s in summands]
            return add(list(zip(signs, codes, strict=True)))
        case terms.Mul():
            return multiply(codes)
        case terms.Div():
            return divide(*codes)
    return power(*codes)


def more_than_one(node: Term) -> Term | None:
    """Return u of log(1 + u), for which languages have a function of its own."""
    match node:
        case Apply(terms.log, (terms.Add((Number(value), *rest)),)) if value == 1:
            return rest[0] if len(rest) == 1 else terms.Add(tuple(rest))
    return None


def number(value: Number) -> Code:
    """Return an exact number."""
    top, bottom = value.value.numerator, value.value.denominator
    whole = Code(str(top)) if top >= 0 else Code(str(top), UNARY)
    return whole if bottom == 1 else divide(whole, Code(str(bottom)))
