"""In a notebook, mathematics shows as formulas; printing is imported when something is shown."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import derivations
from derivations import derive, logistic, softmax
from derivations.language.statement import ALGEBRA, Chain, Step
from derivations.language.terms import Definition
from derivations.notation import W, X, design, i, k, lam, t, total, w, weights


def shown(thing):
    return thing._repr_mimebundle_(include=None, exclude=None)


def test_formulas():
    z = Definition("z", (i,), total(k, w[k] * X[i, k]))
    latex = r"$\displaystyle z_{i} = \sum_{k=1}^{n} w_{k} \, x_{ik}$"
    assert shown(z) == {"text/plain": "z_i := Σ_k w_k X_ik", "text/latex": latex}
    assert shown(w[k] / 2)["text/latex"] == r"$\displaystyle \frac{w_{k}}{2}$"
    assert shown(w[k] / 2)["text/plain"] == "w_k / 2"
    assert shown(design @ weights)["text/latex"] == r"$\displaystyle \mathbf{X} \, \mathbf{w}$"
    assert shown(W)["text/latex"] == r"$\displaystyle \mathbf{W}$"
    assert shown(lam.array)["text/plain"] == "λ"
    step = Step(2 * t, ALGEBRA, relation="<=")
    assert shown(step)["text/latex"] == r"$\displaystyle \le 2 \, t$"


def test_lines_with_their_reasons():
    chain = Chain(t + t, (Step(2 * t, ALGEBRA, "t and t"),))
    forms = shown(chain)
    assert " ".join(forms["text/plain"].split()) == "t + t = 2 t algebra; t and t; typed"
    assert r"&= 2 \, t && \text{algebra; t and t; typed}" in forms["text/latex"]
    page = ElementTree.fromstring(f"<div>{forms['text/html']}</div>")
    assert len(list(page.iter("math"))) == 2 and len(list(page.iter("li"))) == 1


def test_every_statement_shows_itself():
    for statement in derivations.statements().values():
        forms = shown(statement)
        assert [*forms] == ["text/plain", "text/latex", "text/html"]
        page = ElementTree.fromstring(f"<div>{forms['text/html']}</div>")
        lines = sum(len(chain.steps) + (chain.matrix is not None) for chain in statement.chains)
        inside = [li for li in page.iter("li") if li.get("class") == "line"]
        assert len(inside) == lines
        assert all(part is not None for part in (page.find("h4"), page.find(".//math")))
        assert statement.title in forms["text/plain"]


def test_what_is_derived_shows_all_its_statements():
    found = derive.derive(Definition("f", (), total(k, w[k] ** 2)), w)
    assert shown(found)["text/html"].count("<h4>") == len(found.statements) == 1
    assert shown(softmax.P)["text/plain"].startswith("P_ia := ")
    assert shown(logistic.nll_gradient)["text/html"].startswith("<h4>")


def test_printing_is_imported_only_when_something_is_shown():
    program = (
        "import sys; from derivations.language import terms; "
        "assert not {'derivations.prints', 'sympy'} & sys.modules.keys(); "
        "from derivations import notation; "
        "assert 'derivations.prints' not in sys.modules; "
        "print(notation.t._repr_mimebundle_()['text/plain'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("t\n", "")
