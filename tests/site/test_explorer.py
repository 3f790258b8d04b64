"""The explorer: the script that is assembled from the statements, and the page it is on."""

import json
import re

import pytest
from _extensions import explorer
from small import DOCS
from sphinx.errors import ExtensionError

FORMULAS = json.loads((DOCS / "downloads/formulas.json").read_text())
STATEMENTS = {record["id"]: record for record in FORMULAS["statements"]}
SCRIPTS = DOCS / "_static/js/explorer"


def test_the_script_is_the_code_of_the_statements():
    text = explorer.script(STATEMENTS)
    for name in explorer.STATEMENTS:
        module = STATEMENTS[name]["code"]["javascript"]
        first = re.search(r"export function (\w+)\(", module)[1]
        body = module.replace("export ", "").rstrip()
        whole = f'Formulas["{name}"] = (() => {{\n{body}\nreturn {first};\n}})();'
        assert whole in text
    assert text.count("\nFormulas[") == len(explorer.STATEMENTS) + len(explorer.COMPUTED_MISPRINTS)
    assert "export" not in text and "import" not in text


def test_every_call_has_a_function_and_every_function_a_call():
    written = "".join(path.read_text() for path in sorted(SCRIPTS.glob("*.js")))
    called = set(re.findall(r'(?:F|Formulas)\["([\w.]+)"\]', written))
    for kind in ("sigmoid", "tanh"):  # F[`activations.${kind}_forward`]
        called |= {f"activations.{kind}_{rule}" for rule in ("forward", "backward", "jacobian")}
    given = {*explorer.STATEMENTS, *(f"errata.{name}" for name in explorer.COMPUTED_MISPRINTS)}
    assert called == given


def test_every_script_is_on_the_page():
    files = {path.stem for path in SCRIPTS.glob("*.js")}
    assert files | {"formulas"} == set(explorer.SCRIPTS)


def test_a_misprint_is_computed_as_the_note_prints_it():
    assert "sum += X[i][k] * (y[i] - p_2[i]);" in explorer.printed("a4")
    assert "y[i] * z_3_1[i] + (1 - y[i]) * z_3_1[i]" in explorer.printed("a8")
    assert "Math.log(sigma(sum2))" in explorer.printed("a3")


@pytest.mark.parametrize("name", ["nll.backwards", "nll.second_order"])
def test_a_statement_without_code_stops_the_build(name):
    with pytest.raises(ExtensionError, match=name):
        explorer.script(STATEMENTS, [*explorer.STATEMENTS, name])


def test_the_page(build):
    site = build(
        {"index": "# Start\n\n```{toctree}\n:numbered:\n\nexplorer\n```\n",
         "explorer": "# Explorer\n\n```{explorer}\n```\n"},
        list(STATEMENTS.values()), {}, statements_errata="nowhere.json",
        html_static_path=[str(DOCS / "_static")],
    )  # fmt: skip
    page = site.page("explorer")
    order = re.findall(r'src="_static/js/explorer/(\w+)\.js[^"]*"', page)
    assert order == list(explorer.SCRIPTS)
    assert "js/explorer" not in site.page("index")
    assert (site.folder / "_static" / explorer.FILE).read_text() == explorer.script(STATEMENTS)
    assert page.count('data-statement="') == len(explorer.LAYERS) * 2 + 1
    assert " style=" not in page.partition('<div class="explorer"')[2].partition("</article>")[0]


def test_a_page_says_where_it_starts(build):
    start = "#m=binary&p=-3,0,0;-1,0,0;1,0,1;3,0,1&w=0,0,0&s=0"
    site = build(
        {"index": f"# Start\n\n```{{explorer}} {start}\n```\n"},
        list(STATEMENTS.values()), {}, statements_errata="nowhere.json",
        html_static_path=[str(DOCS / "_static")],
    )  # fmt: skip
    assert f'data-start="{start.replace("&", "&amp;")}"' in site.page("index")
