"""Terms and matrices as MathML Core, in the author's order.

The structure of a formula is that of its term. Letters are given in LaTeX, so they are set from
it, and so is the mathematics in a hypothesis: only how it looks is read, never what it means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from derivations.language.matrices import Matrix
from derivations.language.terms import Index, Term
from derivations.prints import mathematics
from derivations.prints.mathematics import LATEX, Style, latex_name, latex_whole

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


def show(node: Term | Matrix | int) -> str:
    """Return an expression in MathML, without the element ``math`` around it."""
    return mathematics.show(node, MATHML)


def relation(name: str) -> str:
    """Return the sign of a relation."""
    return leaf("mo", SIGNS.get(mathematics.relation(name, LATEX), name))


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


def group(inner: str, fences: str) -> str:
    """Return an expression in parentheses that grow with it."""
    return row(leaf("mo", fences[0]), inner, leaf("mo", fences[1]))


def spaced(sign: str) -> str:
    """Return a sign that shows as a thin space."""
    return f'<mo lspace="0" rspace="0.1667em">{sign}</mo>'


def call(function: str, arguments: Sequence[str]) -> str:
    """Return a function at its arguments."""
    inside = [part for argument in arguments for part in (leaf("mo", ","), argument)][1:]
    return row(function, leaf("mo", APPLY), group(row(*inside), "()"))


def big(sign: str, index: Index) -> str:
    """Return the sign of a sum or a product over an index."""
    below = row(letter(index.name), leaf("mo", "="), leaf("mn", "1"))
    return element(
        "munderover", leaf("mo", SIGNS[f"\\{sign}"]), below, letter(index.dimension.name)
    )


def limit(variable: str, sign: str) -> str:
    """Return the sign of a limit."""
    bound = (variable, leaf("mo", "→"), *[leaf("mo", "−")] * len(sign), leaf("mi", "∞"))
    return element("munder", leaf("mo", "lim"), row(*bound))


def nabla(by: str, order: int) -> str:
    """Return the sign of a gradient or of a Hessian."""
    sign = leaf("mi", "∇")
    return (
        element("msubsup", sign, by, leaf("mn", "2")) if order == 2 else element("msub", sign, by)
    )


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
    if token == r"\frac":
        return [element("mfrac", argument(tokens, alphabet), argument(tokens, alphabet))]
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


MATHML = Style(
    flat=False,
    signs={
        "+": leaf("mo", "+"), "-": leaf("mo", "−"), "negative": leaf("mo", "−"),
        "dot": leaf("mo", "⋅"), "times": spaced(TIMES), "hadamard": leaf("mo", "∘"),
        "kronecker": leaf("mo", "⊗"), "partial": leaf("mi", "∂"), "d": leaf("mi", "d"),
        "diag": leaf("mi", "diag"), "ones": letter(r"\mathbf{1}"), "e": leaf("mi", "e"),
        "expectation": leaf("mi", EXPECTATION), "apply": spaced(APPLY), "gap": "",
    },
    row=row,
    group=group,
    name=lambda of, indices: letter(latex_name(of, indices)),
    whole=lambda of, indices: letter(latex_whole(of, indices)),
    function=lambda function: letter(LATEX.function(function)),
    number=lambda number: leaf("mn", str(number)),
    letter=letter,
    call=call,
    times=lambda after: spaced(TIMES),
    fraction=lambda above, below: element("mfrac", above, below),
    ratio=lambda above, below: element("mfrac", above, below),
    power=lambda base, exponent: element("msup", base, exponent),
    transpose=lambda matrix: element("msup", matrix, leaf("mo", "⊤")),
    root=lambda inner: element("msqrt", inner),
    below=lambda sign, below: element("msub", sign, below),
    big=big,
    limit=limit,
    nabla=nabla,
)  # fmt: skip
