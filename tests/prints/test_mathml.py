"""MathML: well-formed, in the order of the term, and the letters as they are meant."""

import xml.etree.ElementTree as ElementTree

import pytest

import derivations
from derivations.language.matrices import Scalar, Whole
from derivations.language.statement import pairs
from derivations.language.terms import Array, Definition, Each, expectation
from derivations.notation import (
    D,
    Delta,
    K,
    N,
    Size,
    X,
    Y,
    a,
    absolute,
    any_phi,
    design,
    direction,
    exp,
    i,
    k,
    l,
    labels,
    log,
    maximum,
    n,
    root,
    t,
    term,
    total,
    w,
    weights,
    y,
)
from derivations.prints import mathematics, mathml

LINES = [
    line
    for statement in derivations.statements().values()
    for chain in statement.chains
    for line in (chain.left, *(step.expression for _, step in pairs(chain)))
]
KNOWN = {
    *("math", "mrow", "mi", "mn", "mo", "mfrac", "msqrt", "mover", "munder", "munderover"),
    *("msub", "msup", "msubsup"),
}
PARTS = {"mfrac": 2, "msub": 2, "msup": 2, "mover": 2, "munder": 2, "msubsup": 3, "munderover": 3}


def parsed(node):
    return ElementTree.fromstring(mathml.mathml(node))


def test_every_line_is_well_formed():
    assert len(LINES) > 500
    for line in LINES:
        for part in parsed(line).iter():
            assert part.tag in KNOWN
            assert len(part) == PARTS.get(part.tag, len(part))
            if part.tag in ("mi", "mn", "mo"):
                assert part.text and "\\" not in part.text and "{}" not in part.text
            else:
                assert part.text is None and part.tail is None


def test_hypotheses_are_well_formed():
    given = {h.text for s in derivations.statements().values() for h in s.given}
    assert len(given) > 20
    for text in given:
        shown = mathml.prose(text)
        assert "$" not in shown and "\\" not in shown
        ElementTree.fromstring(f"<p>{shown}</p>")


def spoken(node):
    """The characters in reading order, a script behind what it belongs to."""
    text = "".join(parsed(node).itertext())
    return text.replace(mathml.TIMES, "").replace(mathml.APPLY, "").replace("−", "-")


f = Definition("f", (t,), t + 1)
SIMPLE = [
    w[k] + w[l] - w[k] * w[l],
    w[k] * (y[i] - 1),
    -(w[k] + w[l]),
    any_phi(w[k]) + f(t + 2),
    log(w[k]) + log(w[k] + 1),
    absolute(w[k]),
    maximum(w[k], 0),
    Delta(k, l) * w[k],
    Size(N) * w[k],
    Y[i, a] * w[k],
    f(w[k]) * w[l] - 3,
    design @ weights - labels,
    design * design,
]


@pytest.mark.parametrize("node", SIMPLE, ids=mathematics.text)
def test_text_in_reading_order(node):
    plain = mathematics.text(node).translate({ord("_"): None, ord(" "): None})
    folded = spoken(node).translate({0x1D400 + n: chr(65 + n) for n in range(26)})
    folded = folded.translate({0x1D41A + n: chr(97 + n) for n in range(26)})
    assert folded.replace(" ", "").replace("ϕ", "φ") == plain


def sub(base, below):
    return f"<msub><mi>{base}</mi><mi>{below}</mi></msub>"


TIMES = f'<mo lspace="0" rspace="0.1667em">{mathml.TIMES}</mo>'
BY_HAND = {
    "fraction": (w[k] / 2, f"<mfrac>{sub('w', 'k')}<mn>2</mn></mfrac>"),
    "root": (root(w[k]), f"<msqrt>{sub('w', 'k')}</msqrt>"),
    "power": ((w[k] ** 2), f"<msup>{sub('w', 'k')}<mn>2</mn></msup>"),
    "power of a sum": (
        (t + 1) ** 2,
        "<msup><mrow><mo>(</mo><mrow><mi>t</mi><mo>+</mo><mn>1</mn></mrow><mo>)</mo></mrow>"
        "<mn>2</mn></msup>",
    ),
    "exponential": (exp(-t), "<msup><mi>e</mi><mrow><mo>−</mo><mi>t</mi></mrow></msup>"),
    "sum": (
        total(k, w[k]),
        "<mrow><munderover><mo>∑</mo><mrow><mi>k</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi>"
        f"</munderover>{sub('w', 'k')}</mrow>",
    ),
    "derivative of a name": (
        D(f(t), t),
        f"<mrow><mfrac><mi>d</mi><mrow><mi>d</mi><mi>t</mi></mrow></mfrac>{TIMES}<mrow><mi>f</mi>"
        f"<mo>{mathml.APPLY}</mo><mrow><mo>(</mo><mi>t</mi><mo>)</mo></mrow></mrow></mrow>",
    ),
    "partial derivative": (
        D(w[k], w[l]),
        f"<mfrac><mrow><mi>∂</mi>{sub('w', 'k')}</mrow><mrow><mi>∂</mi>{sub('w', 'l')}</mrow>"
        "</mfrac>",
    ),
    "a number before a number": (
        2 * term(3) * t,
        f"<mrow><mn>2</mn><mo>⋅</mo><mn>3</mn>{TIMES}<mi>t</mi></mrow>",
    ),
    "transpose": (Scalar(weights.T @ direction), f"<mrow><msup><mi>𝐰</mi><mo>⊤</mo></msup>{TIMES}"
                  "<mi>𝐯</mi></mrow>"),
    "indicator": (
        Y[i, a],
        "<mrow><mo>[</mo><msub><mi>y</mi><mi>i</mi></msub><mo>=</mo><mi>a</mi>"
        "<mo>]</mo></mrow>",
    ),
    "greek, accents, scripts": (
        Array("R", (N, K), r"\tilde{\rho}", superscript=r"\prime")[i, a],
        "<msubsup><mover><mi>ρ</mi><mo>˜</mo></mover><mrow><mi>i</mi><mi>a</mi>"
        "</mrow><mo>′</mo></msubsup>",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name):
    node, expected = BY_HAND[name]
    assert mathml.show(node) == expected


@pytest.mark.parametrize("letter", ["<script>", "a & b", "\\operatorname{<b>}"])
def test_strings_are_escaped(letter):
    node = Array("z", (n,), letter)[k]
    assert all(part.tag in KNOWN for part in parsed(node).iter())
    assert mathml.prose("a < b & $x < y$").startswith("a &lt; b &amp; <math>")


def test_a_fraction_in_prose():
    half = "<mfrac><mn>1</mn><mi>K</mi></mfrac>"
    assert mathml.prose(r"$\frac{1}{K}$") == f"<math>{half}</math>"


def test_a_dot_between_a_number_and_a_power_of_one():
    assert mathematics.latex(2 * term(3) ** t) == r"2 \cdot 3^{t}"
    assert mathml.show(2 * term(3) ** t).count("<mo>⋅</mo>") == 1


def test_a_sum_before_a_factor_is_grouped():
    assert "<mo>(</mo>" in mathml.show(total(k, w[k]) * t)
    assert "<mo>(</mo>" not in mathml.show(t * total(k, w[k]))


def test_expectations_and_functions_of_an_array():
    label = y[i]
    shown = spoken(expectation(label, {0: 1 - t, 1: t}, label * t))
    assert shown == "𝔼yi[yit]"
    softmax = Definition("S", (w, k), exp(w[k]))
    assert spoken(softmax(Each((l,), w[l] / t))[k]) == "Sk(w⋅t)"
    assert spoken(Whole(X).T) == "𝐗⊤"
