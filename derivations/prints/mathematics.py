"""Terms and matrices in the author's order: as LaTeX, as plain text, as MathML.

One walk serves all: a style says how a fraction, a subscript or a sum looks. Nothing is sorted or
simplified, so output is the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derivations.language import matrices, terms
from derivations.language.matrices import Matrix
from derivations.language.terms import Array, Definition, Function, Index, Term

SUM, NEGATIVE, PRODUCT, POWER, ATOM = range(5)

GREEK = {
    "sigma": "σ", "lambda": "λ", "delta": "δ", "tau": "τ", "omega": "ω", "zeta": "ζ",
    "phi": "φ", "psi": "ψ", "theta": "θ", "ell": "ℓ", "alpha": "α", "beta": "β", "rho": "ρ",
    "gamma": "γ", "epsilon": "ε", "mu": "μ", "kappa": "κ", "eta": "η", "chi": "χ", "nu": "ν",
    "pi": "π", "density": "φ", "cumulative": "Φ",
}  # fmt: skip
Named = Array | Definition


@dataclass(frozen=True)
class Style:
    """How the parts of a formula look; what is below a part comes as it is printed already.

    ``flat`` styles have one line: what else is raised or stacked needs parentheses there.
    """

    flat: bool
    signs: Mapping[str, str]
    row: Callable[..., str]
    group: Callable[[str, str], str]  # the second: the fences
    name: Callable[[Named, Sequence[Index]], str]
    whole: Callable[[Named, Sequence[Index]], str]
    function: Callable[[Function], str]
    number: Callable[[int], str]
    letter: Callable[[str], str]  # of a size
    call: Callable[[str, Sequence[str]], str]
    times: Callable[[str], str]  # the sign of a product before a factor
    fraction: Callable[[str, str], str]
    ratio: Callable[[str, str], str]  # of differentials
    power: Callable[[str, str], str]
    transpose: Callable[[str], str]
    root: Callable[[str], str]
    below: Callable[[str, str], str]  # a sign with what stands under it
    big: Callable[[str, Index], str]
    limit: Callable[[str, str], str]
    nabla: Callable[[str, int], str]


# -- strings ---------------------------------------------------------------------------------------


def latex_letter(of: Named) -> str:
    """Return the LaTeX of an entry's letter."""
    return of.letter or of.name


def latex_name(of: Named, indices: Sequence[Index]) -> str:
    """Return the LaTeX of an entry of an array, or of a named quantity."""
    if of.written:
        return of.written.format(*(index.name for index in indices))
    return scripted(latex_letter(of), of, indices)


def latex_whole(of: Named, indices: Sequence[Index] = ()) -> str:
    """Return the LaTeX of a whole array, or of a row of it."""
    if indices:
        return scripted(rf"\mathbf{{{latex_letter(of)}}}", of, indices)
    bold = of.bold or rf"\mathbf{{{latex_letter(of)}}}"
    return f"{bold}^{{{of.superscript}}}" if of.superscript else bold


def scripted(letter: str, of: Named, indices: Sequence[Index]) -> str:
    """Return a letter in LaTeX with its superscript and its indices."""
    up = f"^{{{of.superscript}}}" if of.superscript else ""
    return letter + up + (f"_{{{subscripts(indices)}}}" if indices else "")


def latex_group(inner: str, fences: str = "()") -> str:
    """Return an expression in parentheses that grow with it."""
    if fences == "||":
        return rf"\lvert {inner} \rvert"
    tall = any(mark in inner for mark in (r"\frac", r"\sum", r"\prod", r"\left"))
    return (
        rf"\left{fences[0]} {inner} \right{fences[1]}" if tall or fences == "[]" else f"({inner})"
    )


def plain_letter(of: Named, _: Sequence[Index] = ()) -> str:
    """Return the name of an array or quantity, Greek where it is."""
    stem, underscore, rest = of.name.partition("_")
    primes = stem[len(stem.rstrip("'")) :]
    return (
        GREEK.get(stem.rstrip("'"), stem.rstrip("'")) + primes + underscore + GREEK.get(rest, rest)
    )


