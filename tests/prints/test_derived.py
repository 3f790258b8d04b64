"""A derived formula as a page: complete, well-formed, alone in its file."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from derivations.derive import derive
from derivations.language.statement import ALGEBRA, Chain, Statement, Step
from derivations.language.terms import Definition, scalar
from derivations.notation import W, X, Y, a, b, exp, i, k, log, total
from derivations.prints import derived, page, record
from derivations.softmax import one_class

tau = scalar("tau", r"\tau", domain="positive")
z = Definition("z", (i, a), total(k, W[a, k] * X[i, k]))
p = Definition("p", (i, a), exp(z[i, a] / tau) / total(b, exp(z[i, b] / tau)))
C = Definition("C", (), -total(i, total(a, Y[i, a] * log(p[i, a]))))


@pytest.fixture(scope="module")
def found():
    return derive(C, tau, given=(one_class,))


@pytest.fixture(scope="module")
def html(found):
    levels = ["proved, all sizes"] * len(found.statements)
    return page.html(found.statements, levels, found.result, "temperature")


def body(html):
    """The page below its head, which a parser of XML can read."""
    return ElementTree.fromstring(html[html.index("<body>") : html.index("</html>")])


def words(part):
    return " ".join("".join(part.itertext()).split())


def test_each_statement_and_line_is_on_the_page(found, html):
    root = body(html)
    assert [words(h) for h in root.iter("h2")] == [s.title for s in found.statements]
    count = sum(len(chain.lines) for s in found.statements for chain in s.chains)
    shown = [li for li in root.iter("li") if li.get("class") == "line"]
    assert len(shown) == count > 5
    assert all(li.find("div/math") is not None for li in shown)
    rules = [words(li.find("span")) for li in shown]
    assert "chain rule; quotient rule, d e^t = e^t dt; made" in rules
    assert "derivative of p by tau; made" in rules


def test_what_is_given_and_the_result_have_their_places(found, html):
    root = body(html)
    given = root.find("main/ul")
    assert given.get("class") == "given"
    assert "sum to one" in words(given) and given.find(".//math") is not None
    box = root.find("main/div[@class='result']")
    assert words(box.find("span")) == "proved, all sizes"
    assert box.find(".//math") is not None


def test_code_is_unfolded_on_demand_and_is_the_code(found, html):
    details = {
        words(d.find("summary")): d.find("pre/code").text for d in body(html).iter("details")
    }
    assert [*details] == ["NumPy", "JavaScript", "SymPy", "LaTeX"]
    for form, title in page.TITLES.items():
        if form in derived.CODE:
            assert details[title] == record.written(form, found.result, "temperature").rstrip()


def test_page_stands_alone(html):
    assert "<script" not in html and "url(" not in html and "@import" not in html
    addresses = re.findall(r'(?:href|src)="([^"]*)"', html)
    assert addresses == ["data:,"]
    assert "http" not in re.sub(r"<pre.*?</pre>", "", html, flags=re.DOTALL)


def test_strings_are_escaped_and_typed_lines_are_marked():
    t = scalar("t")
    chain = Chain(t + t, (Step(2 * t, ALGEBRA, "a < b & c"),))
    statement = Statement("f <script> & g", "", (chain,))
    html = page.html([statement], ["failed"], statement, "f")
    root = body(html)
    assert words(root.find(".//h1")) == "f <script> & g"
    assert "<script>" not in html
    (line,) = (li for li in root.iter("li"))
    assert words(line.find("span")) == "algebra; a < b & c; typed"
    assert {span.get("class") for span in root.iter("span")} == {"badge failed", "why typed"}
