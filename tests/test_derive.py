"""Forward passes derived from their files: proved, and held against 50-digit differences."""

import ast
import builtins
import functools
import json
import random
from pathlib import Path

import compare
import numpy as np
import pytest
from mpmath import mpf

from derivations import forward_pass
from derivations.__main__ import main
from derivations.derive import derive
from derivations.language import terms
from derivations.language.terms import Array, D, Definition, Entry, NotDifferentiable
from derivations.notation import Σ, M, N, X, absolute, i, k, n, unknown, w
from derivations.prints import derived as printed, drop_in
from derivations.prints.mathematics import TEXT, show
from derivations.proof import digits
from derivations.proof.verification import verify

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "forward_passes"
APART = {"N": 2, "K": 3, "M": 4, "n": 5}
ALIKE = dict.fromkeys(APART, 3)

# file, variable, a second one, the last line
CASES = [
    ("temperature", "W", "", "Σ_i (p_ia - [y_i = a]) X_ik / τ"),
    ("temperature", "tau", "", "Σ_i Σ_b z_ib ([y_i = b] - p_ib) / τ^2"),
    ("temperature", "W", "W", None),
    ("label_smoothing", "W", "", "Σ_i (p_ia - q_ia) X_ik"),
    ("focal", "w", "", None),
    ("focal", "gamma", "", None),
    ("silu", "z", "", None),
    ("gelu", "z", "", "δ_uv (z_u φ(z_u) + Φ(z_u))"),
    ("gelu_erf", "z", "", None),
    ("hidden_layer", "U", "", "v_u Σ_i (f_i - y_i) X_ik φ'(z_iu)"),
    ("hidden_layer", "b", "", "v_u Σ_i (f_i - y_i) φ'(z_iu)"),
    ("hidden_layer", "v", "", "Σ_i (f_i - y_i) h_iu"),
    ("layer_norm", "z", "", "(δ_uv M - 1 - z'_u z'_v) / (M √(s + ε))"),
    ("rms_norm", "z", "", "(g_u δ_uv - x_u z_v / (r M)) / r"),
    ("rms_norm", "g", "", "z_u δ_uv / r"),
    ("poisson", "w", "", "Σ_i (μ_i - y_i) X_ik"),
    ("poisson", "w", "w", "Σ_i X_ik μ_i X_il"),
    ("smooth_hinge", "w", "", None),
    ("cauchy", "w", "", "c^2 Σ_i r_i X_ik / (c^2 + r_i^2)"),
    ("mahalanobis", "A", "", "Σ_i (X_ik - m_k) r_iu"),
    ("mahalanobis", "m", "", "-Σ_u A_uk Σ_i r_iu"),
    ("gated_linear_unit", "U", "", "g_iu δ_uv X_ik"),
    ("gated_linear_unit", "V", "", "h_iu g_iu (1 - g_iu) δ_uv X_ik"),
    ("attention", "q", "", "Σ_i V_iu p_i (X_ik - Σ_j p_j X_jk) / √(n)"),
    ("attention", "X", "", "p_i q_k (V_iu - x_u) / √(n)"),
    ("contrastive", "Q", "", "(Σ_l X_lk p_il - X_ik) / τ"),
    ("contrastive", "tau", "", None),
    ("vector_softmax", "W", "", "Σ_i X_ik (S_a(z_i· / τ) - [y_i = a]) / τ"),
]  # fmt: skip
NAMES = ["-".join(filter(None, case[:3])) for case in CASES]


@functools.cache
def derived(file, by, twice=""):
    forward = forward_pass.read(FOLDER / f"{file}.py")
    second = forward.variable(twice) if twice else None
    found = derive(forward.quantity, forward.variable(by), second, given=forward.given)
    return forward, found