def plain_name(of: Named, indices: Sequence[Index]) -> str:
    """Return an entry of an array, or a named quantity, as text."""
    if of.written:
        written = of.written.replace(r"\mathbf", "").replace("\\", "")
        return written.format(*(index.name for index in indices))
    return plain_whole(of, indices)


def plain_whole(of: Named, indices: Sequence[Index]) -> str:
    """Return a whole array, or a row of it, as text."""
    return plain_letter(of) + (f"_{subscripts(indices)}" if indices else "")


def joined(*parts: str) -> str:
    """Return parts as one."""
    return "".join(parts)


LATEX = Style(
    flat=False,
    signs={
        "<=": r"\le", ">=": r"\ge", "!=": r"\ne", "+": " + ", "-": " - ", "negative": "-", "dot": r" \cdot ",
        "times": r" \, ", "hadamard": r" \circ ", "kronecker": r" \otimes ", "partial": r"\partial ",
        "d": "d", "diag": r"\operatorname{diag}", "ones": r"\mathbf{1}", "e": "e",
        "expectation": r"\mathbb{E}", "apply": " ", "gap": " ",
    },
    row=joined,
    group=latex_group,
    name=latex_name,
    whole=latex_whole,
    function=lambda function: (function.letter or function.name) + "'" * function.order,
    number=str,
    letter=str,
    call=lambda function, arguments: function + latex_group(", ".join(arguments)),
    times=lambda after: " " if after.startswith(("(", r"\left(")) else r" \, ",
    fraction=lambda above, below: rf"\frac{{{above}}}{{{below}}}",
    ratio=lambda above, below: rf"\frac{{{above}}}{{{below}}}",
    power=lambda base, exponent: f"{base}^{{{exponent}}}",
    transpose=lambda matrix: rf"{matrix}^\top",
    root=lambda inner: rf"\sqrt{{{inner}}}",
    below=lambda sign, below: f"{sign}_{{{below}}}",
    big=lambda sign, index: rf"\{sign}_{{{index.name}=1}}^{{{index.dimension.name}}} ",
    limit=lambda variable, sign: rf"\lim_{{{variable} \to {sign}\infty}} ",
    nabla=lambda by, order: rf"\nabla{'^{2}' if order == 2 else ''}_{{{by}}}",
)  # fmt: skip

TEXT = Style(
    flat=True,
    signs={
        "<=": "≤", ">=": "≥", "!=": "≠", "+": " + ", "-": " - ", "negative": "-", "dot": " · ", "times": " ",
        "hadamard": " ∘ ", "kronecker": " ⊗ ", "partial": "∂", "d": "d",
        "diag": "diag", "ones": "1", "e": "e", "expectation": "E", "apply": " ", "gap": " ",
    },
    row=joined,
    group=lambda inner, fences: f"{fences[0]}{inner}{fences[1]}",
    name=plain_name,
    whole=plain_whole,
    function=lambda function: GREEK.get(function.name, function.name) + "'" * function.order,
    number=str,
    letter=str,
    call=lambda function, arguments: f"{function}({', '.join(arguments)})",
    times=lambda after: " ",
    fraction=lambda above, below: f"{above} / {below}",
    ratio=lambda above, below: f"{above}/{below}",
    power=lambda base, exponent: f"{base}^{exponent}",
    transpose=lambda matrix: f"{matrix}^T",
    root=lambda inner: f"√({inner})",
    below=lambda sign, below: f"{sign}_{below}",
    big=lambda sign, index: f"{'Σ' if sign == 'sum' else 'Π'}_{index.name} ",
    limit=lambda variable, sign: f"lim {variable} → {sign}∞ ",
    nabla=lambda by, order: f"∇{'²' if order == 2 else ''}_{by}",
)  # fmt: skip


def latex(node: Term | Matrix) -> str:
    """Return the LaTeX of a term or a matrix expression."""
    return show(node, LATEX)


def text(node: Term | Matrix) -> str:
    """Return a term or a matrix expression as plain text."""
    return show(node, TEXT)


def relation(name: str, style: Style) -> str:
    """Return the sign of a relation."""
    return style.signs.get(name, name)


