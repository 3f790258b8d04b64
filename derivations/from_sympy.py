"""A forward pass that is given in SymPy: its objects become terms, and terms SymPy again.

No string is read. An index gets its size from the range of its ``Idx``, from the limits of its sum
or from the shape of the array that it stands at. SymPy sorts what it builds: sums and products
come in the order in which it prints them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import sympy
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.matexpr import MatrixElement

from derivations.language import algebra, matrices, moves, terms
from derivations.language.matrices import Matrix, Ones, Whole
from derivations.language.statement import Hypothesis
from derivations.language.terms import Array, Definition, Dimension, Entry, Index, Term, term
from derivations.prints import sympy_code

LETTERS = "ijklmnabcdeghpqrsuvxyz"
FUNCTIONS: Mapping[Any, Callable[..., Term]] = {
    sympy.exp: terms.exp,
    sympy.log: terms.log,
    sympy.Abs: terms.absolute,
    sympy.erf: terms.erf,
    sympy.sin: terms.sine,
    sympy.cos: terms.cosine,
    sympy.tanh: lambda t: 1 - 2 / (terms.exp(2 * t) + 1),
    sympy.sinh: lambda t: (terms.exp(t) - terms.exp(-t)) / 2,
    sympy.cosh: lambda t: (terms.exp(t) + terms.exp(-t)) / 2,
}
Sizes = Mapping[sympy.Basic, Index]


class NotRead(ValueError):
    """A SymPy object that has no meaning here; the message says which, and where it stands."""


@dataclass
class Reader:
    """What the names of one or several SymPy expressions stand for.

    ``dimensions`` are by size, ``arrays`` and ``functions`` by name; ``starts`` says from which
    number the indices of a dimension run.
    """

    dimensions: dict[sympy.Basic, Dimension] = field(default_factory=dict)
    starts: dict[sympy.Basic, sympy.Basic] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    sources: dict[str, sympy.Basic] = field(default_factory=dict)
    indices: dict[Index, sympy.Basic] = field(default_factory=dict)
    functions: dict[str, terms.Function] = field(default_factory=dict)
    letters: list[str] = field(default_factory=lambda: [*LETTERS])

    # -- indices -----------------------------------------------------------------------------------

    def note(self, expression: sympy.Basic) -> None:
        """Note every size of an expression, in the order in which they are met."""
        own = {str(index) for index in indices_of(expression)}
        names = {str(symbol) for symbol in expression.free_symbols} | own
        self.letters = [letter for letter in self.letters if letter not in names]
        for part in sympy.preorder_traversal(expression):
            match part:
                case sympy.Sum() | sympy.Product():
                    for limit in part.limits:
                        self.index(*limit_of(part, limit))
                case sympy.Idx() if part.lower is not None and part.upper is not None:
                    self.index(part, part.lower, part.upper)
                case sympy.Indexed() if part.base.shape:
                    for place, size in zip(part.indices, part.base.shape, strict=True):
                        self.dimension(size, place)
                case sympy.MatrixSymbol():
                    for size in part.shape:
                        if size != 1:
                            self.dimension(size, None)
                            self.start(part, size, sympy.Integer(0))

    def index(self, symbol: sympy.Basic, lower: sympy.Basic, upper: sympy.Basic) -> Index:
        """Return an index that runs between two limits."""
        size = sympy.simplify(upper - lower + 1)
        dimension = self.dimension(size, symbol)
        self.start(symbol, size, lower)
        return self.named_index(symbol, dimension)

    def start(self, thing: sympy.Basic, size: sympy.Basic, lower: sympy.Basic) -> None:
        """Note from which number the indices over a size run."""
        if lower != self.starts.setdefault(size, lower):
            raise NotRead(f"{thing} runs from {lower}, others over {size} from {self.starts[size]}")

    def named_index(self, symbol: sympy.Basic, dimension: Dimension) -> Index:
        """Return the index of a name, and remember whose it is."""
        index = Index(str(symbol), dimension)
        self.indices[index] = symbol
        return index

    def dimension(self, size: sympy.Basic, symbol: sympy.Basic | None) -> Dimension:
        """Return the dimension of a size."""
        if not isinstance(size, sympy.Symbol):
            what = f"{symbol} runs over {size}" if symbol is not None else f"a size is {size}"
            raise NotRead(f"{what}: give the size a name, such as Symbol('N', positive=True)")
        if size not in self.dimensions:
            own = str(symbol) if symbol is not None and len(str(symbol)) == 1 else ""
            start = LETTERS.find(own) if own else 0
            later = [letter for letter in self.letters if LETTERS.index(letter) > start]
            spare = (later or self.letters or [""])[0]
            self.letters = [letter for letter in self.letters if letter != spare]
            self.dimensions[size] = Dimension(str(size), own + spare, len(self.dimensions))
        return self.dimensions[size]

    def place(self, symbol: sympy.Basic, bound: Sizes, where: sympy.Basic, size: Any) -> Index:
        """Return the index at a place of an array, whose size is known or None."""
        if symbol in bound:
            found = bound[symbol]
        elif isinstance(symbol, sympy.Idx) and symbol.lower is not None:
            if symbol.upper is None:
                raise NotRead(f"{where}: the index {symbol} has no range")
            found = self.index(symbol, symbol.lower, symbol.upper)
        elif not isinstance(symbol, (sympy.Symbol, sympy.Idx)):
            raise NotRead(f"{where}: the index {symbol} is no name that runs over a size")
        elif size is None:
            raise NotRead(f"{where}: the index {symbol} has no range")
        else:
            found = self.named_index(symbol, self.dimension(size, symbol))
        if size is not None and found.dimension != self.dimension(size, symbol):
            raise NotRead(f"{where}: {symbol} runs over {found.dimension.name}, not over {size}")
        return found

    # -- names -------------------------------------------------------------------------------------

    def array(self, source: sympy.Basic, dimensions: tuple[Dimension, ...]) -> Array:
        """Return the array that an ``IndexedBase``, a ``MatrixSymbol`` or a ``Symbol`` is."""
        name = str(source)
        named = getattr(source, "label", source)
        letter = sympy.latex(named if isinstance(named, sympy.Symbol) else sympy.Symbol(name))
        made = Array(name, dimensions, letter, domain=domain(source))
        if name not in self.arrays:
            self.arrays[name], self.sources[name] = made, source
        if self.arrays[name].dimensions != dimensions:
            before, now = (
                " x ".join(d.name for d in a.dimensions) or "a number"
                for a in (self.arrays[name], made)
            )
            raise NotRead(f"{name}: its sizes are {before} in one place and {now} in another")
        if self.sources[name] != source:
            raise NotRead(f"two things are called {name}")
        return self.arrays[name]

    def entry(self, node: sympy.Basic, bound: Sizes) -> Entry:
        """Return an entry of an array."""
        if isinstance(node, sympy.Indexed):
            source = node.base
            sizes = source.shape or (None,) * len(node.indices)
            pairs = list(zip(node.indices, sizes, strict=True))
        else:
            source = node.parent
            pairs = list(zip(node.indices, source.shape, strict=True))
            pairs = [(index, size) for index, size in pairs if size != 1]
        places = tuple(self.place(index, bound, node, size) for index, size in pairs)
        return self.array(source, tuple(p.dimension for p in places))[places]

    def function(self, name: str) -> terms.Function:
        """Return the unknown function of a name."""
        letter = sympy.latex(sympy.Symbol(name))
        return self.functions.setdefault(name, terms.unknown(name, letter))

    # -- expressions -------------------------------------------------------------------------------

    def term(self, node: Any, bound: Sizes = {}) -> Term:  # noqa: B006 - never changed
        """Return a SymPy expression as a term."""

        def at(part: Any) -> Term:
            return self.term(part, bound)

        match node:
            case sympy.Rational():
                value = Fraction(int(node.p), int(node.q))
                return term(value) if value >= 0 else -term(-value)
            case sympy.core.numbers.Pi():
                return terms.pi()
            case sympy.core.numbers.Exp1():
                return terms.exp(1)
            case sympy.Symbol() if node in self.dimensions:
                return terms.Size(self.dimensions[node])
            case sympy.Idx() | sympy.Symbol() if node in bound:
                raise NotRead(f"the index {node} stands where a number is expected")
            case sympy.Idx():
                raise NotRead(f"the index {node} stands where a number is expected")
            case sympy.Symbol():
                return self.array(node, ())[()]
            case sympy.Indexed():
                return self.entry(node, bound)
            case MatrixElement() if isinstance(node.parent, sympy.MatrixSymbol):
                return self.entry(node, bound)
            case MatrixElement():
                matrix = self.matrix(node.parent, bound)
                shown = zip(node.indices, node.parent.shape, strict=True)
                return matrices.entry(
                    matrix, [self.place(i, bound, node, size) for i, size in shown if size != 1]
                )
            case sympy.MatrixExpr():
                if node.shape != (1, 1):
                    raise NotRead(f"{node}: a matrix; a term is one number, such as an entry")
                return matrices.entry(self.matrix(node, bound))
            case sympy.Add():
                first, *rest = node.as_ordered_terms()
                total = at(first)
                for part in rest:
                    more = at(part)
                    total = total - more.term if isinstance(more, terms.Neg) else total + more
                return total
            case sympy.Mul():
                return self.product(node, bound)
            case sympy.Pow(args=(base, exponent)) if exponent.is_Rational and exponent < 0:
                return 1 / at(base**-exponent)
            case sympy.Pow(args=(base, exponent)):
                return at(base) ** at(exponent)
            case sympy.Max() | sympy.Min():
                function = terms.maximum if isinstance(node, sympy.Max) else terms.minimum
                first, *rest = map(at, node.args)
                for part in rest:
                    first = function(first, part)
                return first
            case sympy.KroneckerDelta(args=(left, right)):
                return self.delta(node, bound, left, right)
            case sympy.Sum() | sympy.Product():
                return self.over(node, bound)
            case sympy.Derivative():
                return self.derivative(node, bound)
            case sympy.Subs(expr=sympy.Derivative(expr=AppliedUndef() as inner, variables=by)):
                if inner.args != node.variables or set(by) != set(node.variables):
                    raise NotRead(f"{node}: write it without Subs")
                return self.primed(inner, len(by))(at(node.point[0]))
            case AppliedUndef():
                if len(node.args) != 1:
                    raise NotRead(f"{node}: an unknown function takes one argument here")
                return self.function(node.func.__name__)(at(node.args[0]))
            case sympy.Expr() if node.func in FUNCTIONS:
                return FUNCTIONS[node.func](*map(at, node.args))
        raise NotRead(f"{type(node).__name__}: {node} has no meaning here")

    def product(self, node: sympy.Mul, bound: Sizes) -> Term:
        """Return a product, with what is divided by below a line and the sign in front."""
        coefficient, rest = node.as_coeff_Mul(rational=True)
        if coefficient < 0:
            return -self.term(-node, bound)
        above: list[sympy.Expr] = [sympy.Integer(coefficient.p)]
        below: list[sympy.Expr] = [sympy.Integer(coefficient.q)]
        for factor in rest.as_ordered_factors():
            exponent = factor.exp if isinstance(factor, sympy.Pow) else sympy.Integer(1)
            inverse = exponent.is_Rational and exponent < 0
            (below if inverse else above).append(1 / factor if inverse else factor)
        numerator, denominator = (
            algebra.times(*(self.term(factor, bound) for factor in side)) for side in (above, below)
        )
        return algebra.over(numerator, denominator)

    def over(self, node: sympy.Sum | sympy.Product, bound: Sizes) -> Term:
        """Return a sum or a product over indices, the last of which stands outside."""
        made: Callable[[Index, Term], Term] = (
            terms.total if isinstance(node, sympy.Sum) else terms.product
        )
        inner = [(limit[0], self.index(*limit_of(node, limit))) for limit in node.limits]
        body = self.term(node.function, {**bound, **dict(inner)})
        for _, index in inner:
            body = made(index, terms.rename_bound(body, frozenset({index})))
        return body

    def delta(self, node: Any, bound: Sizes, left: Any, right: Any) -> Term:
        """Return a delta; an index without a range has that of the other."""
        known = [i for i in (left, right) if i in bound or getattr(i, "upper", None) is not None]
        if not known:
            raise NotRead(f"{node}: neither index has a range")
        sizes = [self.place(known[0], bound, node, None).dimension]
        size = next(size for size, dimension in self.dimensions.items() if dimension == sizes[0])
        return terms.Delta(*(self.place(i, bound, node, size) for i in (left, right)))

    def derivative(self, node: sympy.Derivative, bound: Sizes) -> Term:
        """Return a derivative that has not been taken."""
        by = node.variables
        if isinstance(node.expr, AppliedUndef) and node.expr.args == by[:1] and len(set(by)) == 1:
            return self.primed(node.expr, len(by))(self.term(by[0], bound))
        body = self.term(node.expr, bound)
        for variable in by:
            entry = self.term(variable, bound)
            if not isinstance(entry, Entry):
                raise NotRead(f"{node}: {variable} is no variable")
            body = terms.D(terms.rename_bound(body, frozenset(entry.indices)), entry)
        return body

    def primed(self, applied: Any, order: int) -> terms.Function:
        """Return a derivative of an unknown function."""
        function = self.function(applied.func.__name__)
        for _ in range(order):
            function = function.prime
        return function

    # -- matrices ----------------------------------------------------------------------------------

    def matrix(self, node: Any, bound: Sizes) -> Matrix:
        """Return a matrix expression."""

        def at(part: Any) -> Matrix:
            return self.matrix(part, bound)

        match node:
            case sympy.MatrixSymbol():
                sizes = [size for size in node.shape if size != 1]
                whole = Whole(self.array(node, tuple(self.dimension(s, None) for s in sizes)))
                return whole.T if node.shape[0] == 1 else whole
            case sympy.MatMul():
                factor, parts = node.as_coeff_matrices()
                made = at(parts[0])
                for part in parts[1:]:
                    made = made @ at(part)
                if factor == -1:
                    return -made
                return made if factor == 1 else self.term(factor, bound) * made
            case sympy.MatAdd():
                made = at(node.args[0])
                for part in node.args[1:]:
                    more = at(part)
                    made = made - more.inner if isinstance(more, matrices.Minus) else made + more
                return made
            case sympy.HadamardProduct():
                made = at(node.args[0])
                for part in node.args[1:]:
                    made = made * at(part)
                return made
            case sympy.Transpose():
                return at(node.arg).T
            case sympy.matrices.expressions.special.OneMatrix() if 1 in node.shape:
                ones = Ones(self.dimension(max(node.shape, key=lambda size: size != 1), None))
                return ones if node.shape[1] == 1 else ones.T
        raise NotRead(f"{type(node).__name__}: {node} has no meaning here")

    # -- a forward pass ----------------------------------------------------------------------------

    def quantity(self, expression: Any) -> Term:
        """Return a quantity: of a matrix expression, its entry at indices of its own."""
        if not isinstance(expression, sympy.MatrixExpr):
            return self.term(expression)
        matrix = self.matrix(expression, {})
        at: tuple[Index, ...] = ()
        for dimension in matrices.shape(matrix):
            if dimension != matrices.ONE:
                at += (dimension.fresh(frozenset(at)),)
        return matrices.entry(matrix, at)

    def variable(self, node: sympy.Basic, expression: sympy.Basic) -> Array | Entry:
        """Return what is differentiated by."""
        if isinstance(node, (sympy.IndexedBase, sympy.MatrixSymbol)):
            if str(node) not in self.arrays:
                raise NotRead(f"{expression} does not depend on {node}")
            return self.arrays[str(node)]
        entry = self.term(node)
        if not isinstance(entry, Entry):
            raise NotRead(f"{node} is no variable")
        return entry

    def hypothesis(self, equation: sympy.Eq) -> Hypothesis:
        """Return what it means that a sum of the entries of an array is one."""
        said = self.term(equation.lhs)
        match said:
            case terms.Sum(index, Entry() as entry) if equation.rhs == 1:
                other = index.dimension.fresh(frozenset(entry.indices))
                others = terms.total(other, terms.reindex(entry, {index: other}))
                return Hypothesis(f"${sympy.latex(equation)}$.", ((entry, entry / others),))
        raise NotRead(f"{equation}: what can be given is that a sum of entries is 1")

    # -- back --------------------------------------------------------------------------------------

    def back(self, node: Term) -> sympy.Expr:
        """Return a term in the names, the sizes and the ranges of the expressions that were read.

        Entries of a ``MatrixSymbol`` come back as its elements.
        """
        prepared = sympy_code.prepare([node])
        made = sympy_code.build(prepared.terms[0], prepared, {})
        # Two Subs whose points are printed alike are equal to SymPy, so that one whose names have
        # been replaced comes back from its cache as it was: another function holds the place.
        slope = sympy.Function("slope")
        made = made.replace(sympy.Subs, lambda inner, _, at: slope(inner, *at))
        known: dict[Any, Any] = {}
        for part in made.atoms(sympy.Indexed):
            source = self.sources[str(part.base)]
            if isinstance(source, sympy.MatrixSymbol):
                at_hand = iter(part.indices)
                at = tuple(0 if size == 1 else next(at_hand) for size in source.shape)
                known[part] = source[at]
            else:
                known[part] = source[part.indices]
        made = made.xreplace(known)
        sizes = {dimension: size for size, dimension in self.dimensions.items()}
        places: dict[Any, Any] = {}
        for thing, name in prepared.names.items():
            symbol = sympy_code.index_symbol(name)
            if isinstance(thing, Dimension):
                known[symbol] = sizes[thing]
            elif isinstance(thing, Index) and thing in self.indices:
                places[symbol] = self.indices[thing]
            elif isinstance(thing, Array) and not thing.dimensions:
                known[sympy_code.to_sympy(thing[()])] = self.sources[thing.name]
        made = made.xreplace(known)
        summed = made.replace(lambda p: isinstance(p, (sympy.Sum, sympy.Product)), self.ranged)
        if summed.has(slope):
            sympy.core.cache.clear_cache()
        return summed.xreplace(places).replace(
            slope, lambda inner, at: sympy.Subs(inner, inner.variables[0], at)
        )

    def ranged(self, node: Any) -> sympy.Expr:
        """Return a sum from 1 on with the range that the indices of its size had."""
        limits = [(i, self.starts.get(size, 1), size) for i, _, size in node.limits]
        return node.func(
            node.function,
            *((i, low, size if low == 1 else low + size - 1) for i, low, size in limits),
        )


def term_of(expression: sympy.Expr) -> Term:
    """Return a SymPy expression as a term.

    Raises
    ------
    NotRead
        Where an index has no range, two sizes clash, or a function is not known here.
    """
    reader = Reader()
    reader.note(expression)
    return reader.term(expression)


def read(
    expression: sympy.Basic, variables: Sequence[sympy.Basic], given: Sequence[sympy.Eq] = ()
) -> tuple[Reader, Definition, list[Array | Entry], tuple[Hypothesis, ...]]:
    """Return a quantity, the variables to differentiate by and what is given of its arrays."""
    reader = Reader()
    for part in (expression, *variables, *given):
        reader.note(part)
    body = reader.quantity(expression)
    name = next(name for name in "fghC" if name not in reader.arrays)
    quantity = Definition(name, moves.order(body), body)
    by = [reader.variable(variable, expression) for variable in variables]
    return reader, quantity, by, tuple(map(reader.hypothesis, given))


def derive_sympy(
    expression: sympy.Basic,
    by: sympy.Basic,
    twice: sympy.Basic | None = None,
    given: Sequence[sympy.Eq] = (),
) -> sympy.Expr:
    """Return the derivative of a SymPy expression, for all sizes, as SymPy.

    It is derived and not verified here: ``derive`` returns the statement, to be verified.

    Parameters
    ----------
    expression
        Made of ``IndexedBase``, ``Symbol``, ``MatrixSymbol``, ``Sum`` and functions of one
        argument; an undefined ``Function`` is any function.
    by
        A ``Symbol``, an ``IndexedBase`` or a ``MatrixSymbol``; an entry such as ``w[k]`` says what
        its indices are called in the result.
    twice
        The variable of a second derivative.
    given
        Equations such as ``Eq(Sum(Y[i, a], a), 1)``: sums of an array that are one.
    """
    from derivations.derive import derive

    variables = [variable for variable in (by, twice) if variable is not None]
    reader, quantity, found, hypotheses = read(expression, variables, given)
    second = found[1] if twice is not None else None
    derived = derive(quantity, found[0], second, given=hypotheses)
    return reader.back(derived.result.chains[0].last)


def indices_of(node: sympy.Basic) -> Iterator[sympy.Basic]:
    """Yield the indices of sums and of entries."""
    for part in sympy.preorder_traversal(node):
        match part:
            case sympy.Sum() | sympy.Product():
                yield from (limit[0] for limit in part.limits)
            case sympy.Indexed():
                yield from part.indices


def limit_of(node: Any, limit: Any) -> tuple[Any, Any, Any]:
    """Return the index of a sum and where it starts and ends."""
    if len(limit) != 3:
        raise NotRead(f"{node}: the index {limit[0]} has no range")
    return limit[0], limit[1], limit[2]


def domain(source: Any) -> str:
    """Return what SymPy assumes of a name."""
    if source.is_positive:
        return "positive"
    return "nonnegative" if source.is_nonnegative else "real"
