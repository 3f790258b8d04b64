"""What is printed can be read: no name has two superscripts, and powers group what they raise."""

import re

import pytest

import derivations
from derivations.language.matrices import Whole
from derivations.language.statement import pairs
from derivations.language.terms import Array, Definition, scalar
from derivations.notation import K, N, a, i, k, n
from derivations.prints import mathematics as printing

x = scalar("x")
primed = Array("z'", (n,), "z", r"\mathbf{z}", superscript=r"\prime")
written = Array("z2", (N, K), written="z^2_{1}({0})")
bold = Array("B", (N, K), "b", r"\mathbf{B}^2")
layer = Definition("h", (k,), primed[k], "h", r"\mathbf{h}", superscript="3")
marked = Definition("m", (k,), primed[k], written="m^{{({0})}}")
cost = Definition("f", (x,), x + 1, "f^*")
plain = Array("w", (n,), "w")
A = Array("A", (N, K), "a", r"\mathbf{A}")


@pytest.mark.parametrize(
    ("node", "latex"),
    [
        (plain[k] ** 2, "w_{k}^{2}"),
        (primed[k] ** 2, r"(z^{\prime}_{k})^{2}"),
        (written[i, a] ** 2, "(z^2_a(i))^{2}"),
        (layer[k] ** 2, "(h^{3}_{k})^{2}"),
        (marked[k] ** 3, "(m^{(k)})^{3}"),
        (cost(x) ** 2, "(f^*(x))^{2}"),
        ((plain[k] ** 2) ** 3, "(w_{k}^{2})^{3}"),
        (Whole(A).T, r"\mathbf{A}^\top"),
        (Whole(A).T.T, r"(\mathbf{A}^\top)^\top"),
        (Whole(primed).T, r"(\mathbf{z}^{\prime})^\top"),
        (Whole(layer).T, r"(\mathbf{h}^{3})^\top"),
        (Whole(bold).T, r"(\mathbf{B}^2)^\top"),
    ],
)
def test_one_superscript(node, latex):
    assert printing.latex(node) == latex
    assert not doubled(latex)


@pytest.mark.parametrize(
    ("node", "text"),
    [(primed[k] ** 2, "z'_k^2"), (Whole(primed).T, "z'^T"), (Whole(A).T.T, "A^T^T")],
)
def test_plain_text_has_no_superscripts_to_group(node, text):
    assert printing.text(node) == text


GROUP = r"(?:\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\\[a-z]+|[^\\{}])"
DOUBLED = re.compile(rf"\^{GROUP}(?:_{GROUP})?\^")


def doubled(latex):
    return DOUBLED.search(latex) is not None


def test_a_double_superscript_is_seen():
    assert doubled(r"z^{\prime}^\top") and doubled("z^{2}_{i}^{2}") and doubled("z^2_i^2")
    assert not doubled("z^{2}_{i} w^{2}") and not doubled("(z^2_i)^{2}")


def test_no_statement_prints_one():
    lines = [
        line
        for statement in derivations.statements().values()
        for chain in statement.chains
        for line in (chain.left, *(step.expression for _, step in pairs(chain)))
    ]
    assert len(lines) > 500
    assert [latex for line in lines if doubled(latex := printing.latex(line))] == []
