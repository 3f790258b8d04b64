"""A statement as SymPy: the expressions themselves, and the source that builds them.

Sizes stay symbols and indices run from 1. SymPy captures a free index when it is replaced by one
that a sum binds, so every sum gets an index that stands nowhere else: not free, not around it and
not in another named quantity. Named quantities are functions of their indices in the source and
written out in the expression, since the derivative of an opaque name would be zero. To put in a
number for an index, use ``xreplace``: ``subs`` misses it in a sum of derivatives.
"""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy

from derivations.language import terms
from derivations.language.statement import Statement
from derivations.language.terms import (
    Array,
    Definition,
    Dimension,
    Entry,
    Index,
    Number,
    Term,
    Use,
    walk,
)
from derivations.prints import codegen
from derivations.prints.codegen import ATOM, POWER, PRODUCT, UNARY, Code

RELATIONS = {"=": "Eq", "<": "Lt", "<=": "Le", ">": "Gt", ">=": "Ge"}
FUNCTIONS = {
    terms.exp: "exp", terms.log: "log", terms.absolute: "Abs", terms.minimum: "Min",
    terms.maximum: "Max", terms.erf: "erf", terms.sine: "sin", terms.cosine: "cos",
    terms.pi: "pi",
}  # fmt: skip
ASSUMED = {"positive": "positive", "unit": "positive", "nonnegative": "nonnegative"}
PLACE = "xi"  # where the derivative of an unknown function is taken
IMPORTED = (
    *("Derivative", "Function", "IndexedBase", "Integer", "KroneckerDelta", "Limit", "Product"),
    *("Rational", "Subs", "Sum", "Symbol", "oo", "symbols"),
    *RELATIONS.values(),
    *FUNCTIONS.values(),
)
RESERVED = codegen.RESERVED | {*IMPORTED, PLACE}
Bound = Mapping[Index | Entry | Array, sympy.Expr]


@dataclass(frozen=True)
class Prepared:
    """Terms whose bound indices are apart, with the bodies of their definitions, in order."""

    terms: tuple[Term, ...]
    bodies: dict[Definition, Term]
    names: dict[object, str]


def sympy_code(statement: Statement) -> str:
    """Return SymPy source that builds ``equations``, the equations of a statement.

    Parameters
    ----------
    statement
        The statement.

    Returns
    -------
    str
        The source of a module that imports SymPy alone.
    """
    sides = equation_terms(statement)
    prepared = prepare([term for left, _, right in sides for term in (left, right)])
    shown = iter(prepared.terms)
    body = ["equations = ["]
    for _, relation, _ in sides:
        left, right = (side(next(shown), prepared) for _ in range(2))
        body += [f"    {RELATIONS[relation]}(", f"        {left},", f"        {right},"]
        body += ["        evaluate=False,", "    ),"]
    source = "\n".join([*declarations(prepared), *functions(prepared), *body, "]\n"])
    used = sorted(name for name in IMPORTED if codegen.mentions(source, name))
    return f"from sympy import {', '.join(used)}\n\n{source}"


def equations(statement: Statement) -> list[sympy.Basic]:
    """Return the equations of a statement as SymPy relations, unevaluated."""
    sides = equation_terms(statement)
    prepared = prepare([term for left, _, right in sides for term in (left, right)])
    built = iter([build(node, prepared, {}) for node in prepared.terms])
    return [
        getattr(sympy, RELATIONS[relation])(next(built), next(built), evaluate=False)
        for _, relation, _ in sides
    ]


def to_sympy(node: Term) -> sympy.Expr:
    """Return a term as a SymPy expression for all sizes.

    An array is an ``IndexedBase``, a scalar a ``Symbol``, a size a positive integer ``Symbol``; all
    numbers are real. Derivatives and limits are not evaluated.
    """
    prepared = prepare([node])
    return build(prepared.terms[0], prepared, {})


def equation_terms(statement: Statement) -> list[tuple[Term, str, Term]]:
    """Return left side, relation and right side of every definition and chain."""
    found: list[tuple[Term, str, Term]] = []
    for definition in statement.defines:
        found.append((symbol_of(definition), "=", definition.body))
    for chain in statement.chains:
        found.append((chain.left, chain.relation, chain.last))
    return found