def show(node: Term | Matrix | int, style: Style) -> str:
    """Return an expression in a style."""
    return of_matrix(node, style) if isinstance(node, Matrix) else of_term(terms.term(node), style)


def between(parts: Sequence[str], sign: str, style: Style) -> str:
    """Return parts with a sign between them."""
    return style.row(parts[0], *(p for part in parts[1:] for p in (style.signs[sign], part)))


def subscripts(indices: Sequence[Index]) -> str:
    """Return indices written together, apart by commas where one is longer than a letter."""
    names = [index.name for index in indices]
    return ("" if all(len(name.rstrip("'")) == 1 for name in names) else ",").join(names)


# -- how tightly things hold together --------------------------------------------------------------


def level(node: Term | Matrix, style: Style) -> int:
    """Return how tightly a term or a matrix expression holds together."""
    match node:
        case terms.Add() | matrices.Plus():
            return SUM
        case terms.Neg() | matrices.Minus():
            return NEGATIVE
        case terms.Number(value):
            if value < 0:
                return NEGATIVE
            return PRODUCT if value.denominator != 1 and style.flat else ATOM
        case terms.Mul() | terms.Sum() | terms.Product() | terms.Limit():
            return PRODUCT
        case terms.Div():
            return PRODUCT if style.flat else POWER
        case terms.D(body, _):
            return POWER if is_name(body) and not style.flat else PRODUCT
        case terms.Pow() | terms.Apply(terms.exp, _):
            return POWER
        case terms.Apply(terms.log, _):
            return PRODUCT if style.flat else POWER
        case matrices.Scalar(matrix):
            return level(matrix, style)
        case matrices.Dot() | matrices.Scaled() | matrices.Hadamard() | matrices.Kronecker():
            return PRODUCT
        case matrices.Gradient() | matrices.Hessian() | matrices.Total():
            return PRODUCT
    return ATOM


def is_name(node: Term) -> bool:
    """Return True for what is written as one letter."""
    if isinstance(node, terms.Use):
        return all(isinstance(argument, Index) for argument in node.arguments)
    return isinstance(node, terms.Entry) and not node.array.written


def raised(node: Term | Matrix, style: Style) -> bool:
    """Return True for what has a superscript already: before a second one it needs a group."""
    match node:
        case terms.Entry(of) | terms.Use(of):
            found = bool(of.superscript) or "^" in of.letter + of.written
        case matrices.Whole(of):
            found = bool(of.superscript) or "^" in of.bold
        case _:
            found = isinstance(node, matrices.Transpose)
    return found and not style.flat


def within(node: Term | Matrix, least: int, style: Style) -> str:
    """Return an expression, in parentheses where it holds less tightly than asked for."""
    shown = show(node, style)
    return shown if level(node, style) >= least else style.group(shown, "()")


# -- terms -----------------------------------------------------------------------------------------


