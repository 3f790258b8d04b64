"""A statement as vectorised NumPy functions, or as those of a library with the same words.

Each subterm is an array whose axes are indices. Named quantities become locals; a sum becomes a
matrix product where two factors share its index, ``np.einsum`` where more do, and ``np.sum``
otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from derivations.language import terms
from derivations.language.statement import Hypothesis, Statement
from derivations.language.terms import Array, Definition, Dimension, Entry, Function, Index, Term
from derivations.prints import codegen, stable
from derivations.prints.codegen import ATOM, MATMUL, POWER, Code

LONG = 45  # characters of a factor that gets a line of its own
FUNCTIONS = {
    terms.exp: "exp", terms.log: "log", terms.absolute: "abs", terms.minimum: "minimum",
    terms.maximum: "maximum", terms.sine: "sin", terms.cosine: "cos",
}  # fmt: skip


HELPERS = {
    "sigmoid": """\
def sigmoid(t):
    e = np.exp(-np.abs(t))
    return np.where(t >= 0, 1, e) / (1 + e)""",
    "softplus": """\
def softplus(t):
    return np.maximum(t, 0) + np.log1p(np.exp(-np.abs(t)))""",
    "log_weight": """\
def log_weight(m):
    with np.errstate(divide="ignore"):
        return np.log(m)""",
    "softmax": """\
def softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)""",
    "complement": """\
def complement(p):
    \"\"\"1 - p for probabilities: for the one above 1/2, if any, the sum of the others.\"\"\"
    others = np.sum(np.where(p > 0.5, 0, p), axis=-1, keepdims=True)
    return np.where(p > 0.5, others, 1 - p)""",
    "shifted": """\
def shifted(z):
    \"\"\"The largest of z, and the sum of exp(z - largest) without one that is 1.\"\"\"
    largest = np.max(z, axis=-1, keepdims=True)
    e = np.exp(z - largest)
    ones, column = np.floor(e), np.ones((z.shape[-1], 1))
    return largest, (e - ones) @ column + (ones @ column - 1)""",
    "logsumexp": """\
def logsumexp(z):
    largest, others = shifted(z)
    return (largest + np.log1p(others))[..., 0]""",
    "log_softmax": """\
def log_softmax(z):
    largest, others = shifted(z)
    return z - largest - np.log1p(others)""",
    "deviation": """\
def deviation(p, r):
    \"\"\"r minus its mean with the probabilities p, counted from r of the largest.\"\"\"
    p, r = np.broadcast_arrays(p, r)
    r = r - np.take_along_axis(r, np.argmax(p, axis=-1, keepdims=True), axis=-1)
    return r - np.sum(p * r, axis=-1, keepdims=True)""",
    "gram": """\
def gram(X, weights):
    \"\"\"Sums over i of X[i, k] X[i, l] weights[i, ...]: for l and k they are as for k and l.\"\"\"
    n, flat = X.shape[1], weights.reshape(len(X), -1)
    sums = np.empty((n, n, flat.shape[1]))
    for k in range(n):
        sums[k, k:] = sums[k:, k] = (X[:, k:] * X[:, [k]]).T @ flat
    return sums.reshape(n, n, *weights.shape[1:])""",
}
HELPERS |= {
    "normal_density": """\
def normal_density(t):
    return np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)""",
    "mills": """\
