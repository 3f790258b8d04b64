"""Terms and matrices as LaTeX and as plain text, in the author's order.

One walk serves both: a style says how a fraction, a subscript or a sum looks. Nothing is sorted or
simplified, so output is the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derivations.language import matrices, terms
from derivations.language.matrices import Matrix
from derivations.language.terms import Array, Definition, Index, Term

SUM, NEGATIVE, PRODUCT, POWER, ATOM = range(5)

GREEK = {
    "sigma": "σ", "lambda": "λ", "delta": "δ", "tau": "τ", "omega": "ω", "zeta": "ζ",
    "phi": "φ", "psi": "ψ", "theta": "θ", "ell": "ℓ", "alpha": "α", "beta": "β", "rho": "ρ",
    "gamma": "γ", "epsilon": "ε", "mu": "μ", "kappa": "κ", "eta": "η", "chi": "χ", "nu": "ν",
    "pi": "π", "density": "φ", "cumulative": "Φ",
}  # fmt: skip
RELATIONS = {"<=": (r"\le", "≤"), ">=": (r"\ge", "≥")}


@dataclass(frozen=True)
class Style:
    """How the parts of a formula look."""

    letter: Callable[[Array | Definition], str]
    bold: Callable[[Array | Definition], str]
    indexed: Callable[[str, str, str], str]
    fraction: Callable[[str, str], str]
    power: Callable[[str, str], str]
    group: Callable[[str], str]
    big: Callable[[str, Index], str]
    names: dict[str, str]
    join: str
    exponential: Callable[[str], str]
    template: Callable[[str], str]


def latex_letter(of: Array | Definition) -> str:
    """Return the LaTeX of an entry's letter."""
    return of.letter or of.name


def latex_bold(of: Array | Definition) -> str:
    """Return the LaTeX of the whole array, with its superscript."""
    bold = of.bold or rf"\mathbf{{{latex_letter(of)}}}"
    return f"{bold}^{{{of.superscript}}}" if of.superscript else bold


def latex_group(inner: str) -> str:
    """Return an expression in parentheses that grow with it."""
    tall = any(mark in inner for mark in (r"\frac", r"\sum", r"\prod", r"\left"))
    return rf"\left( {inner} \right)" if tall else f"({inner})"


def plain_letter(of: Array | Definition) -> str:
    """Return the name of an array or quantity, Greek where it is."""
    stem, underscore, rest = of.name.partition("_")
    primes = stem[len(stem.rstrip("'")) :]
    return (
        GREEK.get(stem.rstrip("'"), stem.rstrip("'")) + primes + underscore + GREEK.get(rest, rest)
    )


LATEX = Style(
    letter=latex_letter,
    bold=latex_bold,
    indexed=lambda letter, up, down: letter
    + (f"^{{{up}}}" if up else "")
    + (f"_{{{down}}}" if down else ""),
    fraction=lambda above, below: rf"\frac{{{above}}}{{{below}}}",
    power=lambda base, exponent: f"{base}^{{{exponent}}}",
    group=latex_group,
    big=lambda sign, index: rf"\{sign}_{{{index.name}=1}}^{{{index.dimension.name}}} ",
    names={
        "partial": r"\partial ", "d": "d", "top": r"^\top", "hadamard": r" \circ ",
        "kronecker": r" \otimes ",
        "diag": r"\operatorname{diag}", "ones": r"\mathbf{1}", "nabla": r"\nabla", "log": r"\log",
        "exp": r"\exp", "min": r"\min", "max": r"\max", "abs": r"\lvert {} \rvert",
        "expect": r"\mathbb{E}", "lim": r"\lim_{{{} \to {}}} ", "infinity": r"\infty",
        "delta": r"\delta", "dot": r"\cdot ", "[": r"\left[ ", "]": r" \right]", "root": r"\sqrt{{{}}}",
    },
    join=r" \, ",
    exponential=lambda argument: f"e^{{{argument}}}",
    template=lambda template: template,
)  # fmt: skip