def of_term(node: Term, style: Style) -> str:
    """Return a term in a style."""

    def shown(part: Term) -> str:
        return of_term(part, style)

    match node:
        case terms.Number(value):
            return of_number(value, style)
        case terms.Size(dimension):
            return style.letter(dimension.name)
        case terms.Entry(array, indices):
            return style.name(array, indices)
        case terms.Use(definition, arguments):
            name = style.name(definition, [a for a in arguments if isinstance(a, Index)])
            given = [
                of_argument(a, style)
                for p, a in zip(definition.parameters, arguments, strict=True)
                if not isinstance(a, Index) and not own(p, a)
            ]
            return style.call(name, given) if given else name
        case terms.Add(summands):
            return added(summands, style)
        case terms.Neg(inner):
            return style.row(style.signs["negative"], within(inner, PRODUCT, style))
        case terms.Mul(factors):
            return multiplied(factors, style)
        case terms.Div(numerator, denominator) if style.flat:
            above, below = within(numerator, PRODUCT, style), within(denominator, POWER, style)
            return style.fraction(above, below)
        case terms.Div(numerator, denominator):
            return style.fraction(shown(numerator), shown(denominator))
        case terms.Pow(base, terms.Number(value)) if value == Fraction(1, 2):
            return style.root(shown(base))
        case terms.Pow(base, exponent):
            plain = isinstance(base, (terms.Entry, terms.Use, terms.Number))
            closed = not plain or level(base, style) < ATOM or raised(base, style)
            below = style.group(shown(base), "()") if closed else shown(base)
            above = within(exponent, ATOM, style) if style.flat else shown(exponent)
            return style.power(below, above)
        case terms.Apply(terms.exp, (power,)):
            above = shown(power)
            closed = style.flat and " " in above
            return style.power(style.signs["e"], style.group(above, "()") if closed else above)
        case terms.Apply(terms.log, (inner,)) if is_name(inner):
            return style.row(style.function(terms.log), style.signs["apply"], shown(inner))
        case terms.Apply(terms.absolute, (inner,)):
            return style.group(shown(inner), "||")
        case terms.Apply(function, arguments):
            name = style.function(function)
            return style.call(name, [*map(shown, arguments)]) if arguments else name
        case terms.Delta(left, right):
            return style.name(DELTA, (left, right))
        case terms.Sum(index, body):
            return style.row(style.big("sum", index), within(body, PRODUCT, style))
        case terms.Product(index, body):
            return style.row(style.big("prod", index), within(body, PRODUCT, style))
        case terms.D():
            return derivative(node, style)
        case terms.Limit(body, variable, infinity):
            sign = style.limit(shown(variable), "-" if infinity < 0 else "")
            return style.row(sign, within(body, PRODUCT, style))
        case terms.Expectation(label, body=body):
            sign = style.below(style.signs["expectation"], shown(label))
            return style.row(sign, style.group(shown(body), "[]"))
        case matrices.Scalar(matrix):
            return of_matrix(matrix, style)
    raise TypeError(f"cannot print {type(node).__name__}")


DELTA = Array("delta", letter=r"\delta")


def of_number(value: Fraction, style: Style) -> str:
    """Return a number."""
    shown = style.number(abs(value.numerator))
    if value.denominator != 1:
        shown = style.fraction(shown, style.number(value.denominator))
    return style.row(style.signs["negative"], shown) if value < 0 else shown


def added(parts: Sequence[Term] | Sequence[Matrix], style: Style) -> str:
    """Return a sum; what is negative is taken away."""
    shown = [within(parts[0], SUM, style)]
    for part in parts[1:]:
        match part:
            case terms.Neg(inner) | matrices.Minus(inner):
                shown += [style.signs["-"], within(inner, PRODUCT, style)]
            case _:
                shown += [style.signs["+"], within(part, PRODUCT, style)]
    return style.row(*shown)


def multiplied(factors: Sequence[Term], style: Style) -> str:
    """Return a product; a dot stands before a number, and between two."""
    shown: list[str] = []
    for n, part in enumerate(factors):
        open_ended = isinstance(part, (terms.Sum, terms.Product, terms.Limit))
        divided = style.flat and isinstance(part, terms.Div)
        closed = divided or (open_ended and n < len(factors) - 1)
        factor = within(part, ATOM if closed else PRODUCT, style)
        if shown:
            two = isinstance(factors[n - 1], terms.Number) and begins_with_number(part)
            dot = two or isinstance(part, terms.Number)
            shown.append(style.signs["dot"] if dot else style.times(factor))
        shown.append(factor)
    return style.row(*shown)


def begins_with_number(node: Term) -> bool:
    """Return True for a number, its powers, and products that begin with one."""
    match node:
        case terms.Pow(first, _) | terms.Mul((first, *_)):
            return begins_with_number(first)
    return isinstance(node, terms.Number)


def own(parameter: Index | terms.Entry | Array, given: Term | terms.Each) -> bool:
    """Return True for an array that stands for itself: S_a is the softmax of z."""
    return isinstance(parameter, Array) and terms.as_argument(parameter) == given


def of_argument(given: Term | terms.Each | Index, style: Style) -> str:
    """Return an argument; in an array given by its entries, a dot stands for its own index."""
    if isinstance(given, terms.Each):
        dots = {i: Index("·" if style.flat else r"\cdot", i.dimension) for i in given.indices}
        return of_term(terms.reindex(given.body, dots), style)
    return of_term(given, style)  # type: ignore[arg-type]