def mills(t):
    \"\"\"The normal density over the probability below t, also where both underflow.\"\"\"
    return np.sqrt(2 / np.pi) / scipy.special.erfcx(-t / np.sqrt(2))""",
}


@dataclass(frozen=True)
class Library:
    """How a library of arrays spells what is computed, where it does not spell it as NumPy does.

    ``functions`` and ``stable`` (the functions that are computed safely) say what is called in the
    place of a function of the same name. ``helpers`` are written out where they are called. ``like``
    gives a new array the type and the place of another; ``numbers`` is where functions of plain
    numbers come from.
    """

    name: str
    helpers: Mapping[str, str]
    functions: Mapping[Function, str]
    stable: Mapping[str, str]
    axis: str = "axis"
    permuted: str = "transpose"
    best: str = ", optimize=True"
    like: str = ""
    numbers: str = ""


NUMPY = Library(
    "np",
    HELPERS,
    {
        terms.erf: "scipy.special.erf",
        terms.density: "normal_density",
        terms.cumulative: "scipy.special.ndtr",
    },
    {"tanh": "np.tanh", "expm1": "np.expm1", "log_cumulative": "scipy.special.log_ndtr"},
)


@dataclass(frozen=True)
class Value:
    """The code of an array, and the index that each of its axes runs over."""

    code: Code
    axes: tuple[Index, ...] = ()


@dataclass(frozen=True)
class Scope:
    """The names of things, the order of the result's axes, and the sizes that were needed."""

    library: Library
    names: dict[object, str]
    inline: frozenset[Definition]
    at: tuple[Index, ...] = ()
    like: str = ""
    sizes: dict[Dimension, None] = field(default_factory=dict)
    assigned: list[tuple[str, str]] = field(default_factory=list)

    def word(self, name: str) -> str:
        """Return a function of the library by its name."""
        return f"{self.library.name}.{name}"

    def local(self, wanted: str, code: Code) -> Code:
        """Return the name of a local that is assigned before what is being written."""
        if code.text.isidentifier():
            return code
        locals_ = {head.removesuffix(" = ") for head, _ in self.assigned}
        name = codegen.unused(wanted, {*self.names.values(), *locals_, *codegen.RESERVED})
        self.assigned.append((f"{name} = ", code.text))
        return Code(name)

    def size(self, dimension: Dimension) -> str:
        """Return the name of a size, and remember that it is needed."""
        self.sizes[dimension] = None
        return self.names[dimension]


def numpy_code(statement: Statement, name: str, *, as_written: bool = False) -> str | None:
    """Return NumPy functions that compute what a statement says.

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
        The source of a module with one function for each result, which are called as in
        ``codegen.results`` and take ``codegen.line_arguments``; None where no line can be computed.
    """
    sources = codegen.functions(statement, name, as_written, HELPERS, line_code)
    needed = "\nimport scipy.special" * any("scipy." in source for source in sources)
    return "\n\n\n".join([f"import numpy as np{needed}", *sources]) + "\n" if sources else None


def line_code(
    computed: codegen.Line,
    name: str,
    taken: frozenset[str] = codegen.RESERVED,
    assumed: Sequence[Hypothesis] = (),
    given: Sequence[codegen.Argument] = (),
    library: Library = NUMPY,
) -> str:
    """Return the function that computes a line, of the arguments that it needs or those given."""
    found = codegen.parts(computed.term)
    given = given or codegen.line_arguments(computed)
    dimensions = codegen.dimensions_of(computed, found)
    parameters = [array for f in found.functions for array in codegen.parameter_arrays(f)]
    things = (*dimensions, *given, *found.quantities, *found.functions, *parameters)
    names = codegen.named(things, taken)
    like = next((names[a] for a in given if isinstance(a, Array) and a.dimensions), "")
    scope = Scope(
        library,
        names,
        codegen.used_once(computed.term, found),
        computed.at,
        library.like.format(like) if like else "",
    )
    assigned = scope.assigned
    for quantity in found.quantities:
        axes = tuple(p for p in quantity.parameters if isinstance(p, Index))
        body = term_value(quantity.body, replace(scope, at=axes))
        text = full(body, axes, scope).text
        assigned.append((f"{scope.names[quantity]} = ", text))
    result = full(term_value(computed.term, scope), computed.at, scope).text
    if assigned and assigned[-1][0] == f"{result} = ":
        _, result = assigned.pop()
    lines = function_lines(found, scope)
    for head, text in [*assigned, ("return ", result)]:
        lines += codegen.broken(head, text)
    formula, arguments = codegen.said(name, computed, given, scope.names, assumed)
    documented = [f'"""{formula[0]}', *formula[1:], *(["", *arguments] if arguments else []), '"""']
    documented += [""] if lines[0].startswith("def ") else []
    inside = [*documented, *size_lines(given, scope, "\n".join(lines)), *lines]
    head = f"def {computed.name}({', '.join(scope.names[argument] for argument in given)}):"
    return "\n".join([head, *(f"    {line}" if line else "" for line in inside)])