TEXT = Style(
    letter=plain_letter,
    bold=plain_letter,
    indexed=lambda letter, up, down: letter + (f"_{down}" if down else ""),
    fraction=lambda above, below: f"{above} / {below}",
    power=lambda base, exponent: f"{base}^{exponent}",
    group=lambda inner: f"({inner})",
    big=lambda sign, index: {"sum": "Σ", "prod": "Π"}[sign] + f"_{index.name} ",
    names={
        "partial": "∂", "d": "d", "top": "^T", "hadamard": " ∘ ",
        "kronecker": " ⊗ ", "diag": "diag", "ones": "1",
        "nabla": "∇", "log": "log", "exp": "exp", "min": "min", "max": "max", "abs": "|{}|",
        "expect": "E", "lim": "lim {} → {} ", "infinity": "∞", "delta": "δ", "dot": "·",
        "[": "[", "]": "]", "root": "√({})",
    },
    join=" ",
    exponential=lambda argument: f"e^({argument})" if " " in argument else f"e^{argument}",
    template=lambda template: template.replace(r"\mathbf", "").replace("\\", ""),
)  # fmt: skip


def latex(node: Term | Matrix) -> str:
    """Return the LaTeX of a term or a matrix expression."""
    return show(node, LATEX)


def text(node: Term | Matrix) -> str:
    """Return a term or a matrix expression as plain text."""
    return show(node, TEXT)


def relation(name: str, style: Style) -> str:
    """Return the sign of a relation."""
    return RELATIONS[name][style is TEXT] if name in RELATIONS else name


def show(node: Term | Matrix, style: Style) -> str:
    """Return an expression in a style."""
    return of_matrix(node, style) if isinstance(node, Matrix) else of_term(node, style)


def subscripts(indices: Sequence[Index]) -> str:
    """Return indices written together, apart by commas where one is longer than a letter."""
    names = [index.name for index in indices]
    return ("" if all(len(name.rstrip("'")) == 1 for name in names) else ",").join(names)


def level(node: Term, style: Style) -> int:
    """Return how tightly a term holds together."""
    match node:
        case terms.Add():
            return SUM
        case terms.Neg():
            return NEGATIVE
        case terms.Number(value):
            if value < 0:
                return NEGATIVE
            return ATOM if value.denominator == 1 or style is LATEX else PRODUCT
        case terms.Mul() | terms.Sum() | terms.Product() | terms.Limit():
            return PRODUCT
        case terms.Div():
            return POWER if style is LATEX else PRODUCT
        case terms.D(body, _):
            return POWER if is_name(body) and style is LATEX else PRODUCT
        case terms.Pow():
            return POWER
        case terms.Apply(terms.exp, _):
            return POWER
        case terms.Apply(terms.log, _):
            return PRODUCT if style is TEXT else POWER
        case matrices.Scalar(matrix):
            return matrix_level(matrix)
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
    return found and style is LATEX


