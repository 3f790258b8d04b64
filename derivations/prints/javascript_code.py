"""A statement as JavaScript functions: plain loops over arrays of arrays, nothing to install.

Each named quantity is an array that is computed once. A sum is a loop, placed as far out as its
free indices allow and shared by all that need it there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from derivations.language import terms
from derivations.language.statement import Hypothesis, Statement
from derivations.language.terms import Array, Definition, Entry, Index, Term, Use, walk
from derivations.prints import codegen, stable
from derivations.prints.codegen import ATOM, Argument, Code

FUNCTIONS = {
    terms.exp: "Math.exp", terms.log: "Math.log", terms.absolute: "Math.abs",
    terms.minimum: "Math.min", terms.maximum: "Math.max", terms.sine: "Math.sin",
    terms.cosine: "Math.cos",
}  # fmt: skip


HELPERS = {
    "sigmoid": """\
function sigmoid(t) {
  const e = Math.exp(-Math.abs(t));
  return (t >= 0 ? 1 : e) / (1 + e);
}""",
    "softplus": """\
function softplus(t) {
  return Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)));
}""",
    "softmax": """\
function softmax(z) {
  const largest = z.reduce((a, b) => Math.max(a, b));
  const e = z.map((value) => Math.exp(value - largest));
  const sum = e.reduce((a, b) => a + b);
  return e.map((value) => value / sum);
}""",
    "complement": """\
/** 1 - p for probabilities: for the one above 1/2, if any, the sum of the others. */
function complement(p) {
  const others = p.reduce((sum, value) => (value > 0.5 ? sum : sum + value), 0);
  return p.map((value) => (value > 0.5 ? others : 1 - value));
}""",
    "shifted": """\
/** The largest of z, and the sum of exp(z - largest) without one that is 1. */
function shifted(z) {
  const largest = z.reduce((a, b) => Math.max(a, b));
  const where = z.indexOf(largest);
  const others = z.reduce((sum, value, a) => (a === where ? sum : sum + Math.exp(value - largest)), 0);
  return { largest, others };
}""",
    "logsumexp": """\
function logsumexp(z) {
  const { largest, others } = shifted(z);
  return largest + Math.log1p(others);
}""",
    "log_softmax": """\
function log_softmax(z) {
  const { largest, others } = shifted(z);
  return z.map((value) => value - largest - Math.log1p(others));
}""",
    "deviation": """\