def function_lines(found: codegen.Parts, scope: Scope) -> list[str]:
    """Return the local functions."""
    lines = []
    for function in found.functions:
        if function not in scope.inline:
            given = ", ".join(scope.names[a] for a in codegen.parameter_arrays(function))
            lines += [f"def {scope.names[function]}({given}):"]
            lines += [f"    return {term_value(function.body, scope).code.text}", ""]
    return lines


def size_lines(given: Sequence[codegen.Argument], scope: Scope, used: str) -> list[str]:
    """Return the lines that read the sizes that are used off the arguments."""
    arrays = [argument for argument in given if isinstance(argument, Array)]
    lines = []
    for dimension in scope.sizes:
        place = codegen.place_of_size(dimension, arrays)
        if place is not None and codegen.mentions(used, scope.names[dimension]):
            array, axis = scope.names[place[0]], place[1]
            read = f"len({array})" if axis == 0 else f"{array}.shape[{axis}]"
            lines.append(f"{scope.names[dimension]} = {read}")
    return lines


# -- terms -----------------------------------------------------------------------------------------


def term_value(node: Term, scope: Scope) -> Value:
    """Return the code of a term as an array over its free indices."""
    match node:
        case terms.Number():
            return Value(codegen.number(node))
        case terms.Size(dimension):
            return Value(Code(scope.size(dimension)))
        case terms.Entry(array, indices):
            return entry_value(scope.names[array], indices, scope)
        case terms.Use(definition, arguments):
            return use_value(definition, arguments, node, scope)
        case terms.Mul(factors):
            return product_value([term_value(f, scope) for f in factors], scope)
        case terms.Neg() | terms.Add() | terms.Div() | terms.Pow():
            values = [term_value(part, scope) for part in codegen.operands(node)]
            codes, axes = together(values, scope)
            return Value(codegen.arithmetic(node, codes), axes)
        case terms.Apply() if (inner := codegen.more_than_one(node)) is not None:
            return call(scope.word("log1p"), [term_value(inner, scope)], scope)
        case terms.Apply(terms.pi, ()):
            return Value(Code(scope.word("pi")))
        case terms.Apply(function, arguments):
            name = function_name(function, node, scope)
            return call(name, [term_value(a, scope) for a in arguments], scope)
        case terms.Delta(left, right):
            if left == right:
                return Value(Code("1"))
            return Value(
                Code(scope.word(f"eye({scope.size(left.dimension)}{scope.like})")), (left, right)
            )
        case terms.Written() | terms.Expectation():
            return term_value(node.meaning, scope)
        case terms.Sum():
            return sum_over((), node, scope)
        case terms.Product(index, body):
            over = [index]
            while isinstance(body, terms.Product):
                over, body = [*over, body.index], body.body
            return reduced("prod", over, term_value(body, scope), scope)
    raise TypeError(f"no NumPy code for {type(node).__name__}")


def function_name(function: Function, node: Term, scope: Scope) -> str:
    """Return what is called for a function; of plain numbers, where a library keeps them apart."""
    library = scope.library
    if function in FUNCTIONS or function in library.functions:
        if library.numbers and not any(
            isinstance(part, Entry) for part in terms.walk(terms.unfold(node))
        ):
            return f"{library.numbers}.{FUNCTIONS.get(function, function.name)}"
        return library.functions.get(function) or scope.word(FUNCTIONS[function])
    return scope.names[function]


