"""Terms and matrices as MathML Core, in the author's order.

The structure of a formula is that of its term. Letters are given in LaTeX, so they are set from
it, and so is the mathematics in a hypothesis: only how it looks is read, never what it means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from html import escape
from typing import Any

from derivations.language import matrices, terms
from derivations.language.matrices import Matrix
from derivations.language.terms import Array, Definition, Index, Term
from derivations.prints.mathematics import (
    ATOM,
    LATEX,
    POWER,
    PRODUCT,
    SUM,
    gathered,
    is_name,
    latex_bold,
    latex_letter,
    level,
    matrix_level,
    own,
    raised,
    straight,
    subscripts,
)

TIMES, APPLY = "\u2062", "\u2061"  # invisible, for those who listen
LETTERS = {
    r"\alpha": "α", r"\beta": "β", r"\gamma": "γ", r"\delta": "δ", r"\epsilon": "ϵ",
    r"\varepsilon": "ε", r"\zeta": "ζ", r"\eta": "η", r"\theta": "θ", r"\iota": "ι",
    r"\kappa": "κ", r"\lambda": "λ", r"\mu": "μ", r"\nu": "ν", r"\xi": "ξ", r"\pi": "π",
    r"\rho": "ρ", r"\sigma": "σ", r"\tau": "τ", r"\phi": "ϕ", r"\varphi": "φ", r"\chi": "χ",
    r"\psi": "ψ", r"\omega": "ω", r"\Gamma": "Γ", r"\Delta": "Δ", r"\Theta": "Θ",
    r"\Lambda": "Λ", r"\Xi": "Ξ", r"\Pi": "Π", r"\Sigma": "Σ", r"\Phi": "Φ", r"\Psi": "Ψ",
    r"\Omega": "Ω", r"\ell": "ℓ", r"\infty": "∞",
}  # fmt: skip
SIGNS = {
    "-": "−", r"\le": "≤", r"\ge": "≥", r"\ne": "≠", r"\in": "∈", r"\to": "→", r"\cdot": "⋅",
    r"\times": "×", r"\circ": "∘", r"\top": "⊤", r"\prime": "′", r"\partial": "∂", r"\nabla": "∇",
    r"\sum": "∑", r"\prod": "∏", r"\dots": "…", r"\lvert": "|", r"\rvert": "|", r"\{": "{",
    r"\}": "}", r"\mid": "∣", "'": "′",
}  # fmt: skip
ACCENTS = {r"\bar": "¯", r"\tilde": "˜", r"\hat": "^", r"\dot": "˙", r"\ddot": "¨"}
ALPHABETS = {r"\mathbf": 0x1D400, r"\boldsymbol": 0x1D468, r"\mathcal": 0x1D4D0}
GREEK = {r"\mathbf": 0x1D6A8, r"\boldsymbol": 0x1D71C}
EXPECTATION = "𝔼"


def mathml(node: Term | Matrix | Sequence[str], block: bool = False) -> str:
    """Return a formula as a ``math`` element; a sequence holds the parts of one, in MathML."""
    inside = show(node) if isinstance(node, (Term, Matrix)) else row(*node)
    return f'<math display="block">{inside}</math>' if block else f"<math>{inside}</math>"


def show(node: Term | Matrix) -> str:
    """Return an expression in MathML, without the element ``math`` around it."""
    return of_matrix(node) if isinstance(node, Matrix) else of_term(node)


def relation(name: str) -> str:
    """Return the sign of a relation."""
    return leaf("mo", {"<=": "≤", ">=": "≥"}.get(name, name))


def prose(text: str) -> str:
    """Return text as HTML, with the LaTeX between its dollars as MathML."""
    parts = text.split("$")
    shown = [mathml([letter(p)]) if n % 2 else escape(p, quote=False) for n, p in enumerate(parts)]
    return "".join(shown)


# -- elements --------------------------------------------------------------------------------------


def leaf(name: str, text: str) -> str:
    """Return an element that holds text."""
    return f"<{name}>{escape(text, quote=False)}</{name}>"


def element(name: str, *parts: str) -> str:
    """Return an element that holds elements."""
    return f"<{name}>{''.join(parts)}</{name}>"


def row(*parts: str) -> str:
    """Return parts as one."""
    return parts[0] if len(parts) == 1 else element("mrow", *parts)


def group(inner: str, fences: str = "()") -> str:
    """Return an expression in parentheses that grow with it."""
    return row(leaf("mo", fences[0]), inner, leaf("mo", fences[1]))


def spaced(sign: str) -> str:
    """Return a sign that shows as a thin space."""
    return f'<mo lspace="0" rspace="0.1667em">{sign}</mo>'


def dot() -> str:
    """Return the sign of a product before a number."""
    return leaf("mo", "⋅")


def between(parts: Sequence[str], sign: str) -> str:
    """Return parts with a sign between them."""
    return row(parts[0], *(piece for part in parts[1:] for piece in (sign, part)))


# -- letters in LaTeX ------------------------------------------------------------------------------


def letter(latex: str) -> str:
    """Return a letter, with its accents and scripts, that is given in LaTeX."""
    return row(*pieces(re.findall(r"\\[A-Za-z]+|\\.|[0-9]+|\S", latex), ""))


def pieces(tokens: list[str], alphabet: str) -> list[str]:
    """Return the elements up to the brace that closes; the tokens are used up."""
    found: list[str] = []
    scripts: dict[str, list[str]] = {}
    while tokens and tokens[0] != "}":
        token = tokens.pop(0)
        if token in ("^", "_"):
            scripts.setdefault(token, []).append(argument(tokens, alphabet))
        elif token == "'":
            scripts.setdefault("^", []).append(leaf("mo", "′"))
        else:
            found, scripts = with_scripts(found, scripts), {}
            found += piece(token, tokens, alphabet)
    del tokens[:1]
    return with_scripts(found, scripts)


def with_scripts(found: list[str], scripts: dict[str, list[str]]) -> list[str]:
    """Return elements, the last of which has the scripts that followed it."""
    if not scripts:
        return found
    base = found[-1] if found else row()
    name = "msubsup" if len(scripts) == 2 else "msub" if "_" in scripts else "msup"
    parts = [row(*scripts[mark]) for mark in "_^" if mark in scripts]
    return [*found[:-1], element(name, base, *parts)]


def argument(tokens: list[str], alphabet: str) -> str:
    """Return what stands behind a command or a script."""
    return row(*piece(tokens.pop(0), tokens, alphabet)) if tokens else row()


def piece(token: str, tokens: list[str], alphabet: str) -> list[str]:
    """Return what one token shows, with the arguments that follow it."""
    if token == "{":
        return [row(*pieces(tokens, alphabet))]
    if token in ALPHABETS:
        return [argument(tokens, token)]
    if token in ACCENTS:
        return [element("mover", argument(tokens, alphabet), leaf("mo", ACCENTS[token]))]
    if token == r"\operatorname":
        end = tokens.index("}")
        name = "".join(tokens[1:end])
        del tokens[: end + 1]
        return [leaf("mi", name)]
    if token in (r"\,", r"\ ", r"\left", r"\right"):
        return []
    if token.isdigit():
        return [leaf("mn", token)]
    if token in SIGNS or not (token[0] == "\\" or token.isalpha()):
        return [leaf("mo", SIGNS.get(token, token))]
    return [leaf("mi", "".join(styled(c, alphabet) for c in LETTERS.get(token, token.strip("\\"))))]


def styled(character: str, alphabet: str) -> str:
    """Return a letter in an alphabet of its own, such as bold."""
    if alphabet in ALPHABETS and character.isascii() and character.isalpha():
        place = ord(character.upper()) - ord("A") + 26 * character.islower()
        return chr(ALPHABETS[alphabet] + place)
    for first, offset in (("Α", 0), ("α", 26)):
        if alphabet in GREEK and 0 <= ord(character) - ord(first) < 25:
            return chr(GREEK[alphabet] + offset + ord(character) - ord(first))
    return character


def of_name(of: Array | Definition, indices: Sequence[Index]) -> str:
    """Return an entry of an array or of a named quantity."""
    if of.written:
        return letter(of.written.format(*(index.name for index in indices)))
    return letter(LATEX.indexed(latex_letter(of), of.superscript, subscripts(indices)))


# -- terms -----------------------------------------------------------------------------------------


def of_number(value: Fraction) -> str:
    """Return a number."""
    shown = leaf("mn", str(abs(value.numerator)))
    if value.denominator != 1:
        shown = element("mfrac", shown, leaf("mn", str(value.denominator)))
    return row(leaf("mo", "−"), shown) if value < 0 else shown


def of_term(node: Term) -> str:
    """Return a term in MathML."""

    def at(part: Term, least: int) -> str:
        return of_term(part) if level(part, LATEX) >= least else group(of_term(part))

    match node:
        case terms.Number(value):
            return of_number(value)
        case terms.Size(dimension):
            return letter(dimension.name)
        case terms.Entry(array, indices):
            return of_name(array, indices)
        case terms.Use(definition, arguments):
            shown = of_name(definition, [a for a in arguments if isinstance(a, Index)])
            given = [
                of_given(a)
                for p, a in zip(definition.parameters, arguments, strict=True)
                if not isinstance(a, Index) and not own(p, a)
            ]
            return applied(shown, given) if given else shown
        case terms.Add(summands):
            return added(summands, at)
        case terms.Neg(inner):
            return row(leaf("mo", "−"), at(inner, PRODUCT))
        case terms.Mul(factors):
            return multiplied(factors, at)
        case terms.Div(numerator, denominator):
            return element("mfrac", of_term(numerator), of_term(denominator))
        case terms.Pow(base, terms.Number(value)) if value == Fraction(1, 2):
            return element("msqrt", of_term(base))
        case terms.Pow(base, exponent):
            plain = isinstance(base, (terms.Entry, terms.Use, terms.Number))
            closed = not plain or level(base, LATEX) < ATOM or raised(base, LATEX)
            shown = group(of_term(base)) if closed else of_term(base)
            return element("msup", shown, of_term(exponent))
        case terms.Apply(terms.exp, (power,)):
            return element("msup", leaf("mi", "e"), of_term(power))
        case terms.Apply(terms.log, (inner,)) if is_name(inner):
            return row(leaf("mi", "log"), spaced(APPLY), of_term(inner))
        case terms.Apply(terms.absolute, (inner,)):
            return group(of_term(inner), "||")
        case terms.Apply(function, arguments):
            shown = letter((function.letter or function.name) + "'" * function.order)
            return applied(shown, [*map(of_term, arguments)]) if arguments else shown
        case terms.Delta(left, right):
            return letter(LATEX.indexed(r"\delta", "", subscripts((left, right))))
        case terms.Sum(index, body) | terms.Product(index, body):
            sign = "∑" if isinstance(node, terms.Sum) else "∏"
            return row(big(sign, index), at(body, PRODUCT))
        case terms.D():
            return derivative(node)
        case terms.Limit(body, variable, infinity):
            bound = of_term(variable), leaf("mo", "→"), *["<mo>−</mo>"] * (infinity < 0)
            sign = element("munder", leaf("mo", "lim"), row(*bound, leaf("mi", "∞")))
            return row(sign, at(body, PRODUCT))
        case terms.Expectation(label, body=body):
            sign = element("msub", leaf("mi", EXPECTATION), of_term(label))
            return row(sign, group(of_term(body), "[]"))
        case matrices.Scalar(matrix):
            return of_matrix(matrix)
    raise TypeError(f"no MathML for {type(node).__name__}")


Grouped = Callable[[Any, int], str]


def of_given(given: Term | terms.Each | Index) -> str:
    """Return an argument; in an array given by its entries, a dot stands for its own index."""
    if isinstance(given, terms.Each):
        dots = {i: Index(r"\cdot", i.dimension) for i in given.indices}
        return of_term(terms.reindex(given.body, dots))
    assert isinstance(given, Term)
    return of_term(given)


def applied(function: str, arguments: Sequence[str]) -> str:
    """Return a function at its arguments."""
    return row(function, leaf("mo", APPLY), group(between(arguments, leaf("mo", ","))))


def added(parts: Sequence[Any], at: Grouped) -> str:
    """Return a sum; what is negative is taken away."""
    shown = [at(parts[0], SUM)]
    for part in parts[1:]:
        match part:
            case terms.Neg(inner) | matrices.Minus(inner):
                shown += [leaf("mo", "−"), at(inner, PRODUCT)]
            case _:
                shown += [leaf("mo", "+"), at(part, PRODUCT)]
    return row(*shown)


def multiplied(factors: Sequence[Term], at: Grouped) -> str:
    """Return a product; a dot stands before a number."""
    shown: list[str] = []
    for n, part in enumerate(factors):
        if shown:
            shown.append(dot() if isinstance(part, terms.Number) else spaced(TIMES))
        open_ended = isinstance(part, (terms.Sum, terms.Product, terms.Limit))
        shown.append(at(part, ATOM if open_ended and n < len(factors) - 1 else PRODUCT))
    return row(*shown)


def big(sign: str, index: Index) -> str:
    """Return the sign of a sum or a product over an index."""
    below = row(letter(index.name), leaf("mo", "="), leaf("mn", "1"))
    return element("munderover", leaf("mo", sign), below, letter(index.dimension.name))


def derivative(node: terms.D) -> str:
    """Return a derivative as a fraction, its orders gathered."""
    variables, body = gathered(node)
    mark = leaf("mi", "d" if straight(variables, body) else "∂")
    order = [leaf("mn", str(len(variables)))] if len(variables) > 1 else []
    above = element("msup", mark, *order) if order else mark
    if order and len(set(variables)) == 1:
        below = row(mark, element("msup", of_term(variables[0]), *order))
    else:
        below = row(*(part for variable in variables for part in (mark, of_term(variable))))
    if is_name(body):
        return element("mfrac", row(above, of_term(body)), below)
    operator = element("mfrac", above, below)
    closed = isinstance(body, terms.Use) or (
        isinstance(body, terms.Apply) and body.function is terms.log
    )
    return row(operator, spaced(TIMES), of_term(body) if closed else group(of_term(body), "[]"))


# -- matrices --------------------------------------------------------------------------------------


def of_matrix(node: Matrix) -> str:
    """Return a matrix expression in MathML."""

    def at(part: Matrix, least: int) -> str:
        return of_matrix(part) if matrix_level(part) >= least else group(of_matrix(part))

    match node:
        case matrices.Whole(of, ()):
            return letter(latex_bold(of))
        case matrices.Whole(of, first):
            bold = rf"\mathbf{{{latex_letter(of)}}}"
            return letter(LATEX.indexed(bold, of.superscript, subscripts(first)))
        case matrices.Dot(factors):
            least = POWER if len(factors) > 1 else PRODUCT
            return between([at(f, least) for f in factors], spaced(TIMES))
        case matrices.Plus(parts):
            return added(parts, at)
        case matrices.Minus(inner):
            return row(leaf("mo", "−"), at(inner, PRODUCT))
        case matrices.Scaled(factor, inner):
            shown = of_term(factor)
            shown = group(shown) if level(factor, LATEX) < PRODUCT else shown
            return row(shown, spaced(TIMES), at(inner, PRODUCT))
        case matrices.Hadamard(factors):
            return between([at(f, POWER) for f in factors], leaf("mo", "∘"))
        case matrices.Kronecker(left, right):
            return row(at(left, PRODUCT), leaf("mo", "⊗"), at(right, PRODUCT))
        case matrices.Total(index, inner):
            return row(big("∑", index), at(inner, PRODUCT))
        case matrices.Transpose(inner):
            shown = group(of_matrix(inner)) if raised(inner, LATEX) else at(inner, ATOM)
            return element("msup", shown, leaf("mo", "⊤"))
        case matrices.Diagonal(vector):
            return applied(leaf("mi", "diag"), [of_matrix(vector)])
        case matrices.Ones():
            return letter(r"\mathbf{1}")
        case matrices.Each(function, inner):
            return applied(letter(latex_letter(function)), [of_matrix(inner)])
        case matrices.Gradient(of, by):
            nabla = element("msub", leaf("mi", "∇"), letter(latex_bold(by)))
            return row(nabla, spaced(TIMES), of_term(of))
        case matrices.Hessian(of, by):
            second = letter(latex_bold(by)), leaf("mn", "2")
            return row(element("msubsup", leaf("mi", "∇"), *second), spaced(TIMES), of_term(of))
        case matrices.Jacobian(of, by):
            mark = leaf("mi", "∂")
            return element("mfrac", *(row(mark, letter(latex_bold(x))) for x in (of, by)))
    raise TypeError(f"no MathML for {type(node).__name__}")