def derivative(node: terms.D, style: Style) -> str:
    """Return a derivative as a fraction, its orders gathered."""
    variables, body = gathered(node)
    mark = style.signs["d" if straight(variables, body) else "partial"]
    order = [style.number(len(variables))] if len(variables) > 1 else []
    above = style.power(mark.rstrip(), *order) if order else mark
    shown = [of_term(variable, style) for variable in variables]
    if order and len(set(variables)) == 1:
        below = style.row(mark, style.power(shown[0], *order))
    else:
        below = between([style.row(mark, variable) for variable in shown], "times", style)
    below = style.group(below, "()") if style.flat and order else below
    if is_name(body):
        apart = [style.signs["gap"]] if order else []
        return style.ratio(style.row(above, *apart, of_term(body, style)), below)
    operator = style.ratio(above.rstrip(), below)
    if isinstance(body, terms.Use) or (
        isinstance(body, terms.Apply) and body.function is terms.log
    ):
        return style.row(operator, style.signs["times"], of_term(body, style))
    return style.row(operator, style.group(of_term(body, style), "[]"))


def gathered(node: terms.D) -> tuple[list[terms.Entry], Term]:
    """Return the variables of a derivative of a derivative, and what is differentiated."""
    variables: list[terms.Entry] = []
    body: Term = node
    while isinstance(body, terms.D):
        variables.insert(0, body.variable)
        body = body.body
    return variables, body


def straight(variables: Sequence[terms.Entry], body: Term) -> bool:
    """Return True where a derivative is written with a straight d."""
    return not any(variable.indices for variable in variables) and is_function_of_one(body)


def is_function_of_one(body: Term) -> bool:
    """Return True when a term has one scalar variable and no indexed entry."""
    entries = {part for part in terms.walk(terms.unfold(body)) if isinstance(part, terms.Entry)}
    return len(entries) == 1 and not any(entry.indices for entry in entries)


# -- matrices --------------------------------------------------------------------------------------


def of_matrix(node: Matrix, style: Style) -> str:
    """Return a matrix expression in a style."""
    match node:
        case matrices.Whole(of, first):
            return style.whole(of, first)
        case matrices.Dot(factors):
            least = POWER if len(factors) > 1 else PRODUCT
            return between([within(f, least, style) for f in factors], "times", style)
        case matrices.Plus(parts):
            return added(parts, style)
        case matrices.Minus(inner):
            return style.row(style.signs["negative"], within(inner, PRODUCT, style))
        case matrices.Scaled(factor, inner):
            scale = within(factor, PRODUCT, style)
            return style.row(scale, style.signs["times"], within(inner, PRODUCT, style))
        case matrices.Hadamard(factors):
            return between([within(f, POWER, style) for f in factors], "hadamard", style)
        case matrices.Kronecker(left, right):
            return between([within(f, PRODUCT, style) for f in (left, right)], "kronecker", style)
        case matrices.Total(index, inner):
            return style.row(style.big("sum", index), within(inner, PRODUCT, style))
        case matrices.Transpose(inner):
            shown = within(inner, ATOM, style)
            shown = style.group(shown, "()") if raised(inner, style) else shown
            return style.transpose(shown)
        case matrices.Diagonal(vector):
            return style.call(style.signs["diag"], [of_matrix(vector, style)])
        case matrices.Ones():
            return style.signs["ones"]
        case matrices.Each(function, inner):
            return style.call(style.name(function, ()), [of_matrix(inner, style)])
        case matrices.Gradient(of, by) | matrices.Hessian(of, by):
            order = 1 + isinstance(node, matrices.Hessian)
            nabla = style.nabla(style.whole(by, ()), order)
            return style.row(nabla, style.signs["times"], of_term(of, style))
        case matrices.Jacobian(of, by):
            marked = [style.row(style.signs["partial"], style.whole(x, ())) for x in (of, by)]
            return style.fraction(*marked)
    raise TypeError(f"cannot print {type(node).__name__}")