def entry_value(name: str, indices: tuple[Index, ...], scope: Scope) -> Value:
    """Return an array at some indices; an index that comes twice takes the diagonal."""
    axes = tuple(dict.fromkeys(indices))
    if axes == indices:
        return Value(Code(name), indices)
    letters = einsum_letters(axes)
    source = "".join(letters[index] for index in indices)
    target = "".join(letters[index] for index in axes)
    return Value(Code(scope.word(f'einsum("{source}->{target}", {name})')), axes)


def use_value(
    definition: Definition,
    arguments: Sequence[Index | Term | terms.Each],
    use: terms.Use,
    scope: Scope,
) -> Value:
    """Return a named quantity by its local, a named function by a call or written out."""
    if stable.is_vector(definition):
        return vector_value(definition.name, arguments, scope)
    if stable.is_stable(definition):
        values = [term_value(a, scope) for a in arguments if isinstance(a, Term)]
        return call(scope.library.stable.get(definition.name, definition.name), values, scope)
    if definition not in scope.names or definition in scope.inline:
        return term_value(terms.instantiate(use), scope)
    if codegen.is_quantity(definition):
        return entry_value(
            scope.names[definition], tuple(a for a in arguments if isinstance(a, Index)), scope
        )
    values = [term_value(a, scope) for a in arguments if isinstance(a, Term)]
    return call(scope.names[definition], values, scope)


def vector_value(
    function: str, arguments: Sequence[Index | Term | terms.Each], scope: Scope
) -> Value:
    """Return a function of arrays along their last axis."""
    given = [argument for argument in arguments if isinstance(argument, terms.Each)]
    along = given[0].indices[0]
    values = [
        term_value(terms.reindex(each.body, {each.indices[0]: along}), scope) for each in given
    ]
    outside = [index for value in values for index in value.axes if index != along]
    axes = (*ordered(outside, scope), along)
    codes = [
        full(value, axes, scope) if along not in value.axes else aligned(value, axes, scope)
        for value in values
    ]
    called = scope.library.stable.get(function, function)
    text = f"{called}({', '.join(code.text for code in codes)})"
    places = [argument for argument in arguments if isinstance(argument, Index)]
    return entry_value(text, (*axes[:-1], *places), scope)


def call(function: str, values: Sequence[Value], scope: Scope) -> Value:
    """Return an elementwise function of arrays."""
    codes, axes = together(values, scope)
    return Value(Code(f"{function}({', '.join(code.text for code in codes)})"), axes)


def product_value(values: Sequence[Value], scope: Scope) -> Value:
    """Return an elementwise product."""
    if len(values) == 1:
        return values[0]
    codes, axes = together([short(value, scope) for value in values], scope)
    return Value(codegen.multiply(codes), axes)


def short(value: Value, scope: Scope) -> Value:
    """Return an array by a local where its code would fill a line."""
    if len(value.code.text) <= LONG:
        return value
    return Value(scope.local("part", value.code), value.axes)


def together(values: Sequence[Value], scope: Scope) -> tuple[list[Code], tuple[Index, ...]]:
    """Return arrays in shapes that broadcast against each other, and the common axes."""
    axes = ordered([index for value in values for index in value.axes], scope)
    same = {value.axes for value in values if value.axes}
    if len(same) == 1:
        (axes,) = same
    return [aligned(value, axes, scope) for value in values], axes


def ordered(indices: Sequence[Index], scope: Scope) -> tuple[Index, ...]:
    """Return indices, each once: data first, then as in the result, then as they come."""
    once = list(dict.fromkeys(indices))
    last = len(scope.at)

    def key(index: Index) -> tuple[int, int, int]:
        place = scope.at.index(index) if index in scope.at else last
        return index.dimension.rank, place, once.index(index)

    if set(once) <= set(scope.at):
        return tuple(sorted(once, key=scope.at.index))
    return tuple(sorted(once, key=key))


