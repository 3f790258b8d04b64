"""Generated JavaScript: its text always; its values against 30 digits where Node is installed."""

import json
import re
import shutil
import subprocess

import compare
import generated
import mpmath
import numpy as np
import pytest
from test_numpy_code import SYNTHETIC, equal

from derivations.language.terms import Array, Dimension, Function
from derivations.prints import codegen, javascript_code
from derivations.proof import digits

NODE = shutil.which("node")
RUN = pytest.mark.skipif(NODE is None, reason="node is not installed: JavaScript is not run")

LINES = {case: equal(right, right, at) for case, (right, at) in SYNTHETIC.items()}


def source(name, statement, as_written=True):
    return javascript_code.javascript_code(statement, name, as_written=as_written)


WITH_CODE = [name for name in generated.WITH_CODE if source(name, generated.STATEMENTS[name])]


def literal(wanted, arrays, sizes):
    """An argument of generated code, as JavaScript."""
    match wanted:
        case Array(name):
            return json.dumps(arrays[name])
        case Dimension(name):
            return str(sizes[name])
        case Function():
            return any_function(wanted)


# Waves whose values are rounded once, as those of NumPy are: where two cancel, a second rounding shows.
WAVES = """\
const one = 1n << 200n;
function fixed(x) {
  let shift = 200n;
  for (; !Number.isInteger(x); x *= 2) shift -= 1n;
  return shift < 0n ? BigInt(x) >> -shift : BigInt(x) << shift;
}
function wave(angle, k) {  // the sine for k = 1, the cosine for k = 0
  let total = 0n;
  for (let term = k ? angle : one; term; k += 2) {
    total += term;
    term = -term * angle / one * angle / one / BigInt((k + 1) * (k + 2));
  }
  return total;
}
"""


def any_function(function):
    """As ``generated.any_function``, in JavaScript: a line and two waves."""
    base, order = function.of or function, function.order

    def fixed(number):
        return f"{int(mpmath.ldexp(number, 200))}n"

    (_, (slope,), start), *rest = digits.waves(f"{base.name} 0", 1)
    line = fixed(4) if base.positive else f"{fixed(start)} + {fixed(slope)} * z / one"
    shown = line if order == 0 else fixed(slope) if order == 1 and not base.positive else "0n"
    for height, (frequency,), phase in rest:
        with mpmath.workdps(100):
            scale = height * frequency**order
        turned = f"wave({fixed(frequency)} * z / one + {fixed(phase)}, {(order + 1) % 2})"
        shown += f" {'-' if order % 4 > 1 else '+'} {fixed(scale)} * {turned} / one"
    return f"(x) => {{ const z = fixed(x); return Number({shown}) / 2 ** 200; }}"


def run(folder, calls):
    """What functions return, each given by its module, name and arguments; in one process."""
    files = {}
    program = [WAVES, "const values = [];"]
    for number, (text, called, given) in enumerate(calls):
        file = files.setdefault(text, f"code{len(files)}.mjs")
        program.append(f'import {{ {called} as f{number} }} from "./{file}";')
        program.append(f"values.push(f{number}({', '.join(given)}));")
    for text, file in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    program.append("console.log(JSON.stringify(values));")
    (folder / "main.mjs").write_text("\n".join(program), encoding="utf-8")
    done = subprocess.run([NODE, folder / "main.mjs"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@RUN
@pytest.mark.parametrize("as_written", [False, True])
@pytest.mark.parametrize("sizes", ["apart", "alike"])
def test_values(sizes, as_written, tmp_path):
    """Every result of every statement, and every line of these tests, as written and stable."""
    given = [(name, generated.STATEMENTS[name], generated.RESULTS_OF[name]) for name in WITH_CODE]
    given += [("line", s, codegen.results(s, "line")) for s in LINES.values()]
    cases, calls = [], []
    for name, statement, lines in given:
        text = source(name, statement, as_written)
        for line in lines:
            shown, arrays, expected = generated.line_case(line, generated.SIZES[sizes])
            used = line if as_written else codegen.stably(line)
            wanted = codegen.line_arguments(used)
            calls.append((text, line.name, [literal(one, arrays, shown) for one in wanted]))
            cases.append((f"{name} {line.name}", expected))
    values = run(tmp_path, calls)
    assert len(values) == len(cases) > 0
    for (name, exact), value in zip(cases, values, strict=True):
        actual, expected = generated.off_zero(np.array(value, dtype=np.float64)[()], exact)
        compare.check(actual, expected, statement=name, oracle="50 digits", case=sizes, ulp=64)


def test_what_has_no_code_is_of_the_normal_distribution():
    """JavaScript has no function for it."""
    without = set(generated.WITH_CODE) - set(WITH_CODE)
    normal = {name for (name, _), line in generated.RESULTS.items() if generated.normal(line)}
    assert without == normal != set()


@pytest.mark.parametrize("name", WITH_CODE)
def test_text(name):
    """An exported function for each result, in order, without dependency."""
    text = source(name, generated.STATEMENTS[name])
    assert "import" not in text
    before, *functions = re.split(r"^(?=/\*\*)", text, flags=re.MULTILINE)
    assert before == ""
    called = [exported(name, function) for function in functions]
    assert called == [line.name for line in generated.RESULTS_OF[name]]


def exported(name, text):
    """The name of a function, with the arguments of the NumPy code, balanced."""
    assert text.startswith(f"/** {name}: ")
    assert text.count("export ") == 1 and "*/" in text
    for opening, closing in ("()", "[]", "{}"):
        assert text.count(opening) == text.count(closing)
    comment, _, code = text.partition("*/")
    assert "/*" not in code and comment.count("/*") == 1
    declared = re.findall(r"(?:const|let) (\w+) =", code)
    for parameters in re.findall(r"\(([\w, ]+)\) =>", code):
        declared += parameters.split(", ")
    arguments = re.search(r"export function \w+\((.*?)\)", code).group(1)
    declared += arguments.split(", ") if arguments else []
    assert set(declared) & codegen.RESERVED == set()
    used = set(re.findall(r"[A-Za-z_]\w*", code))
    words = {"export", "function", "const", "let", "for", "return", "Math", "PI", "length"}
    functions = {"exp", "log", "log1p", "abs", "min", "max"}
    called = re.search(r"export function (\w+)", code).group(1)
    assert used - set(declared) <= words | functions | {called}
    return called


def test_readable():
    text = source("nll_gradient", generated.STATEMENTS["logistic.nll_gradient"])
    assert text.endswith(
        """\
  const result = [];
  for (let k = 0; k < n; k++) {
    let sum = 0;
    for (let i = 0; i < N; i++) {
      sum += X[i][k] * (p[i] - y[i]);
    }
    result[k] = sum;
  }
  return result;
}
"""
    )


def test_a_sum_is_computed_once():
    """The denominator of a probability stands outside the loop over the classes."""
    text = source("line", LINES["named quantity"])
    before, after = text.index("sum += Math.exp(Y[i][b])"), text.index("P[i][a] = ")
    assert before < after and text.count("sum += ") == 1
    assert "for (let a" not in text[:before]


def test_a_power_has_no_bare_sign():
    """JavaScript refuses -a ** b."""
    text = source("line", LINES["power of a power"]) + source("line", LINES["negative of a power"])
    assert "**" in text
    assert re.search(r"-\w+(\[\w+\])* \*\*", text) is None