def of_term(node: Term, style: Style) -> str:
    """Return a term in a style."""

    def at(part: Term, least: int) -> str:
        shown = of_term(part, style)
        return shown if level(part, style) >= least else style.group(shown)

    def factor(part: Term, last: bool) -> str:
        divided = style is TEXT and isinstance(part, terms.Div)
        if divided or (isinstance(part, (terms.Sum, terms.Product, terms.Limit)) and not last):
            return style.group(of_term(part, style))
        return at(part, PRODUCT)

    match node:
        case terms.Number(value):
            if value.denominator == 1:
                return str(value.numerator)
            sign = "-" if value < 0 else ""
            return sign + style.fraction(str(abs(value.numerator)), str(value.denominator))
        case terms.Size(dimension):
            return dimension.name
        case terms.Entry(array, indices):
            if array.written:
                return style.template(array.written).format(*(i.name for i in indices))
            return style.indexed(style.letter(array), array.superscript, subscripts(indices))
        case terms.Use(definition, arguments):
            places = [a for a in arguments if isinstance(a, Index)]
            scalars = [
                of_argument(a, style)
                for p, a in zip(definition.parameters, arguments, strict=True)
                if not isinstance(a, Index) and not own(p, a)
            ]
            if definition.written:
                shown = style.template(definition.written).format(*(i.name for i in places))
            else:
                shown = style.indexed(
                    style.letter(definition), definition.superscript, subscripts(places)
                )
            return shown + style.group(", ".join(scalars)) if scalars else shown
        case terms.Add(summands):
            shown = at(summands[0], SUM)
            for part in summands[1:]:
                if isinstance(part, terms.Neg):
                    shown += f" - {at(part.term, PRODUCT)}"
                else:
                    shown += f" + {at(part, PRODUCT)}"
            return shown
        case terms.Neg(inner):
            return f"-{at(inner, PRODUCT)}"
        case terms.Mul(factors):
            parts = [factor(f, f is factors[-1]) for f in factors]
            shown = parts[0]
            for before, after, written in zip(factors, factors[1:], parts[1:], strict=False):
                if isinstance(after, terms.Number) or (
                    isinstance(before, terms.Number) and written[0].isdigit()
                ):
                    shown += f" {style.names['dot']} {written}"
                else:
                    shown += (" " if written.startswith(("(", r"\left(")) else style.join) + written
            return shown
        case terms.Div(numerator, denominator):
            if style is LATEX:
                return style.fraction(of_term(numerator, style), of_term(denominator, style))
            return style.fraction(at(numerator, PRODUCT), at(denominator, POWER))
        case terms.Pow(base, exponent):
            if isinstance(exponent, terms.Number) and exponent.value == Fraction(1, 2):
                return style.names["root"].format(of_term(base, style))
            plain = isinstance(base, (terms.Entry, terms.Use, terms.Number))
            shown = of_term(base, style)
            if not plain or level(base, style) < ATOM or raised(base, style):
                shown = style.group(shown)
            above = of_term(exponent, style)
            short = style is LATEX or level(exponent, style) == ATOM
            return style.power(shown, above if short else f"({above})")
        case terms.Apply(terms.exp, (argument,)):
            return style.exponential(of_term(argument, style))
        case terms.Apply(terms.log, (argument,)):
            return style.names["log"] + (
                f" {of_term(argument, style)}"
                if is_name(argument)
                else style.group(of_term(argument, style))
            )
        case terms.Apply(terms.absolute, (argument,)):
            return style.names["abs"].format(of_term(argument, style))
        case terms.Apply(function, arguments):
            letter = function.letter if style is LATEX else GREEK.get(function.name, function.name)
            letter = letter + "'" * function.order
            shown = ", ".join(of_term(a, style) for a in arguments)
            return letter + style.group(shown) if arguments else letter
        case terms.Delta(left, right):
            return style.indexed(style.names["delta"], "", subscripts((left, right)))
        case terms.Sum(index, body):
            return style.big("sum", index) + at(body, PRODUCT)
        case terms.Product(index, body):
            return style.big("prod", index) + at(body, PRODUCT)
        case terms.D():
            return derivative(node, style)
        case terms.Limit(body, variable, infinity):
            bound = ("-" if infinity < 0 else "") + style.names["infinity"]
            return style.names["lim"].format(of_term(variable, style), bound) + at(body, PRODUCT)
        case terms.Expectation(label, body=body):
            sub = style.indexed(style.names["expect"], "", of_term(label, style))
            return f"{sub}{style.names['[']}{of_term(body, style)}{style.names[']']}"
        case matrices.Scalar(matrix):
            return of_matrix(matrix, style)
    raise TypeError(f"cannot print {type(node).__name__}")


def own(parameter: Index | terms.Entry | Array, given: Term | terms.Each) -> bool:
    """Return True for an array that stands for itself: S_a is the softmax of z."""
    return isinstance(parameter, Array) and terms.as_argument(parameter) == given


def of_argument(given: Term | terms.Each | Index, style: Style) -> str:
    """Return an argument; in an array given by its entries, a dot stands for its own index."""
    if isinstance(given, terms.Each):
        dots = {i: Index("·" if style is TEXT else r"\cdot", i.dimension) for i in given.indices}
        return of_term(terms.reindex(given.body, dots), style)
    return of_term(given, style)  # type: ignore[arg-type]