def aligned(value: Value, axes: Sequence[Index], scope: Scope) -> Code:
    """Return the array with its axes in an order, and new axes for the others."""
    inside = [index for index in axes if index in value.axes]
    code = transposed(value, inside, scope)
    if not inside:
        return code
    first = axes.index(inside[0])
    slots = [":" if index in inside else "None" for index in axes[first:]]
    if "None" not in slots:
        return code
    return Code(f"{code.within(ATOM)}[{', '.join(slots)}]")


def transposed(value: Value, axes: Sequence[Index], scope: Scope) -> Code:
    """Return the array with the same axes in another order."""
    if list(value.axes) == list(axes):
        return value.code
    if len(axes) == 2:
        return Code(f"{value.code.within(ATOM)}.T")
    order = ", ".join(str(value.axes.index(index)) for index in axes)
    return Code(f"{value.code.within(ATOM)}.{scope.library.permuted}({order})")


def full(value: Value, axes: Sequence[Index], scope: Scope) -> Code:
    """Return the array with exactly these axes, repeated along those it does not depend on."""
    code = aligned(value, axes, scope)
    if set(value.axes) == set(axes):
        return code
    shape = ", ".join(scope.size(index.dimension) for index in axes)
    shape += "," if len(axes) == 1 else ""
    return Code(scope.word(f"broadcast_to({code.text}, ({shape}))"))


# -- sums ------------------------------------------------------------------------------------------


def sum_over(indices: Sequence[Index], body: Term, scope: Scope) -> Value:
    """Return a sum as a matrix product, an einsum or a sum along axes."""
    while isinstance(body, terms.Sum):
        indices, body = [*indices, body.index], body.body
    if isinstance(body, terms.Neg):
        value = sum_over(indices, body.term, scope)
        return Value(codegen.negate(value.code), value.axes)
    if isinstance(body, terms.Div) and not terms.free_indices(body.denominator) & set(indices):
        above = sum_over(indices, body.numerator, scope)
        (top, bottom), axes = together([above, term_value(body.denominator, scope)], scope)
        return Value(codegen.divide(top, bottom), axes)
    factors = stable.factors(body)
    for factor in factors:
        if isinstance(factor, terms.Delta) and (found := contracted(factor, indices)):
            gone, stays = found
            left = [f for f in factors if f is not factor]
            rest = terms.reindex(stable.product_of(left), {gone: stays})
            remaining = [index for index in indices if index != gone]
            return sum_over(remaining, rest, scope) if remaining else term_value(rest, scope)
    values = [term_value(factor, scope) for factor in factors]
    present = {index for value in values for index in value.axes}
    repeats = [Value(Code(scope.size(i.dimension))) for i in indices if i not in present]
    summed = [index for index in indices if index in present]
    outside = [*repeats, *(v for v in values if not set(v.axes) & set(summed))]
    inside = gathered([v for v in values if set(v.axes) & set(summed)], scope)
    if not inside:
        return product_value(outside, scope)
    inner = contraction(summed, inside, scope)
    return product_value([*outside, inner], scope) if outside else inner


def contracted(delta: terms.Delta, indices: Sequence[Index]) -> tuple[Index, Index] | None:
    """Return the summed index that a delta removes, and the index that it leaves."""
    for gone, stays in ((delta.left, delta.right), (delta.right, delta.left)):
        if gone in indices and gone != stays:
            return gone, stays
    return None


def gathered(values: Sequence[Value], scope: Scope) -> list[Value]:
    """Multiply the factors over the same indices."""
    groups: dict[frozenset[Index], list[Value]] = {}
    for value in values:
        groups.setdefault(frozenset(value.axes), []).append(value)
    return [product_value(group, scope) for group in groups.values()]