/** r minus its mean with the probabilities p, counted from r of the largest. */
function deviation(p, r) {
  const where = p.indexOf(p.reduce((a, b) => Math.max(a, b)));
  const apart = r.map((value) => value - r[where]);
  const mean = p.reduce((sum, value, a) => sum + value * apart[a], 0);
  return apart.map((value) => value - mean);
}""",
}
BUILT_IN = {"tanh": "Math.tanh", "expm1": "Math.expm1", "log_weight": "Math.log"}


@dataclass
class Block:
    """The statements inside one loop, and the names of the sums that they have computed."""

    index: Index | None = None
    lines: list[str] = field(default_factory=list)
    sums: dict[object, str] = field(default_factory=dict)


Names = Mapping[object, str]


def javascript_code(statement: Statement, name: str, *, as_written: bool = False) -> str | None:
    """Return JavaScript functions that compute what a statement says.

    Parameters
    ----------
    statement
        The statement.
    name
        Its id.
    as_written
        Whether to print the lines as they were derived, not in the form that is computed safely.

    Returns
    -------
    str or None
        The source of an ES module that exports one function for each result, which are called as in
        ``codegen.results`` and take ``codegen.line_arguments``; None where no line can be computed.
    """
    known = codegen.known_functions(codegen.results(statement, name))
    if not FUNCTIONS.keys() >= {*known}:
        return None
    sources = codegen.functions(statement, name, as_written, HELPERS, line_code)
    return "\n\n".join(sources) + "\n" if sources else None


def line_code(
    computed: codegen.Line,
    name: str,
    taken: frozenset[str] = codegen.RESERVED,
    assumed: Sequence[Hypothesis] = (),
) -> str:
    """Return the function that computes a line."""
    found = codegen.parts(computed.term)
    given = codegen.line_arguments(computed)
    dimensions = codegen.dimensions_of(computed, found)
    scalars = [array for f in found.functions for array in codegen.parameter_arrays(f)]
    indices = all_indices(computed, found)
    things = (*dimensions, *given, *found.quantities, *found.functions, *scalars, *indices)
    names = codegen.named(things, taken)
    top = Block()
    top.lines += size_lines(given, dimensions, names)
    for function in found.functions:
        parameters = ", ".join(names[a] for a in codegen.parameter_arrays(function))
        body = expression(function.body, [top], names).text
        top.lines.append(f"const {names[function]} = ({parameters}) => {body};")
    for quantity in found.quantities:
        axes = tuple(p for p in quantity.parameters if isinstance(p, Index))
        fill(names[quantity], quantity.body, axes, top, names)
    last = computed.term
    if isinstance(last, Use) and last.arguments == computed.at and last.definition in names:
        top.lines.append(f"return {names[last.definition]};")
    elif computed.at:
        result = codegen.unused("result", set(names.values()))
        fill(result, last, computed.at, top, names)
        top.lines.append(f"return {result};")
    else:
        top.lines += codegen.broken("return ", expression(last, [top], names).text, ";", "  ")
    arguments = ", ".join(names[argument] for argument in given)
    formula, arguments_said = codegen.said(name, computed, given, names, assumed)
    comment = "/** " + "\n *  ".join([*formula, *arguments_said]) + " */"
    inside = [f"  {line}" for line in top.lines]
    head = f"export function {computed.name}({arguments}) {{"
    return "\n".join([comment, head, *inside, "}"])


def all_indices(computed: codegen.Line, found: codegen.Parts) -> list[Index]:
    """Return every index that the code can loop over, in a fixed order."""
    nodes = [terms.unfold(computed.term), computed.term, *(q.body for q in found.quantities)]
    seen = {index for node in nodes for part in walk(node) for index in terms.all_indices(part)}
    seen |= {p for q in found.quantities for p in q.parameters if isinstance(p, Index)}
    seen |= set(computed.at)
    return sorted(seen, key=lambda index: (index.dimension.rank, index.dimension.name, index.name))


def size_lines(
    given: Sequence[Argument], dimensions: Sequence[terms.Dimension], names: Names
) -> list[str]:
    """Return the lines that read the sizes off the arguments."""
    arrays = [argument for argument in given if isinstance(argument, Array)]
    lines = []
    for dimension in dimensions:
        place = codegen.place_of_size(dimension, arrays)
        if place is not None:
            first = "[0]" * place[1]
            lines.append(f"const {names[dimension]} = {names[place[0]]}{first}.length;")
    return lines


def fill(name: str, body: Term, axes: Sequence[Index], top: Block, names: Names) -> None:
    """Add the lines that compute an array, or a number where there are no axes."""
    if not axes:
        top.lines += codegen.broken(
            f"const {name} = ", expression(body, [top], names).text, ";", "  "
        )
        return
    blocks = [top, *(Block(index) for index in axes)]
    value = expression(body, blocks, names).text
    place = name
    top.lines.append(f"const {name} = [];")
    inside: list[str] = []
    for depth, index in enumerate(axes, 1):
        place += f"[{names[index]}]"
        if depth < len(axes):
            blocks[depth].lines.insert(0, f"{place} = [];")
    blocks[-1].lines += codegen.broken(f"{place} = ", value, ";", "  ")
    for block in reversed(blocks[1:]):
        inside = loop(block.index, [*block.lines, *inside], names)
    top.lines += inside


def loop(index: Index | None, lines: Sequence[str], names: Names) -> list[str]:
    """Return a loop over an index."""
    assert index is not None
    i, size = names[index], names[index.dimension]
    head = f"for (let {i} = 0; {i} < {size}; {i}++) {{"
    return [head, *(f"  {line}" for line in lines), "}"]


def expression(node: Term, blocks: Sequence[Block], names: Names) -> Code:
    """Return the code of a term at a point; what it needs is added to the blocks around it."""

    def at(part: Term) -> Code:
        return expression(part, blocks, names)

    def call(function: str, arguments: Sequence[Term]) -> Code:
        return Code(f"{function}({', '.join(at(a).text for a in arguments)})")

    match node:
        case terms.Number():
            return codegen.number(node)
        case terms.Size(dimension):
            return Code(names[dimension])
        case Entry(array, indices):
            return place(names[array], indices, names)
        case Use(definition, arguments):
            return use(definition, arguments, node, blocks, names)
        case terms.Neg() | terms.Add() | terms.Mul() | terms.Div() | terms.Pow():
            return codegen.arithmetic(node, [*map(at, codegen.operands(node))])
        case terms.Apply() if (inner := codegen.more_than_one(node)) is not None:
            return call("Math.log1p", [inner])
        case terms.Apply(terms.pi, ()):
            return Code("Math.PI")
        case terms.Apply(function, arguments):
            return call(FUNCTIONS.get(function) or names[function], arguments)
        case terms.Delta(left, right):
            return Code(f"({names[left]} === {names[right]} ? 1 : 0)", ATOM)
        case terms.Written() | terms.Expectation():
            return at(node.meaning)
        case terms.Sum() | terms.Product():
            return accumulated(node, blocks, names)
    raise TypeError(f"no JavaScript for {type(node).__name__}")


def place(name: str, indices: Sequence[Index], names: Names) -> Code:
    """Return an entry of an array of arrays."""
    return Code(name + "".join(f"[{names[index]}]" for index in indices))


def use(
    definition: Definition,
    arguments: Sequence[Index | Term | terms.Each],
    node: Use,
    blocks: Sequence[Block],
    names: Names,
) -> Code:
    """Return a named quantity by its array, a named function by a call or written out."""
    if stable.is_vector(definition):
        return vector(definition.name, arguments, blocks, names)
    if stable.is_stable(definition):
        inner = [expression(a, blocks, names).text for a in arguments if isinstance(a, Term)]
        called = BUILT_IN.get(definition.name, definition.name)
        return Code(f"{called}({', '.join(inner)})")
    if definition not in names:
        return expression(terms.instantiate(node), blocks, names)
    if codegen.is_quantity(definition):
        indices = [a for a in arguments if isinstance(a, Index)]
        return place(names[definition], indices, names)
    given = [expression(a, blocks, names).text for a in arguments if isinstance(a, Term)]
    return Code(f"{names[definition]}({', '.join(given)})")


def vector(
    function: str,
    arguments: Sequence[Index | Term | terms.Each],
    blocks: Sequence[Block],
    names: Names,
) -> Code:
    """Return a function of arrays: called once, in the outermost block that can hold it."""
    given = [a for a in arguments if isinstance(a, terms.Each)]
    places = [a for a in arguments if isinstance(a, Index)]
    free = frozenset().union(*(terms.free_indices(e.body) - set(e.indices) for e in given))
    depth = max((d for d, block in enumerate(blocks) if block.index in free), default=0)
    block = blocks[depth]
    known = (function, *given)
    if known not in block.sums:
        values = []
        for array in given:
            row = expression(array.body, blocks, names).text if is_row(array) else ""
            if row:
                values.append(row.removesuffix(f"[{names[array.indices[0]]}]"))
                continue
            name = free_name("values", blocks, names)
            inner = Block(array.indices[0])
            value = expression(array.body, [*blocks[: depth + 1], inner], names).text
            inner.lines += codegen.broken(f"{name}[{names[array.indices[0]]}] = ", value, ";", "  ")
            block.lines.append(f"const {name} = [];")
            block.lines += loop(array.indices[0], inner.lines, names)
            block.sums[array] = name
            values.append(name)
        name = block.sums[known] = free_name("along", blocks, names)
        block.lines.append(f"const {name} = {function}({', '.join(values)});")
    return place(block.sums[known], places, names)


def is_row(array: terms.Each) -> bool:
    """Say whether an array is a row of one that there is."""
    match array.body:
        case Entry(_, indices):
            return indices.index(array.indices[0]) == len(indices) - 1
        case Use(definition, arguments) if codegen.is_quantity(definition):
            return arguments.index(array.indices[0]) == len(arguments) - 1
    return False


def free_name(wanted: str, blocks: Sequence[Block], names: Names) -> str:
    """Return the name of a local that is not taken yet."""
    taken = {*codegen.RESERVED, *names.values(), *(n for b in blocks for n in b.sums.values())}
    return codegen.unused(wanted, taken)


def accumulated(node: terms.Sum | terms.Product, blocks: Sequence[Block], names: Names) -> Code:
    """Return a sum or a product: the variable of a loop in the outermost block that can hold it."""
    free = terms.free_indices(node)
    depth = max((d for d, block in enumerate(blocks) if block.index in free), default=0)
    block = blocks[depth]
    if node not in block.sums:
        summing = isinstance(node, terms.Sum)
        name = block.sums[node] = free_name("sum" if summing else "product", blocks, names)
        inner = Block(node.index)
        value = expression(node.body, [*blocks[: depth + 1], inner], names)
        inner.lines += codegen.broken(f"{name} {'+=' if summing else '*='} ", value.text, ";", "  ")
        block.lines.append(f"let {name} = {0 if summing else 1};")
        block.lines += loop(node.index, inner.lines, names)
    return Code(block.sums[node])