def derivative(node: terms.D, style: Style) -> str:
    """Return a derivative as a fraction, its orders gathered."""
    variables, body = gathered(node)
    mark = style.names["d" if straight(variables, body) else "partial"]
    order = len(variables)
    above = style.power(mark.rstrip(), str(order)) + " " if order > 1 else mark
    if len(set(variables)) == 1 and order > 1:
        below = mark + style.power(of_term(variables[0], style), str(order))
    else:
        below = style.join.join(mark + of_term(variable, style) for variable in variables)
    below = below if style is LATEX or order == 1 else f"({below})"
    if is_name(body):
        return style.fraction(above + of_term(body, style), below).replace(" / ", "/")
    shown = of_term(body, style)
    operator = style.fraction(above.rstrip(), below).replace(" / ", "/")
    if isinstance(body, terms.Use) or (
        isinstance(body, terms.Apply) and body.function is terms.log
    ):
        return f"{operator}{style.join}{shown}"
    return f"{operator}{style.names['[']}{shown}{style.names[']']}"


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


def matrix_level(node: Matrix) -> int:
    """Return how tightly a matrix expression holds together."""
    match node:
        case matrices.Plus():
            return SUM
        case matrices.Minus():
            return NEGATIVE
        case matrices.Dot() | matrices.Scaled() | matrices.Hadamard():
            return PRODUCT
        case matrices.Gradient() | matrices.Hessian() | matrices.Kronecker() | matrices.Total():
            return PRODUCT
    return ATOM


def of_matrix(node: Matrix, style: Style) -> str:
    """Return a matrix expression in a style."""

    def at(part: Matrix, least: int) -> str:
        shown = of_matrix(part, style)
        return shown if matrix_level(part) >= least else style.group(shown)

    match node:
        case matrices.Whole(of, first):
            if first:
                letter = style.letter(of) if style is TEXT else rf"\mathbf{{{latex_letter(of)}}}"
                return style.indexed(letter, of.superscript, subscripts(first))
            return style.bold(of)
        case matrices.Dot(factors):
            return style.join.join(at(f, POWER if len(factors) > 1 else PRODUCT) for f in factors)
        case matrices.Plus(parts):
            shown = at(parts[0], SUM)
            for part in parts[1:]:
                if isinstance(part, matrices.Minus):
                    shown += f" - {at(part.inner, PRODUCT)}"
                else:
                    shown += f" + {at(part, PRODUCT)}"
            return shown
        case matrices.Minus(inner):
            return f"-{at(inner, PRODUCT)}"
        case matrices.Scaled(factor, inner):
            shown = of_term(factor, style)
            shown = style.group(shown) if level(factor, style) < PRODUCT else shown
            return f"{shown}{style.join}{at(inner, PRODUCT)}"
        case matrices.Hadamard(factors):
            return style.names["hadamard"].join(at(f, POWER) for f in factors)
        case matrices.Kronecker(left, right):
            return f"{at(left, PRODUCT)}{style.names['kronecker']}{at(right, PRODUCT)}"
        case matrices.Total(index, inner):
            return style.big("sum", index) + at(inner, PRODUCT)
        case matrices.Transpose(inner):
            shown = at(inner, ATOM)
            return (style.group(shown) if raised(inner, style) else shown) + style.names["top"]
        case matrices.Diagonal(vector):
            return style.names["diag"] + style.group(of_matrix(vector, style))
        case matrices.Ones():
            return style.names["ones"]
        case matrices.Each(function, inner):
            return style.letter(function) + style.group(of_matrix(inner, style))
        case matrices.Gradient(of, by):
            nabla = style.indexed(style.names["nabla"], "", style.bold(by))
            return f"{nabla}{style.join}{of_term(of, style)}"
        case matrices.Hessian(of, by):
            nabla = style.indexed(style.names["nabla"], "2", style.bold(by))
            nabla = nabla if style is LATEX else f"∇²_{style.bold(by)}"
            return f"{nabla}{style.join}{of_term(of, style)}"
        case matrices.Jacobian(of, by):
            mark = style.names["partial"]
            return style.fraction(mark + style.bold(of), mark + style.bold(by))
    raise TypeError(f"cannot print {type(node).__name__}")
