"""Random terms, true rewritings of them, and mutations that may or may not change their value."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction

from derivations.language import terms as t
from derivations.language.terms import D, Delta, Index, Term, exp, log, total
from derivations.notation import K, N, X, a, b, c, i, j, k, l, m, n, v, w, y

g = t.Array("g", (N,))
q = t.Array("q", (K,))
Q = t.Array("Q", (K, K))
V = t.Array("V", (K, n))
r = t.Array("r", (n,), domain="positive")
e = t.Array("e", (K,), domain="positive")
x, t1, t2 = t.scalar("x"), t.scalar("t"), t.scalar("u")
rho = t.scalar("rho", domain="positive")
PHI = t.unknown("phi")
ARRAYS = (X, y, w, v, g, q, Q, V)
POSITIVE = (r, e)
LETTERS = {N: (i, j), K: (a, b, c), n: (k, l, m)}
FREE = (i, a, b, k, l)

z = t.Definition("z", (i,), total(k, w[k] * X[i, k]))
soft = t.Definition("S", (a,), exp(q[a]) / total(b, exp(q[b])))
logistic = t.Definition("sig", (t1,), 1 / (1 + exp(-t1)))
two = t.Definition("two", (t1, t2), t1 * exp(t2 / 2) + x)
mixed = t.Definition("mixed", (a, t1), q[a] * t1 + total(b, Q[a, b]))

Scope = tuple[Index, ...]


class Writer:
    """Writes random terms from a seed."""

    def __init__(self, seed: object):
        self.source = random.Random(f"{seed}")

    def index(self, dimension: t.Dimension, scope: Scope) -> Index | None:
        known = [i for i in scope if i.dimension == dimension]
        return self.source.choice(known) if known else None

    def at(self, of: t.Array | t.Definition, scope: Scope) -> Term | None:
        """An entry, when the scope has an index for each of its dimensions."""
        found = tuple(self.index(d, scope) for d in of.dimensions)
        return None if None in found else of[found]  # type: ignore[index]

    def leaf(self, scope: Scope) -> Term:
        pick = self.source.random()
        if pick < 0.1:
            return t.term(Fraction(self.source.randint(-3, 3), self.source.choice((1, 1, 2, 3))))
        if pick < 0.2:
            return self.source.choice((x, rho, t1, t2))
        if pick < 0.3:
            dimension = self.source.choice((N, K, n))
            return Delta(*(self.index(dimension, (*scope, *FREE)) for _ in range(2)))  # type: ignore[arg-type]
        return self.at(self.source.choice((*ARRAYS, *POSITIVE)), (*scope, *FREE)) or x

    def bound(self, body: Callable[[Scope], Term], scope: Scope) -> t.Sum:
        """A sum whose index may have a letter that also stands free elsewhere."""
        dimension = self.source.choice((N, K, n))
        index = self.source.choice(LETTERS[dimension])
        inner = body((*scope, index))
        return total(index, t.rename_bound(inner, frozenset((index,))))

    def real(self, depth: int, scope: Scope = ()) -> Term:
        def less(scope: Scope = scope) -> Term:
            return self.real(depth - 1, scope)

        if depth == 0:
            return self.leaf(scope)
        match self.source.choices(range(11), (4, 4, 1, 4, 1, 1, 2, 1, 2, 2, 1))[0]:
            case 0:
                return t.Add((less(), less()))
            case 1:
                return t.Mul((less(), less()))
            case 2:
                return -less()
            case 3:
                return self.bound(less, scope)
            case 4:
                return less() / self.positive(depth - 1, scope)
            case 5:
                return exp(less())
            case 6:
                return log(self.positive(depth - 1, scope))
            case 7:
                return less() ** 2
            case 8:
                body = less()
                array = self.source.choice((*ARRAYS, *POSITIVE))
                variable = self.at(array, (*scope, *FREE)) or x
                return D(t.rename_bound(body, frozenset(variable.indices)), variable)  # type: ignore
            case 9:
                named = self.source.choice((z, soft, logistic, two, mixed))
                arguments = [
                    self.index(p.dimension, (*scope, *FREE)) if isinstance(p, Index) else less()
                    for p in named.parameters
                ]
                return t.Use(named, tuple(arguments))  # type: ignore[arg-type]
        return PHI(less())

    def positive(self, depth: int, scope: Scope = ()) -> Term:
        def less(scope: Scope = scope) -> Term:
            return self.positive(depth - 1, scope)

        if depth <= 0:
            return self.source.choice((rho, r[self.index(n, (*scope, *FREE))], t.term(2)))
        match self.source.randrange(9):
            case 0:
                return exp(self.real(depth - 1, scope))
            case 6:
                exponents = (
                    t.term(Fraction(1, 2)),
                    t.term(-2),
                    rho,
                    y[self.index(N, (*scope, *FREE))],
                )
                return less() ** self.source.choice(exponents)
            case 7:
                summed = self.bound(less, scope)
                return t.Product(summed.index, summed.body)
            case 1:
                return less() + less()
            case 2:
                return less() * less()
            case 3:
                return less() / less()
            case 4:
                return 1 + self.real(depth - 1, scope) ** 2
            case 5:
                return self.bound(less, scope)
        return 1 + less()


# -- what is done to one place of a term -----------------------------------------------------------


def places(node: Term, scope: Scope = ()) -> Iterator[tuple[Term, Scope]]:
    """Every part of a term and the indices that are bound around it."""
    yield node, scope
    if isinstance(node, (t.Sum, t.Product)):
        yield from places(node.body, (*scope, node.index))
        return
    if isinstance(node, t.Pow):  # an exponent stays the whole number that it is
        yield from places(node.base, scope)
        return
    for child in t.children(node):
        yield from places(child, scope)


def put(node: Term, number: int, new: Term) -> Term:
    """The term with its part of this number, in the order of ``places``, replaced."""
    counter = iter(range(10**9))

    def visit(part: Term) -> Term:
        if next(counter) == number:
            for _ in range(sum(1 for _ in places(part)) - 1):
                next(counter)
            return new
        match part:
            case t.Pow(base, exponent):
                return t.Pow(visit(base), exponent)
            case t.Sum(index, body) | t.Product(index, body):
                # Not ``with_children``, which keeps what is put in from being captured.
                return type(part)(index, t.rename_bound(visit(body), frozenset((index,))))
        return t.with_children(part, visit)

    return visit(node)


# -- rewritings that keep the value ----------------------------------------------------------------


def fresh(index: Index, *nodes: Term) -> Index:
    return index.dimension.fresh(frozenset((index,)).union(*map(t.all_indices, nodes)))


def rewritings(node: Term, scope: Scope, writer: Writer) -> Iterator[Term]:
    """Terms with the value of this one, each by one law."""
    free = sorted(t.free_indices(node), key=lambda i: i.name)
    other, positive = writer.real(1, scope), writer.positive(1, scope)
    yield node + other - other
    yield node * positive / positive
    yield log(exp(node))
    yield t.Mul((positive, node)) / positive
    if free:
        index = writer.source.choice(free)
        inner = fresh(index, node)
        yield total(inner, Delta(index, inner) * t.reindex(node, {index: inner}))
    match node:
        case t.Add(parts) | t.Mul(parts) if len(parts) > 1:
            order = list(parts)
            writer.source.shuffle(order)
            yield type(node)(tuple(order))
            yield type(node)((type(node)(parts[:-1]), parts[-1]))
    match node:
        case t.Mul((left, t.Add(parts))):
            yield t.Add(tuple(left * part for part in parts))
        case t.Mul((Delta(one, another), body)) if one.dimension == another.dimension:
            if one not in t.bound_indices(body) and another not in t.bound_indices(body):
                yield Delta(one, another) * t.reindex(body, {one: another})
        case t.Neg(inner):
            yield -1 * inner
        case t.Pow(base, t.Number(value)) if value == 2:
            yield base * base
        case t.Div(above, below):
            yield above * (1 / below)
            yield above * exp(-log(below))
        case t.Apply(t.exp, (t.Add(parts),)):
            yield t.Mul(tuple(exp(part) for part in parts))
        case t.Apply(t.log, (t.Mul(parts),)):
            yield t.Add(tuple(log(part) for part in parts))
        case t.Apply(t.log, (t.Div(above, below),)):
            yield log(above) - log(below)
        case t.Use():
            yield t.instantiate(node)
        case t.Product(index, body):
            inner = fresh(index, body)
            yield t.product(inner, t.reindex(body, {index: inner}))
            yield exp(total(index, log(body)))
        case t.Sum(index, body):
            inner = fresh(index, body)
            yield total(inner, t.reindex(body, {index: inner}))
            yield from of_sum(index, body)
        case D(body, variable):
            yield from of_derivative(body, variable)


def of_sum(index: Index, body: Term) -> Iterator[Term]:
    match body:
        case t.Add(parts):
            yield t.Add(tuple(total(index, part) for part in parts))
        case t.Mul(parts):
            outside = tuple(p for p in parts if index not in t.free_indices(p))
            inside = tuple(p for p in parts if index in t.free_indices(p))
            if outside:
                outside = tuple(t.rename_bound(p, frozenset((index,))) for p in outside)
                yield t.Mul((*outside, total(index, t.Mul(inside))))
        case t.Sum(other, inner):
            yield total(other, total(index, inner))


def of_derivative(body: Term, variable: t.Entry) -> Iterator[Term]:
    match body:
        case t.Add(parts):
            yield t.Add(tuple(D(part, variable) for part in parts))
        case t.Mul((left, right)):
            yield D(left, variable) * right + left * D(right, variable)
        case t.Apply(t.exp, (inner,)):
            yield body * D(inner, variable)
        case t.Apply(t.log, (inner,)):
            yield D(inner, variable) / inner
        case t.Apply(function, (inner,)):
            yield function.prime(inner) * D(inner, variable)
        case t.Sum(index, inner) if index not in variable.indices:
            yield total(index, D(inner, variable))
        case t.Use():
            opened = t.rename_bound(t.instantiate(body), frozenset(variable.indices))
            yield D(opened, variable)


def rewritten(node: Term, writer: Writer, times: int) -> Term:
    """A term with the value of this one, written in another way."""
    for _ in range(times):
        parts = list(places(node))
        number = writer.source.randrange(len(parts))
        part, scope = parts[number]
        node = put(node, number, writer.source.choice(list(rewritings(part, scope, writer))))
    return node


# -- mutations -------------------------------------------------------------------------------------

SLIGHTLY = t.Number(Fraction(10000001, 10000000))


def mutations(node: Term) -> Iterator[tuple[str, Term]]:
    """Every single mistake of this subject, at every place of a term."""
    arrays = {p.array for p in t.walk(t.unfold(node)) if isinstance(p, t.Entry)}
    known = sorted(arrays, key=lambda array: (array.name, len(array.dimensions)))
    everywhere = sorted(t.free_indices(node), key=lambda i: i.name)
    for number, (part, scope) in enumerate(places(node)):
        here = tuple(dict.fromkeys((*everywhere, *scope)))
        for name, new in mistakes(part, here, known):
            try:
                yield name, put(node, number, new)
            except (t.ShapeError, TypeError):
                continue  # it cannot even be written


def mistakes(node: Term, scope: Scope, arrays: list[t.Array]) -> Iterator[tuple[str, Term]]:
    """The mistakes at the top of a term."""
    for index in scope:
        for other in scope:
            if index != other and index.dimension == other.dimension:
                yield from wrong_index(node, index, other)
    match node:
        case t.Neg(inner):
            yield "a sign dropped", inner
        case t.Add((t.Number(value), t.Neg(inner))) if value == 1:
            yield "p for 1 - p", inner
    match node:
        case t.Add(parts):
            for place, part in enumerate(parts):
                rest = parts[:place] + parts[place + 1 :]
                yield "a term dropped", t.Add(rest)
                turned = part.term if isinstance(part, t.Neg) else -part
                yield "a sign turned", t.Add((*parts[:place], turned, *parts[place + 1 :]))
        case t.Mul(parts):
            for place in range(len(parts)):
                yield "a factor dropped", t.Mul(parts[:place] + parts[place + 1 :])
        case t.Div(above, _):
            yield "a denominator dropped", above
        case t.Pow(base, _):
            yield "a power dropped", base
        case t.Number(value):
            yield "a number off by one", t.Number(value + 1)
        case Delta():
            yield "a delta dropped", t.term(1)
        case t.Entry(array, indices):
            yield "a factor 1.0000001", SLIGHTLY * node
            for other in arrays:
                if other != array and other.dimensions == array.dimensions:
                    yield "another array", t.Entry(other, indices)
            if indices != indices[::-1] and array.dimensions == array.dimensions[::-1]:
                yield "a transposed entry", t.Entry(array, indices[::-1])
        case t.Use(definition, arguments):
            yield "a factor 1.0000001", SLIGHTLY * node
            for other in arrays:
                if arguments and other.dimensions == definition.dimensions:
                    indices = tuple(p for p in arguments if isinstance(p, Index))
                    if len(indices) == len(arguments):
                        yield "another array", t.Entry(other, indices)
        case t.Apply(t.exp | t.log, (argument,)):
            yield "a function dropped", argument
        case t.Sum(index, body):
            yield "a missing sum", body
            other = index.dimension.fresh(t.all_indices(body) | {index})
            yield "a sum over the wrong index", total(other, body)
            for outer in scope:
                if outer.dimension == index.dimension and outer != index:
                    yield "a missing sum", t.reindex(body, {index: outer})


def wrong_index(node: Term, index: Index, other: Index) -> Iterator[tuple[str, Term]]:
    match node:
        case t.Entry(_, indices) | t.Use(_, indices) if index in indices:
            where = tuple(other if p == index else p for p in indices)
            made = (
                t.Entry(node.array, where)
                if isinstance(node, t.Entry)
                else t.Use(node.definition, where)
            )
            yield "a wrong index", made
        case Delta(left, right) if index in (left, right) and other not in (left, right):
            yield "a wrong index", t.reindex(node, {index: other})
