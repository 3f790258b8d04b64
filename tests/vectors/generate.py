"""Write the test vectors: balls, checked against plain loops in another arithmetic.

Run it as ``python tests/vectors/generate.py``; with ``--check`` it only compares the files with
what it would write. It imports neither the derivations nor the implementation.

Each output is computed in ball arithmetic by a careful form, which also bounds the rounding error
of float64 (`arithmetic`), and again from the definition by loops over mpmath numbers.
"""

import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

import flint  # noqa: E402
import loops  # noqa: E402
from mpmath import mp, mpf  # noqa: E402

from vectors import (  # noqa: E402
    arithmetic,
    bugs,
    elementary,
    estimates,
    layers,
    links,
    maps,
    regression,
    targets,
)
from vectors.cases import INTEGERS, without_repeats  # noqa: E402

FAMILIES = (elementary, regression, links, layers, maps, targets, estimates)

LARGEST = 1e8  # ulp: where more than half of the digits are lost, nothing can be tested


def files():
    for family in FAMILIES:
        yield from family.files()


def numbers(name, value):
    """An input as numbers with balls; labels and axes stay integers."""
    if name in INTEGERS or value is None or isinstance(value, str):
        return value
    return arithmetic.each(arithmetic.exact, value)


def answer(file, given):
    """The output of a valid input, and its bound in ulp; the definition must agree."""
    flint.ctx.prec = arithmetic.BITS  # who else counts in balls may have changed it
    result = file.formula(**{name: numbers(name, value) for name, value in given.items()})
    output = arithmetic.each(arithmetic.value, result)
    check(file, given, output)
    return output, arithmetic.each(bound, result)


def bound(number):
    """The bound in ulp; of a float that has more than 50 digits, what the text leaves out."""
    with mp.workprec(arithmetic.BITS):
        value = arithmetic.value(number)
        exact = mpf(text(value)) == value
    return arithmetic.ulp(number) or (0 if exact else 0.1)


def check(file, given, output):
    """Evaluate the definition with more and more digits, until it agrees."""
    for digits in (60, 120, 240, 480, 960, 1920, 3840):
        with mp.workdps(digits):
            values = {
                name: value if name in INTEGERS else loops.exact(value)
                for name, value in given.items()
            }
            expected = file.oracle(**values)
        found = pairs(output, expected)
        largest = max((abs(one) for one, _ in found), default=0)
        if all(agrees(*pair, largest) for pair in found):
            return
    raise AssertionError(f"{file.function}: {given}: {output} is not {expected}")


def agrees(one, other, largest):
    """To 40 digits; a zero, which a difference only comes near, to 40 of the largest entry."""
    with mp.workdps(60):
        return abs(one - other) <= mpf(10) ** -40 * (abs(one) or largest or 1)


def pairs(one, other):
    """The numbers of two nested lists, which have the same shape."""
    found = []
    arithmetic.each(lambda a, b: found.append((a, loops.exact(b))), one, other)
    return found


def text(value):
    return mp.nstr(value, 50, min_fixed=-5, max_fixed=5)


def entries(value):
    """The numbers of nested lists."""
    found = []
    arithmetic.each(found.append, value)
    return found


def plain(bound):
    """One number for all entries, if they have the same bound."""
    found = set(entries(bound))
    return found.pop() if len(found) == 1 else bound


def records(file):
    """The tests of a file: the valid ones, known wrong answers to them, and the invalid ones."""
    valid, wrong = [], []
    for case in without_repeats(file.valid):
        output, ulp = answer(file, case.input)
        if max(entries(ulp)) > LARGEST:
            continue
        found = bugs.found(file.function, case.input, output, ulp)
        test = {
            "comment": case.comment,
            "flags": sorted({bug.flag for bug, distance in found if distance > 1}),
            "result": "valid",
            "input": case.input,
            "output": arithmetic.each(text, output),
            "ulp": plain(ulp),
            "why": file.why,
            **({"certificate": case.certificate} if case.certificate else {}),
        }
        valid.append(test)
        for bug, distance in found:
            if distance > bugs.PLAIN and len([w for w in wrong if w["bug"] == bug.name]) < 2:
                answered = bugs.answer(bug, case.input)
                wrong.append({**test, "result": "wrong", "answer": answered, "bug": bug.name})
    for test in wrong:
        del test["why"]
        test.pop("certificate", None)
    invalid = [
        {
            "comment": case.comment,
            "flags": [],
            "result": "invalid",
            "input": case.input,
            "error": {"kind": case.kind, "reason": case.reason},
        }
        for case in without_repeats(file.invalid)
    ]
    return [{"id": k, **test} for k, test in enumerate([*valid, *invalid, *wrong], start=1)]


def content(file):
    tests = records(file)
    used = sorted({flag for test in tests for flag in test["flags"]})
    head = {
        "schema": 2,
        "statement": file.statement,
        "function": file.function,
        "quantity": file.quantity,
        "arguments": {name: str(argument) for name, argument in file.arguments.items()},
        "digits": 50,
        "flags": {flag: bugs.FLAGS[flag].as_dict() for flag in used},
    }
    # One line a test: the files stay short, and a difference shows which test changed.
    lines = ",\n".join("  " + json.dumps(test, allow_nan=False) for test in tests)
    return json.dumps(head, indent=1)[:-2] + f',\n "tests": [\n{lines}\n ]\n}}\n'


def main(check):
    stale, written = 0, set()
    for file in files():
        path = FOLDER / f"{file.statement}.json"
        written.add(path)
        new = content(file)
        if check:
            same = path.exists() and path.read_text(encoding="utf-8") == new
            stale += not same
            print(f"{path.name}: {'up to date' if same else 'differs'}")
        else:
            path.write_text(new, encoding="utf-8")
            print(f"{path.name}: {len(new)} bytes")
    for path in sorted({*FOLDER.glob("*.json")} - written - {FOLDER / "schema.json"}):
        print(f"{path.name}: not written by anything")
        stale += 1
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