def symbol_of(definition: Definition) -> Term:
    """Return a name that is being defined, as an array or a function that is not known yet."""
    indices = tuple(p for p in definition.parameters if isinstance(p, Index))
    scalars = tuple(p for p in definition.parameters if isinstance(p, Entry))
    if scalars and not indices and len(scalars) == 1:
        return terms.unknown(definition.name)(scalars[0])
    return Array(definition.name, tuple(i.dimension for i in indices))[indices]


# -- names -----------------------------------------------------------------------------------------


def prepare(nodes: Sequence[Term]) -> Prepared:
    """Rename bound indices until none stands in two places, and name everything."""
    free = frozenset().union(*map(terms.free_indices, nodes))
    apart = tuple(terms.rename_bound(of_numbers(node), free) for node in nodes)
    taken = free.union(*map(terms.bound_indices, apart))
    bodies: dict[Definition, Term] = {}
    order: dict[Definition, None] = {}
    for node in apart:
        collect(node, order)
    for definition in order:
        own = frozenset(p for p in definition.parameters if isinstance(p, Index))
        bodies[definition] = terms.rename_bound(of_numbers(definition.body), taken | own)
        taken |= terms.bound_indices(bodies[definition])
    things: dict[object, None] = {}
    parameters = {p for definition in bodies for p in definition.parameters}
    for node in (*bodies.values(), *apart):
        for part in walk(node):
            things |= dict.fromkeys(named_parts(part))
    ranked: list[object] = []
    for kind in (Dimension, Array, terms.Function):
        ranked += [thing for thing in things if isinstance(thing, kind)]
    indices = sorted(
        taken | {p for p in parameters if isinstance(p, Index)},
        key=lambda index: (index.dimension.rank, index.name),
    )
    return Prepared(apart, bodies, codegen.named((*ranked, *bodies, *indices), RESERVED))


def of_numbers(node: Term) -> Term:
    """Write out the functions of arrays: a function has numbers and indices as arguments."""
    if isinstance(node, Use) and any(isinstance(a, terms.Each) for a in node.arguments):
        return of_numbers(terms.instantiate(node))
    return terms.with_children(node, of_numbers)


def collect(node: Term, order: dict[Definition, None]) -> None:
    """Note the definitions that a term uses, those first that others need."""
    for part in walk(node):
        if isinstance(part, Use) and part.definition not in order:
            collect(of_numbers(part.definition.body), order)
            order[part.definition] = None


def named_parts(part: Term) -> list[object]:
    """Return what a node needs a name for, without what is below it."""
    match part:
        case Entry(array, _):
            return [*array.dimensions, array]
        case terms.D(_, Entry(array, _)) | terms.Limit(_, Entry(array, _), _):
            return [*array.dimensions, array]
        case terms.Sum(index, _) | terms.Product(index, _):
            return [index.dimension]
        case terms.Size(dimension):
            return [dimension]
        case terms.Apply(function, _) if function not in FUNCTIONS:
            return [base_of(function)]
    return []


def base_of(function: terms.Function) -> terms.Function:
    """Return the function of which one is a derivative."""
    return function.of or function


# -- expressions -----------------------------------------------------------------------------------


def index_symbol(name: str) -> sympy.Symbol:
    """Return the symbol of a size or an index."""
    return sympy.Symbol(name, integer=True, positive=True)