def numbers(nodes, sizes, seed):
    """Random numbers for every array; each row of indicators of labels has one that is 1."""
    source = random.Random(seed)
    arrays = {}
    for node in nodes:
        for part in terms.walk(terms.unfold(node)):
            if isinstance(part, (Entry, D)):
                array = part.array if isinstance(part, Entry) else part.variable.array
                arrays[array.name] = array

    def filled(array, dimensions):
        if dimensions:
            return [filled(array, dimensions[1:]) for _ in range(sizes[dimensions[0].name])]
        return digits.random_number(array.domain, digits.USUAL, source)

    values = {name: filled(array, array.dimensions) for name, array in sorted(arrays.items())}
    if "Y" in values:
        for row in values["Y"]:
            row[:] = [mpf(0)] * len(row)
            row[source.randrange(len(row))] = mpf(1)
    return values


def flat(values):
    return [v for part in values for v in flat(part)] if isinstance(values, list) else [values]


@pytest.mark.parametrize("sizes", [APART, ALIKE], ids=["apart", "alike"])
@pytest.mark.parametrize(("file", "by", "twice", "line"), CASES, ids=NAMES)
def test_each_end_of_a_derivation_has_the_value_of_differences(file, by, twice, line, sizes):
    _, found = derived(file, by, twice)
    for statement in (found.result, *found.further):
        (chain,) = statement.chains
        given = numbers((chain.left, chain.last), sizes, f"{file} {by}")
        # Differences of the forward pass itself: its names unfolded, no move asked.
        left = digits.table(chain.left, given, at=chain.at, sizes=sizes)
        right = digits.table(chain.last, given, at=chain.at, sizes=sizes)
        compare.agree(right, left, digits=50)
        assert any(flat(right))


@pytest.mark.parametrize(("file", "by", "twice", "line"), CASES, ids=NAMES)
def test_each_line_is_made_and_verified(file, by, twice, line):
    _, found = derived(file, by, twice)
    for statement in found.statements:
        report = verify(statement)
        assert report.failures == ()
        assert report.level.startswith("proved")
        assert all(step.made for chain in statement.chains for step in chain.lines)


@pytest.mark.parametrize(("file", "by", "twice", "line"), [c for c in CASES if c[3]],
                         ids=[n for n, c in zip(NAMES, CASES, strict=True) if c[3]])  # fmt: skip
def test_the_last_line_is_the_one_in_books(file, by, twice, line):
    _, found = derived(file, by, twice)
    assert show(found.result.chains[0].last, TEXT) == line


def test_no_derivative_is_left_in_a_result():
    for file, by, twice, _ in CASES:
        last = derived(file, by, twice)[1].result.chains[0].last
        assert not any(isinstance(part, D) for part in terms.walk(last))


@pytest.mark.parametrize("file", ["gelu", "gelu_erf"])
@pytest.mark.parametrize("twice", ["", "z"])
def test_code_of_functions_that_numpy_has_not(file, twice, tmp_path):
    _, found = derived(file, "z", twice)
    path = tmp_path / "ours.py"
    path.write_text(printed.written("numpy", found.result, "ours"), encoding="utf-8")
    ours = forward_pass.run(path).ours
    z = np.array([-8.5, -1.25, 0.0, 0.375, 3.0])
    chain = found.result.chains[0]
    # Far left, 1 + erf cancels, Φ does not.
    exact = digits.table(chain.last, {"z": z.tolist()}, at=chain.at)
    compare.check(ours(z), exact, statement="derive", oracle="50 digits",
                  case=f"{file} {twice}", ulp=8, entrywise=file == "gelu")  # fmt: skip
    has_code = file == "gelu_erf" and twice  # two slopes of erf have no erf
    assert (printed.written("javascript", found.result, "ours") is None) is not bool(has_code)


