"""What the finder finds, and in which order, run by node on all statements."""

import json
import shutil
import subprocess

import pytest
from _extensions import definitions
from _extensions.records import ROOT

NODE = shutil.which("node")
FORMULAS = json.loads((ROOT / "docs/downloads/formulas.json").read_text())["statements"]
RUN = """
const { find } = require(process.argv[1]);
const { queries, statements } = JSON.parse(require("fs").readFileSync(0));
console.log(JSON.stringify(queries.map((query) => find(query, statements).map(({ id }) => id))));
"""
# A query, the statements that come first, and one that is not found.
QUERIES = [
    ("X^T(p-y)", ["logistic.nll_gradient"], "softmax.nll_gradient"),
    (
        r"\mathbf{X}^\top (\mathbf{p} - \mathbf{y})",
        ["logistic.nll_gradient"],
        "softmax.nll_gradient",
    ),
    ("X.T @ (p - y)", ["logistic.nll_gradient"], "softmax.nll_gradient"),
    ("Xᵀ(p − y)", ["logistic.nll_gradient"], "softmax.nll_gradient"),
    ("p - y", [], "sigmoid.stable"),
    ("p_a(δ_ab-p_b)", ["softmax.probability_gradient"], "softmax.nll"),
    ("softmax.nll", ["softmax.nll"], "logistic.nll"),
    ("categorical", ["softmax.definition"], "logistic.nll"),
    ("layernorm", ["normalisation.layer_norm_forward"], "normalisation.rms_norm_forward"),
    ("backward of layer norm", ["normalisation.layer_norm_backward"], "attention.backward"),
    ("softmx", ["softmax.definition"], "logistic.nll_gradient"),
    ("hesian", ["logistic.nll_hessian"], "logistic.nll"),
    ("numerically stable sigmoid", ["sigmoid.stable"], "logistic.nll_hessian"),
    ("zygomorphic", [], "logistic.nll"),
    ("gradeint of the nll", ["logistic.nll_gradient", "softmax.nll_gradient"], "logistic.nll"),
]


@pytest.fixture(scope="module")
def found():
    if NODE is None:
        pytest.skip("node is not installed")
    statements = [definitions.statement(record, "", "") for record in FORMULAS]
    given = json.dumps({"queries": [query for query, _, _ in QUERIES], "statements": statements})
    command = [NODE, "-e", RUN, str(ROOT / "docs/_static/js/finding.js")]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    return dict(zip([query for query, _, _ in QUERIES], json.loads(done.stdout), strict=True))


@pytest.mark.parametrize(("query", "first", "absent"), QUERIES, ids=[q for q, _, _ in QUERIES])
def test_finds(query, first, absent, found):
    assert found[query][: len(first)] == first
    assert absent not in found[query]


def test_a_transpose_is_found_however_it_is_written(found):
    assert found["X^T(p-y)"] == found["X.T @ (p - y)"] == found["Xᵀ(p − y)"]


def test_a_piece_of_a_formula_finds_short_formulas_first(found):
    """The more of a formula was asked for, the better: three of 22 are little else."""
    assert "logistic.nll_gradient" in found["p - y"][:3]
    assert len(found["p - y"]) > 10