def build(node: Term, prepared: Prepared, bound: Bound) -> sympy.Expr:
    """Return a term as an expression; ``bound`` holds the arguments of a definition."""

    def at(part: Term) -> sympy.Expr:
        return build(part, prepared, bound)

    def of(index: Index) -> sympy.Expr:
        return bound[index] if index in bound else index_symbol(prepared.names[index])

    def limits(index: Index) -> tuple[sympy.Expr, int, sympy.Expr]:
        symbol = index_symbol(prepared.names[index])
        return symbol, 1, index_symbol(prepared.names[index.dimension])

    match node:
        case Number(value):
            return sympy.Rational(value.numerator, value.denominator)
        case terms.Size(dimension):
            return index_symbol(prepared.names[dimension])
        case Entry(array, indices):
            if node in bound:
                return bound[node]
            assumed = {ASSUMED.get(array.domain, "real"): True}
            if not indices:
                return sympy.Symbol(array.name, **assumed)
            return sympy.IndexedBase(array.name, **assumed)[tuple(map(of, indices))]
        case Use(definition, arguments):
            values = [
                of(a) if isinstance(a, Index) else at(a)
                for a in arguments
                if not isinstance(a, terms.Each)
            ]
            inner = dict(zip(definition.parameters, values, strict=True))
            return build(prepared.bodies[definition], prepared, inner)
        case terms.Neg(inner):
            return -at(inner)
        case terms.Add(summands):
            return functools.reduce(operator.add, map(at, summands))
        case terms.Mul(factors):
            return functools.reduce(operator.mul, map(at, factors))
        case terms.Div(numerator, denominator):
            return at(numerator) / at(denominator)
        case terms.Pow(base, exponent):
            return at(base) ** at(exponent)
        case terms.Apply(terms.pi, ()):
            return sympy.pi
        case terms.Apply(function, arguments) if function in FUNCTIONS:
            return getattr(sympy, FUNCTIONS[function])(*map(at, arguments))
        case terms.Apply(function, (argument,)):
            named = sympy.Function(function.name)
            if function.order == 0:
                return named(at(argument))
            x = sympy.Symbol(PLACE)
            return sympy.Subs(sympy.Derivative(named(x), (x, function.order)), x, at(argument))
        case terms.Delta(left, right):
            return sympy.KroneckerDelta(of(left), of(right))
        case terms.Sum(index, body):
            return sympy.Sum(at(body), limits(index))
        case terms.Product(index, body):
            return sympy.Product(at(body), limits(index))
        case terms.D(body, variable):
            return sympy.Derivative(at(body), at(variable))
        case terms.Limit(body, variable, infinity):
            return sympy.Limit(at(body), at(variable), infinity * sympy.oo)
        case terms.Written() | terms.Expectation():
            return at(node.meaning)
    raise TypeError(f"no SymPy expression for {type(node).__name__}")


# -- source ----------------------------------------------------------------------------------------


def declarations(prepared: Prepared) -> list[str]:
    """Return the lines that declare sizes, indices, arrays and functions."""
    names = prepared.names
    lines = []
    for kind in (Dimension, Index):
        found = [name for thing, name in names.items() if isinstance(thing, kind)]
        if found:
            lines.append(
                f'{", ".join(found)} = symbols("{", ".join(found)}", integer=True, positive=True)'
                if len(found) > 1
                else f'{found[0]} = Symbol("{found[0]}", integer=True, positive=True)'
            )
    shown = arrays_shown(prepared)
    for thing, name in names.items():
        match thing:
            case Array(of, dimensions, domain=domain) if thing in shown:
                kind_name = "IndexedBase" if dimensions else "Symbol"
                assumed = ASSUMED.get(domain, "real")
                lines.append(f"{name} = {kind_name}({quoted(of)}, {assumed}=True)")
            case terms.Function(name=of):
                lines.append(f"{name} = Function({quoted(of)})")
    nodes = [*prepared.terms, *prepared.bodies.values()]
    if any(
        isinstance(part, terms.Apply) and part.function.order
        for node in nodes
        for part in walk(node)
    ):
        lines.append(f'{PLACE} = Symbol("{PLACE}")')
    return [*lines, ""]


def quoted(name: str) -> str:
    """Return a name as a string of Python, whatever it is made of."""
    return json.dumps(name, ensure_ascii=False)


def arrays_shown(prepared: Prepared) -> set[Array]:
    """Return the arrays that are more than a parameter of a function."""
    found = {array for node in prepared.terms for array in arrays_of(node)}
    for definition, body in prepared.bodies.items():
        own = {p.array for p in definition.parameters if isinstance(p, Entry)}
        found |= arrays_of(body) - own
    return found


def arrays_of(node: Term) -> set[Array]:
    """Return the arrays in a term, its definitions left closed."""
    return {thing for part in walk(node) for thing in named_parts(part) if isinstance(thing, Array)}