@pytest.mark.parametrize("form", drop_in.FORMS)
@pytest.mark.parametrize("file", sorted({case[0] for case in CASES}))
def test_code_that_drops_in(form, file):
    """A module that reads: a docstring, imports, functions and a class, and every name known."""
    variables = [by for name, by, twice, _ in CASES if name == file and not twice]
    found = [derived(file, by)[1] for by in variables]
    said = [(s, "a level") for one in found for s in (one.result, *one.further)]
    source = drop_in.drop_in(form, said, file)
    compile(source, file, "exec")
    tree = ast.parse(source)
    assert " ".join(ast.get_docstring(tree).split()).count("[a level]") == len(variables)
    defined = {node.name: node for node in tree.body if hasattr(node, "name")}
    assert {"value", file, *(f"by_{by}" for by in variables)} <= defined.keys()
    last = {"torch": file, "jax": "backward"}[form]
    assert list(defined)[-1] == last
    imported = {name.asname or name.name for node in tree.body if isinstance(node, ast.Import)
                for name in node.names}  # fmt: skip
    top = {*defined, *imported, *dir(builtins)}
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        found = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
        own = {node.id for node in found if isinstance(node.ctx, ast.Store)}
        taken = {
            argument.arg for argument in (function.args.vararg, *function.args.args) if argument
        }
        assert {node.id for node in found} <= top | own | taken
    attributes = [node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    used = {value.id for value in attributes if isinstance(value, ast.Name)}
    assert imported <= used
    assert "np." not in source.replace("jnp.", "")


def test_names_of_code_that_drops_in(tmp_path):
    """Arguments that are called as what the module needs itself."""
    path = tmp_path / "x.py"
    path.write_text(
        "from derivations.notation import *\n"
        'delta, value = scalar("delta", r"\\delta"), Array("value", (n,), "v")\n'
        "C = Definition('C', (), Σ(i, exp(delta * Σ(k, value[k] * X[i, k]))))\n",
        encoding="utf-8",
    )
    forward = forward_pass.read(path)
    found = [derive(forward.quantity, forward.variable(by)) for by in ("X", "delta")]
    for form in drop_in.FORMS:
        source = drop_in.drop_in(form, [(one.result, "") for one in found], "x")
        heads = [line for line in source.splitlines() if line.startswith("def ")]
        assert "def by_X(delta_prime, value2, X2, delta):" in heads
        assert "def x(value2, X2, delta):" in heads


def test_rules_of_the_pass_back():
    said = {
        ("layer_norm", "z"): "(M δ'_v - z'_v Σ_u δ'_u z'_u - Σ_u δ'_u) / (M √(s + ε))",
        ("gelu", "z"): "(z_v φ(z_v) + Φ(z_v)) δ'_v",
        ("gated_linear_unit", "V"): "Σ_i X_ik δ'_iv h_iv g_iv (1 - g_iv)",
    }
    for (file, by), line in said.items():
        (statement,) = derived(file, by)[1].further
        assert sorted(show(statement.chains[0].last, TEXT)) == sorted(line)


def test_product_of_a_hessian_and_a_direction():
    _, found = derived("poisson", "w", "w")
    (product,) = found.further
    assert product.title == "Hessian-vector product"
    assert show(product.chains[0].last, TEXT) == "Σ_i X_ik μ_i Σ_l X_il direction_l"


KEPT = [
    ("poisson", "w", "", "z", ["z", "C"], "Σ_i (e^z_i - y_i) X_ik"),
    ("poisson", "w", "", "C", ["C"], "Σ_i (e^(Σ_l w_l X_il) - y_i) X_ik"),
    ("poisson", "w", "w", "z", ["z", "C", "C"], "Σ_i X_ik e^z_i X_il"),
    ("temperature", "tau", "", "z", ["C"],
     "Σ_i Σ_b z_ib ([y_i = b] - e^(z_ib / τ) / (Σ_a e^(z_ia / τ))) / τ^2"),
    ("silu", "z", "", "s", ["s"], "δ_uv (1 + z_u + e^z_u) e^z_u / (1 + e^z_u)^2"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "by", "twice", "keep", "titles", "line"), KEPT)
def test_only_names_that_are_kept_stay(file, by, twice, keep, titles, line, capsys):
    command = ["derive", str(FOLDER / f"{file}.py"), "--by", by, "--keep", keep]
    assert main([*command, *(["--twice", twice] if twice else []), "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    statements = [s for s in said["statements"] if "derivative of" in s["title"].lower()]
    assert [s["title"].split(" of ")[1].split()[0] for s in statements] == titles
    assert all(s["level"].startswith("proved") for s in said["statements"])
    assert said["result"]["text"].endswith(f" = {line}")
    forward = forward_pass.read(FOLDER / f"{file}.py")
    second = forward.variable(twice) if twice else None
    names = forward.named(keep)
    found = derive(forward.quantity, forward.variable(by), second, names, forward.given)
    for statement in found.statements:
        for step in statement.chains[0].lines:
            used = {p.definition for p in terms.walk(step.expression) if isinstance(p, terms.Use)}
            assert step.rule.name == "definition" or used <= {forward.quantity, *names}
    whole = derived(file, by, twice)[1].result.chains[0]
    chain = found.result.chains[0]
    given = numbers((whole.last, chain.last), APART, "keep")
    left = digits.table(whole.last, given, at=whole.at, sizes=APART)
    compare.agree(digits.table(chain.last, given, at=chain.at, sizes=APART), left, digits=45)


def test_an_empty_list_keeps_no_name():
    forward = forward_pass.read(FOLDER / "poisson.py")
    found = derive(forward.quantity, forward.variable("w"), keep=[], given=forward.given)
    assert show(found.result.chains[0].last, TEXT) == "Σ_i (e^(Σ_l w_l X_il) - y_i) X_ik"
    assert len(found.statements) == 1


def test_a_name_to_keep_that_is_not_there(capsys):
    assert main(["derive", str(FOLDER / "poisson.py"), "--by", "w", "--keep", "z,no"]) == 2
    assert "there is no quantity 'no'; there are C, mu, rate, z" in capsys.readouterr().err


@pytest.mark.parametrize("body", [1 / w[k] ** 2, 2 / w[k], 1 / (2 * w[k]), terms.exp(1 / w[k])])
def test_a_denominator_is_not_zero(body):
    """No point with a zero below refutes what holds everywhere else."""
    assert verify(derive(Definition("C", (), Σ(k, body)), w).result).level.startswith("proved")


def test_what_cannot_be_derived_is_said():
    y = Array("y", (X.dimensions[0],), "y")
    size = Definition("C", (), Σ(i, absolute(Σ(k, w[k] * X[i, k]) - y[i])))
    with pytest.raises(NotDifferentiable, match=r"has a kink where .* = 0; no derivative by w"):
        derive(size, w)
    with pytest.raises(ValueError, match="C does not depend on b"):
        derive(size, Array("b", (M,)))
    rough = unknown("rho", smooth=0)
    with pytest.raises(NotDifferentiable, match="is not known to have a slope; no derivative by w"):
        derive(Definition("C", (), rough(Σ(k, w[k] * w[k]))), Array("w", (n,), "w", r"\mathbf{w}"))


def test_command_line_says_what_there_is(capsys):
    file = str(FOLDER / "poisson.py")
    assert main(["derive", file, "--by", "V_no"]) == 2
    assert "there is no variable 'V_no'; there are" in capsys.readouterr().err
    assert main(["derive", file + ":no", "--by", "w"]) == 2
    assert "there is no quantity 'no'" in capsys.readouterr().err
    assert main(["derive", str(FOLDER / "none.py"), "--by", "w"]) == 2
    assert "there is no such Python file" in capsys.readouterr().err


def test_a_slope_is_said_by_the_name_itself():
    """Two cut points: both probabilities are of one exponential, and each has its own slope."""
    eta = Definition("eta", (i,), Σ(k, X[i, k] * w[k]))
    low, gap = terms.scalar("a"), terms.scalar("g", domain="positive")
    below = Definition("F", (i,), 1 / (1 + terms.exp(eta[i] - low)))
    above = Definition("G", (i,), 1 / (1 + terms.exp(eta[i] - low - gap)))
    first, last = (Array(name, (N,), domain="label") for name in ("r", "u"))
    both = first[i] * terms.log(below[i]) + last[i] * terms.log(1 - above[i])
    found = derive(Definition("C", (), -Σ(i, both)), w)
    (*_, slope_above) = found.steps
    assert printed.equation(slope_above.chains[0], TEXT).endswith("= G_i (G_i - 1) X_ik")
    line = printed.equation(found.result.chains[0], TEXT)
    assert line == "∂C/∂w_k = Σ_i (r_i - r_i F_i - u_i G_i) X_ik"
    assert verify(found.result).level == "proved, all sizes, restated"
