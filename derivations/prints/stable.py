"""Terms in a form that neither overflows nor cancels: what code computes for what was derived.

Each named function here means exactly its definition; a printer has a safe way to compute it.
``stable`` puts them in the place of what they mean, so a rewritten term has the value that it had.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache, partial
from itertools import permutations

from derivations.language import terms
from derivations.language.terms import (
    Add,
    Apply,
    Array,
    Definition,
    Delta,
    Dimension,
    Div,
    Each,
    Entry,
    Index,
    Mul,
    Neg,
    Number,
    Pow,
    Sum,
    Term,
    Use,
    cumulative,
    density,
    exp,
    log,
    scalar,
    total,
)

# -- functions with a safe way to compute them -----------------------------------------------------

t = scalar("t")
sigmoid = Definition("sigmoid", (t,), 1 / (1 + exp(-t)))
softplus = Definition("softplus", (t,), log(1 + exp(t)))
tanh = Definition("tanh", (t,), (exp(t) - exp(-t)) / (exp(t) + exp(-t)))
expm1 = Definition("expm1", (t,), exp(t) - 1)
log_weight = Definition("log_weight", (t,), log(t))  # of what may be 0, where it is -infinity
mills = Definition("mills", (t,), density(t) / cumulative(t))
log_cumulative = Definition("log_cumulative", (t,), log(cumulative(t)))
SCALAR = (sigmoid, softplus, tanh, expm1, log_weight, mills, log_cumulative)


def over(dimension: Dimension, name: str = "z") -> tuple[Array, Index, Index]:
    """Return an array over a dimension, an index of it and one to sum over."""
    a = dimension.fresh(frozenset())
    return Array(name, (dimension,)), a, dimension.fresh(frozenset({a}))


@cache
def softmax(dimension: Dimension) -> Definition:
    """Return the softmax over a dimension."""
    z, a, b = over(dimension)
    return Definition("softmax", (z, a), exp(z[a]) / total(b, exp(z[b])))


@cache
def complement(dimension: Dimension) -> Definition:
    """Return the sum of the other probabilities over a dimension."""
    p, a, b = over(dimension, "p")
    return Definition("complement", (p, a), total(b, (1 - Delta(a, b)) * p[b]))


@cache
def logsumexp(dimension: Dimension) -> Definition:
    """Return the logarithm of the sum of exponentials over a dimension."""
    z, _, b = over(dimension)
    return Definition("logsumexp", (z,), log(total(b, exp(z[b]))))


@cache
def log_softmax(dimension: Dimension) -> Definition:
    """Return the logarithm of the softmax over a dimension."""
    z, a, b = over(dimension)
    return Definition("log_softmax", (z, a), z[a] - log(total(b, exp(z[b]))))


@cache
def deviation(dimension: Dimension) -> Definition:
    """Return numbers minus their mean under probabilities over a dimension."""
    p, a, b = over(dimension, "p")
    r = Array("r", (dimension,))
    return Definition("deviation", (p, r, a), r[a] - total(b, p[b] * r[b]))


NOT_NEGATIVE = ("nonnegative", "positive", "unit", "label")
VECTOR = (softmax, complement, logsumexp, log_softmax, deviation)


def is_stable(definition: Definition) -> bool:
    """Say whether a definition is a function that a printer can compute safely."""
    return definition in SCALAR or is_vector(definition)


def is_vector(definition: Definition) -> bool:
    """Say whether a definition is one of those functions that takes an array."""
    arrays = [p for p in definition.parameters if isinstance(p, Array)]
    return bool(arrays) and any(definition == f(arrays[0].dimensions[0]) for f in VECTOR)


# -- rewriting -------------------------------------------------------------------------------------


def stable(node: Term) -> Term:
    """Return a term of the same value that is computed safely."""
    match node:
        case terms.Written() | terms.Expectation():
            return stable(node.meaning)
        case Use(definition, arguments) if not is_stable(definition):
            if any(isinstance(p, Array) for p in definition.parameters):
                return stable(terms.instantiate(node))
            given = tuple(terms.changed_argument(a, stable) for a in arguments)
            use = Use(stable_definition(definition), given)
            scalars = any(isinstance(p, Entry) for p in definition.parameters)
            return opened(use) if scalars and is_named(use) else use
    return rewritten(terms.with_children(node, stable))


@cache
def stable_definition(definition: Definition) -> Definition:
    """Return a definition with a body that is computed safely."""
    body = stable(definition.body)
    if body == definition.body:
        return definition
    return replace(definition, body=body)


def rewritten(node: Term) -> Term:
    """Return a term whose parts are stable in the first better form that a rule finds."""
    for rule in RULES.get(type(node), ()):
        found = rule(node)
        if found is not None and found != node:
            return stable(found)
    return node


def opened(node: Term) -> Term:
    """Return what named quantities stand for, down to a function that is computed safely."""
    while isinstance(node, Use) and not is_stable(node.definition):
        node = terms.instantiate(node)
    return node


def is_named(node: Term) -> bool:
    """Say whether a term is one of the functions that are computed safely, or its negative."""
    found = opened(node)
    found = found.term if isinstance(found, Neg) else found
    return isinstance(found, Use) and is_stable(found.definition)


def named(node: Term, function: Definition | Callable[[Dimension], Definition]) -> tuple | None:  # type: ignore[type-arg]
    """Return the arguments where a term is a use of a function, or stands for one."""
    found = opened(node)
    if not isinstance(found, Use):
        return None
    wanted = function
    if not isinstance(function, Definition):
        first = found.definition.parameters[:1]
        if not first or not isinstance(first[0], Array):
            return None
        wanted = function(first[0].dimensions[0])
    return found.arguments if found.definition == wanted else None


def negative(node: Term) -> Term:
    """Return the negative of a term."""
    return node.term if isinstance(node, Neg) else Neg(node)


def summands(node: Term) -> list[Term]:
    """Return the summands of a term, sums within it and negatives of sums written out."""
    match node:
        case Add(parts):
            return [inner for part in parts for inner in summands(part)]
        case Neg(inner):
            return [negative(part) for part in summands(inner)]
    return [node]


def sum_of(parts: list[Term]) -> Term:
    """Return a sum, its opposite summands left out."""
    kept: list[Term] = []
    for part in parts:
        if negative(part) in kept:
            kept.remove(negative(part))
        elif part != Number(Fraction(0)):
            kept.append(part)
    if not kept:
        return terms.term(0)
    return kept[0] if len(kept) == 1 else Add(tuple(kept))


def factors(node: Term) -> list[Term]:
    """Return the factors of a term, products within it written out."""
    if isinstance(node, Mul):
        return [inner for factor in node.factors for inner in factors(factor)]
    return [node]


def product_of(parts: list[Term]) -> Term:
    """Return a product."""
    if not parts:
        return terms.term(1)
    return parts[0] if len(parts) == 1 else Mul(tuple(parts))


def exponent(node: Term) -> Term | None:
    """Return u of e^u."""
    match node:
        case Apply(terms.exp, (inner,)):
            return inner
    return None


def weighed(node: Term) -> Term | None:
    """Return u of e^u, and u + log m of m e^u where no weight m is negative."""
    weights = [f for f in factors(node) if isinstance(f, Entry) and f.array.domain in NOT_NEGATIVE]
    match [f for f in factors(node) if f not in weights]:
        case [Apply(terms.exp, (inner,))]:
            return Add((inner, *map(log_weight, weights))) if weights else inner
    return None


def one_plus_exp(node: Term) -> Term | None:
    """Return u of 1 + e^u."""
    match node:
        case Add((Number(value), Apply(terms.exp, (inner,)))) if value == 1 and not shrinks(inner):
            return inner
    return None


def shrinks(node: Term) -> bool:
    """Say whether a term is -|t| or a multiple: its exponential is safe as it stands."""
    return isinstance(node, Neg) and any(
        isinstance(factor, Apply) and factor.function is terms.absolute
        for factor in factors(node.term)
    )


def logits(node: Term) -> Each | None:
    """Return z_b, for all b, of the sum of e^(z_b)."""
    match opened(node):
        case Sum(index, body) if (inner := weighed(body)) and index in terms.free_indices(inner):
            return Each((index,), inner)
        case Add((Number(value), rest)) if value == 1:  # the term that is left out is e^0
            return logits_left_out(rest)
    return None


def logits_left_out(node: Term) -> Each | None:
    """Return z_a - z_c of the sum of (1 - delta_ac) e^(z_a - z_c): with e^0 at c, it is all."""
    match opened(node):
        case Sum(index, Mul((Add((Number(one), Neg(Delta(left, right)))), power))) if one == 1:
            stays = right if left == index else left
            inner = exponent(power)
            if inner is None or index not in (left, right):
                return None
            at_it = sum_of(summands(terms.reindex(inner, {index: stays})))
            return Each((index,), inner) if at_it == terms.term(0) else None
    return None


def at(array: Each, index: Index) -> Term:
    """Return an entry of an array that is given by its entries."""
    return terms.reindex(array.body, {array.indices[0]: index})


def place(array: Each, value: Term) -> Index | None:
    """Return the index at which an array has a value."""
    dimension = array.indices[0].dimension
    for index in sorted(terms.free_indices(value), key=lambda found: found.name):
        if index.dimension == dimension and same(at(array, index), value):
            return index
    return None


def same(left: Term, right: Term) -> bool:
    """Say whether two terms have the same summands."""
    return sum_of([*summands(left), *summands(negative(right))]) == terms.term(0)


def split(array: Each) -> tuple[Each, list[Term]]:
    """Return an array without the summands that are the same for all entries, and these."""
    parts = summands(array.body)
    moved = [part for part in parts if array.indices[0] not in terms.free_indices(part)]
    if not moved or len(moved) == len(parts):
        return array, []
    return Each(array.indices, sum_of([p for p in parts if p not in moved])), moved


def dimension_of(array: Each) -> Dimension:
    """Return the dimension of an array."""
    return array.indices[0].dimension


def logarithm_of_sum(array: Each) -> Term:
    """Return the logarithm of the sum of the exponentials of an array."""
    rest, moved = split(array)
    return sum_of([*moved, Use(logsumexp(dimension_of(rest)), (rest,))])


def other(node: Term) -> Term | None:
    """Return one minus a probability."""
    if found := named(node, sigmoid):
        return sigmoid(negative(found[0]))
    if found := named(node, softmax):
        return complement_at(distribution(node, *found), found[1])
    return None


def distribution(node: Term, array: Each, index: Index) -> Each:
    """Return all probabilities of which one is given, by its own name where it has one."""
    free = index.dimension.fresh(terms.all_indices(node) | terms.all_indices(array.body))
    named_so = isinstance(node, Use) and all(isinstance(a, Index) for a in node.arguments)
    if named_so and node.arguments.count(index) == 1:  # type: ignore[attr-defined]
        return Each((free,), terms.reindex(node, {index: free}))
    return Each((free,), Use(softmax(dimension_of(array)), (array, free)))


def complement_at(probabilities: Each, index: Index) -> Term:
    """Return the sum of the probabilities but one."""
    return Use(complement(dimension_of(probabilities)), (probabilities, index))


def is_probability(node: Term) -> bool:
    """Say whether a term is a probability or one minus it."""
    return any(named(node, function) for function in (sigmoid, softmax, complement))


# -- the rules: each returns a term of the same value, or None -------------------------------------


def quotient(node: Div) -> Term | None:
    """1 / (1 + e^-u) is the sigmoid, e^(z_a) / sum_b e^(z_b) the softmax; or a Mills ratio."""
    above, below = node.numerator, node.denominator
    if (ratio := mills_ratio(above, below)) is not None:
        return ratio
    if (u := one_plus_exp(below)) is not None:
        if above == terms.term(1):
            return sigmoid(negative(u))
        if exponent(above) == u:
            return sigmoid(u)
    match above, below:
        case Apply(terms.exp, (u,)), Add((Apply(terms.exp, (one,)), Apply(terms.exp, (two,)))):
            if u in (one, two):
                return sigmoid(u - (two if u == one else one))
    array = logits(below)
    if array is not None:
        rest, moved = split(array)
        e = weighed(above)
        if e is not None:
            index = place(rest, sum_of([*summands(e), *map(negative, moved)]))
            if index is not None:
                return Use(softmax(dimension_of(rest)), (rest, index))
        left_out, inside = (above.term, True) if isinstance(above, Neg) else (above, False)
        if isinstance(below, Add) and below.terms[1] == left_out:
            index = left_out_class(left_out)
            if index is not None:
                value = complement_at(distribution(node, rest, index), index)
                return Neg(value) if inside else value
    return hyperbolic(node)


def mills_ratio(above: Term, below: Term) -> Term | None:
    """Return a quotient where a density is over a probability at the same place, or its mirror."""
    tops, rest = factors(square_as_product(above)), factors(below)
    for number, part in enumerate(rest):
        match opened(part):
            case Apply(terms.cumulative, (u,)):
                for wanted in (density(u), density(negative(u))):
                    if wanted in tops:
                        tops.remove(wanted)
                        value = product_of([*tops, mills(u)])
                        others = [*rest[:number], *rest[number + 1 :]]
                        return value / product_of(others) if others else value
    return None


def square_as_product(node: Term) -> Term:
    """Return u u for u^2."""
    match node:
        case Pow(base, Number(two)) if two == 2:
            return Mul((base, base))
    return node


def left_out_class(node: Term) -> Index | None:
    """Return the class that a sum leaves out."""
    match opened(node):
        case Sum(index, Mul((Add((_, Neg(Delta(left, right)))), _))):
            return right if left == index else left
    return None


def hyperbolic(node: Div) -> Term | None:
    """(e^u - e^-u) / (e^u + e^-u) is tanh u, and (1 - e^u) / (1 + e^u) is -tanh(u / 2)."""
    match node.numerator, node.denominator:
        case Add((Apply(terms.exp, (u,)), Neg(Apply(terms.exp, (v,))))), Add((first, second)):
            if v == negative(u) and exponent(first) == u and exponent(second) == v:
                return tanh(u)
        case Neg(Use(_, (u,)) as above), below if above.definition == expm1:
            last = factors(below)[-1]
            if one_plus_exp(last) == u:
                return half_tangent(u) / product_of(factors(below)[:-1])
    return None


def half_tangent(u: Term) -> Term:
    """(1 - e^u) / (1 + e^u)."""
    return tanh(u.term / 2) if isinstance(u, Neg) else Neg(tanh(u / 2))


def logarithm(node: Apply) -> Term | None:
    """log(1 + e^u) is the softplus; of the sigmoid, the softmax, a sum of exponentials."""
    if node.function is not terms.log:
        return None
    (inner,) = node.arguments
    match opened(inner):
        case Apply(terms.cumulative, (point,)):
            return log_cumulative(point)
    if (u := one_plus_exp(inner)) is not None:
        return softplus(u)
    if found := named(inner, sigmoid):
        return Neg(softplus(negative(found[0])))
    if found := named(inner, softmax):
        return Use(log_softmax(dimension_of(found[0])), found)
    array = logits(inner)
    if array is not None:
        return logarithm_of_sum(array)
    if isinstance(inner, Div) and (other(inner.numerator) or other(inner.denominator)):
        return log(inner.numerator) - log(inner.denominator)
    return None


Pair = Callable[[Term, Term], Term | None]


def pairwise(rule: Pair, node: Add) -> Term | None:
    """Apply a rule to two summands, or to their negatives; the others stay."""
    parts = list(node.terms)
    for left, right in permutations(range(len(parts)), 2):
        for sign in (lambda part: part, negative):
            found = rule(sign(parts[left]), sign(parts[right]))
            if found is not None:
                first = min(left, right)
                kept = [p for n, p in enumerate(parts) if n not in (left, right)]
                before = [p for n, p in enumerate(parts) if n < first]
                positive_first = sorted(summands(sign(found)), key=lambda p: isinstance(p, Neg))
                return sum_of([*before, *positive_first, *kept[len(before) :]])
    return None


def one_minus(left: Term, right: Term) -> Term | None:
    """1 - p is the probability of the other, 1 - 2 sigma(u) is -tanh(u / 2)."""
    if left != terms.term(1) or not isinstance(right, Neg):
        return None
    if (found := other(right.term)) is not None:
        return found
    match right.term:
        case Mul((Number(two), p)) if two == 2 and (given := named(p, sigmoid)):
            return Neg(tanh(half_of(given[0])))
        case Pow(base, Number(two)) if two == 2 and (given := named(base, tanh)):
            u = 2 * given[0]
            return 4 * sigmoid(u) * sigmoid(negative(u))
    return None


def half_of(node: Term) -> Term:
    """Return half of a term."""
    match node:
        case Mul((Number(two), inner)) if two == 2:
            return inner
    return node / 2


def minus_one(left: Term, right: Term) -> Term | None:
    """e^u - 1."""
    u = exponent(left)
    return expm1(u) if u is not None and right == Neg(terms.term(1)) else None


def residual(left: Term, right: Term) -> Term | None:
    """Of m p - y, (m - y) p - y (1 - p), where nothing cancels for y = 0 and y = m."""
    if not isinstance(right, Neg) or isinstance(left, Neg):
        return None
    y = right.term
    if any(map(is_probability, factors(y))):
        return None  # it is in this form already
    share = factors(left)
    for number, p in enumerate(share):
        if (q := other(p)) is not None and is_indicator(y) and p not in factors(y):
            m = product_of(share[:number] + share[number + 1 :])
            rest = sum_of([*summands(m), *summands(negative(y))])
            return rest * p - y * q
    return None


def is_indicator(node: Term) -> bool:
    """Say whether a term stands for a label: 0 or 1, or a share of it."""
    match node:
        case Delta():
            return True
        case Entry(array, _):
            return array.domain in ("label", "unit") or bool(array.dimensions)
        case Add((Number(one), Neg(inner))):
            return one == 1 and is_indicator(inner)
        case Mul():
            return any(map(is_indicator, factors(node)))
        case Neg(inner):
            return is_indicator(inner)
        case Use():
            found = opened(node)
            return not isinstance(found, Use) and is_indicator(found)
    return False


def sums(left: Term, right: Term) -> Term | None:
    """The sum of probabilities minus that of labels is the sum of the residuals."""
    match left, right:
        case Sum(index, p), Neg(Sum(second, y)) if index.dimension == second.dimension:
            if any(map(is_probability, factors(p))):
                return total(index, p - terms.reindex(y, {second: index}))
    return None


def shifted(left: Term, right: Term) -> Term | None:
    """G + logsumexp(z - g) is logsumexp(z), and z_a - logsumexp(z) is the log-softmax."""
    if found := named(right, logsumexp):
        (array,) = found
        parts = summands(array.body)
        if array.indices[0] not in terms.free_indices(left) and negative(left) in parts:
            parts.remove(negative(left))
            return Use(right.definition, (Each(array.indices, sum_of(parts)),))  # type: ignore[attr-defined]
    if isinstance(right, Neg) and (found := named(right.term, logsumexp)):
        index = place(found[0], left)
        if index is not None:
            return Use(log_softmax(dimension_of(found[0])), (found[0], index))
    if isinstance(right, Neg) and (found := named(right.term, log_softmax)):
        array, index = found
        if same(at(array, index), left):
            return Use(logsumexp(dimension_of(found[0])), found[:1])
    return None


def label_minus(left: Term, right: Term) -> Term | None:
    """Softplus(u) - y u is the loss of each label times its share.

    Likewise logsumexp(z) - sum_b y_b z_b, where what the shares lack of one stays a factor.
    """
    if not isinstance(right, Neg):
        return None
    if of_softplus := named(left, softplus):
        (u,) = of_softplus
        share = factors(right.term)
        if share == factors(u):
            return softplus(negative(u))
        if len(share) > 1 and product_of(share[1:]) == u:
            return share[0] * softplus(negative(u)) + (1 - share[0]) * softplus(u)
    match right.term:
        case Sum(index, Mul((Entry(array, indices) as y, value))) if array.written:
            found = named(left, logsumexp)
            if found and index in indices and same(at(found[0], index), value):
                loss = Use(log_softmax(dimension_of(found[0])), (found[0], index))
                apart = terms.rename_bound(loss, frozenset({index}))
                return (1 - total(index, y)) * left - total(index, y * apart)
    return None


def from_mean(left: Term, right: Term) -> Term | None:
    """r_a minus the mean of r under the softmax."""
    match right:
        case Neg(Sum(index, Mul() as body)):
            for number, p in enumerate(parts := factors(body)):
                found = named(p, softmax)
                if not found or found[1] != index:
                    continue
                values = Each((index,), product_of(parts[:number] + parts[number + 1 :]))
                at_place = place(values, left)
                if at_place is not None:
                    weights = distribution(p, *found)
                    return Use(deviation(dimension_of(weights)), (weights, values, at_place))
    return None


def flat(node: Add) -> Term | None:
    """Return a sum without sums in it."""
    return sum_of(summands(node))


def signed(node: Mul) -> Term | None:
    """Return a product with its sign in front."""
    parts = factors(node)
    if not any(isinstance(part, Neg) for part in parts):
        return None
    value = product_of([part.term if isinstance(part, Neg) else part for part in parts])
    return Neg(value) if sum(isinstance(part, Neg) for part in parts) % 2 else value


def double(node: Neg) -> Term | None:
    """-(-u) is u."""
    return node.term.term if isinstance(node.term, Neg) else None


def response(node: Mul) -> Term | None:
    """Omega (z + r / omega) is omega z + r, also where omega is too small to divide by."""
    parts = factors(node)
    for number, part in enumerate(parts):
        match opened(part):
            case Add((z, Div(r, divisor))):
                wanted = factors(opened(divisor))
                if not any(map(is_probability, wanted)):
                    continue
                rest = parts[:number] + parts[number + 1 :]
                if divisor in rest:
                    rest.remove(divisor)
                    return product_of([*rest, divisor * z + r])
                if all(factor in rest for factor in wanted):
                    for factor in wanted:
                        rest.remove(factor)
                    return product_of([*rest, product_of([*wanted, z]) + r])
    return None


PAIRS: tuple[Pair, ...] = (
    shifted, one_minus, minus_one, label_minus, from_mean, residual, sums,
)  # fmt: skip


RULES: dict[type, tuple[Callable, ...]] = {  # type: ignore[type-arg]
    Div: (quotient,),
    Apply: (logarithm,),
    Add: (flat, *(partial(pairwise, rule) for rule in PAIRS)),
    Mul: (response, signed),
    Neg: (double,),
}