def contraction(summed: Sequence[Index], values: Sequence[Value], scope: Scope) -> Value:
    """Return the sum over some indices of a product of arrays."""
    if len(values) == 1:
        return reduced("sum", summed, values[0], scope)
    for index in summed:
        (first, *more) = [value for value in values if index in value.axes]
        if not more and len(summed) > 1:
            inner = reduced("sum", [index], first, scope)
            others = gathered([inner if value is first else value for value in values], scope)
            return contraction([other for other in summed if other != index], others, scope)
    if len(summed) == 1 and (found := matmul(summed[0], values, scope)) is not None:
        return found
    if len(summed) == 1 and (found := weighted_gram(summed[0], values, scope)) is not None:
        return found
    axes = ordered([i for value in values for i in value.axes if i not in summed], scope)
    letters = einsum_letters([index for value in values for index in value.axes])
    sources = ",".join("".join(letters[i] for i in value.axes) for value in values)
    target = "".join(letters[i] for i in axes)
    operands = ", ".join(short(value, scope).code.text for value in values)
    best = scope.library.best if len(values) > 2 else ""
    return Value(Code(scope.word(f'einsum("{sources}->{target}", {operands}{best})')), axes)


def weighted_gram(index: Index, values: Sequence[Value], scope: Scope) -> Value | None:
    """Return the weighted products of a matrix with itself, one for each place of the weights.

    As one contraction it would hold, or go over, an array with all the indices at once.
    """
    matrices_ = [value for value in values if len(value.axes) == 2]
    for left, right in combinations(matrices_, 2):
        if left.code == right.code and left.axes.index(index) == right.axes.index(index):
            weights = product_value([v for v in values if v not in (left, right)], scope)
            ends = [i for value in (left, right) for i in value.axes if i != index]
            around = [i for i in weights.axes if i != index]
            if around and not set(around) & set(ends):
                X = transposed(left, [index, *(i for i in left.axes if i != index)], scope)
                each = short(Value(transposed(weights, [index, *around], scope)), scope).code
                return Value(Code(f"gram({X.text}, {each.text})"), (*ends, *around))
    return None


def matmul(index: Index, values: Sequence[Value], scope: Scope) -> Value | None:
    """Return a matrix product over an index, weighted by a third factor over it; or None."""
    weights = [value for value in values if value.axes == (index,)] if len(values) == 3 else []
    pair = [value for value in values if value not in weights]
    if len(pair) != 2 or any(len(value.axes) > 2 for value in pair):
        return None
    left, right = pair
    if set(left.axes) & set(right.axes) != {index}:
        return None
    free = ordered([i for value in pair for i in value.axes if i != index], scope)
    if (free and free[0] in right.axes) or (len(left.axes) == 1 and len(right.axes) == 2):
        left, right = right, left
    first = transposed(left, [*(i for i in left.axes if i != index), index], scope)
    second = transposed(right, [index, *(i for i in right.axes if i != index)], scope)
    if weights:
        first = codegen.multiply([first, weights[0].code])
    return Value(matrix_product(first, second), free)


def matrix_product(left: Code, right: Code) -> Code:
    """Return ``left @ right``."""
    before = left.text if left.level == MATMUL else left.within(POWER)
    return Code(f"{before} @ {right.within(POWER)}", MATMUL)


def reduced(function: str, indices: Sequence[Index], value: Value, scope: Scope) -> Value:
    """Return a sum or a product along the axes of some indices."""
    axes = tuple(index for index in value.axes if index not in indices)
    called = scope.word(function)
    if not axes:
        return Value(Code(f"{called}({value.code.text})"))
    places = [place for place, index in enumerate(value.axes) if index in indices]
    along = str(places[0]) if len(places) == 1 else str(tuple(places))
    return Value(Code(f"{called}({value.code.text}, {scope.library.axis}={along})"), axes)


def einsum_letters(indices: Sequence[Index]) -> dict[Index, str]:
    """Give each index a letter of its own, its name's where possible."""
    letters: dict[Index, str] = {}
    for index in indices:
        if index not in letters:
            wanted = index.name[0] + index.dimension.letters + "abcdefghijklmnopqrstuvwxyz"
            letters[index] = next(c for c in wanted if c not in letters.values())
    return letters