def functions(prepared: Prepared) -> list[str]:
    """Return the named quantities as functions of their indices and arguments."""
    lines = []
    for definition, body in prepared.bodies.items():
        arguments = ", ".join(
            prepared.names[p.array if isinstance(p, Entry) else p] for p in definition.parameters
        )
        lines += ["", f"def {prepared.names[definition]}({arguments}):"]
        lines += [f"    return {source(body, prepared).text}", ""]
    return [*lines, ""] if lines else []


def constant(node: Term) -> bool:
    """Say whether a term is made of numbers alone, which Python would round."""
    return all(
        isinstance(part, (Number, terms.Add, terms.Mul, terms.Neg, terms.Div))
        or (isinstance(part, terms.Pow) and is_whole(part.exponent))
        for part in walk(node)
    )


def is_whole(node: Term) -> bool:
    """Say whether a term is a whole number."""
    return isinstance(node, Number) and node.value.denominator == 1


def side(node: Term, prepared: Prepared) -> str:
    """Return the source of a term that stands alone: a side of an equation, an argument."""
    return exact(node).text if constant(node) else source(node, prepared).text


def exact(node: Term) -> Code:
    """Return arithmetic on numbers in exact form."""
    value = build(node, Prepared((), {}, {}), {})
    if not value.is_Rational:
        raise ZeroDivisionError(f"expected a number, given {node!r}")
    return Code(sympy.srepr(value))


def source(node: Term, prepared: Prepared) -> Code:
    """Return the source of a term, nested exactly as the expression is built."""
    names = prepared.names

    def at(part: Term) -> Code:
        if constant(part) and not isinstance(part, Number):
            return exact(part)
        return source(part, prepared)

    def argument(part: Term) -> str:
        return side(part, prepared)

    def call(name: str, *arguments: str) -> Code:
        return Code(f"{name}({', '.join(arguments)})")

    def limits(index: Index) -> str:
        return f"({names[index]}, 1, {names[index.dimension]})"

    match node:
        case Number(value):
            return (
                Code(str(value), UNARY if value < 0 else ATOM)
                if value.denominator == 1
                else exact(node)
            )
        case terms.Size(dimension):
            return Code(names[dimension])
        case Entry(array, indices):
            inside = ", ".join(names[index] for index in indices)
            return Code(f"{names[array]}[{inside}]" if indices else names[array])
        case Use(definition, arguments):
            given = [
                names[a] if isinstance(a, Index) else argument(a)
                for a in arguments
                if not isinstance(a, terms.Each)
            ]
            return call(names[definition], *given)
        case terms.Neg(inner):
            return Code(f"-{at(inner).within(POWER)}", UNARY)
        case terms.Add(summands):
            first = at(summands[0])
            rest = [
                (True, at(s.term)) if isinstance(s, terms.Neg) else (False, at(s))
                for s in summands[1:]
            ]
            marked = [(neg, Code(code.within(PRODUCT))) for neg, code in rest]
            return codegen.add([(False, first), *marked])
        case terms.Mul() | terms.Div() | terms.Pow():
            return codegen.arithmetic(node, [*map(at, codegen.operands(node))])
        case terms.Apply(terms.pi, ()):
            return Code("pi")
        case terms.Apply(applied, arguments) if applied in FUNCTIONS:
            return call(FUNCTIONS[applied], *map(argument, arguments))
        case terms.Apply(applied, (inner,)):
            function = names[base_of(applied)]
            if applied.order == 0:
                return call(function, argument(inner))
            taken = f"Derivative({function}({PLACE}), ({PLACE}, {applied.order}))"
            return call("Subs", taken, PLACE, argument(inner))
        case terms.Delta(left, right):
            return call("KroneckerDelta", names[left], names[right])
        case terms.Sum(index, body):
            return call("Sum", argument(body), limits(index))
        case terms.Product(index, body):
            return call("Product", argument(body), limits(index))
        case terms.D(body, variable):
            return call("Derivative", argument(body), argument(variable))
        case terms.Limit(body, variable, infinity):
            return call(
                "Limit", argument(body), argument(variable), "oo" if infinity > 0 else "-oo"
            )
        case terms.Written() | terms.Expectation():
            return at(node.meaning)
    raise TypeError(f"no SymPy source for {type(node).__name__}")
