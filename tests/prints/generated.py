"""Inputs for generated code, and what it has to give: the derived line at 30 digits."""

import functools
import importlib.util
import random

import numpy as np
from mpmath import mp, mpf

import derivations
from derivations.language import terms
from derivations.prints import codegen
from derivations.proof import digits

APART = {"N": 4, "K": 3, "M": 5, "n": 2}
ALIKE = {"N": 3, "K": 3, "M": 3, "n": 3}
SIZES = {"apart": APART, "alike": ALIKE, "ones": dict.fromkeys(APART, 1)}

STATEMENTS = derivations.statements()
RESULTS_OF = {name: codegen.results(statement, name) for name, statement in STATEMENTS.items()}
RESULTS = {(name, line.name): line for name, lines in RESULTS_OF.items() for line in lines}
WITH_CODE = list(dict.fromkeys(name for name, _ in RESULTS))

NORMAL = {terms.erf, terms.density, terms.cumulative}


def normal(line):
    """Whether a line has a function of the normal distribution; JavaScript has none of them."""
    whole = terms.walk(terms.unfold(line.term))
    return any(isinstance(part, terms.Apply) and part.function in NORMAL for part in whole)


RANGES = {
    "label": lambda source: float(source.randrange(2)),
    "unit": lambda source: source.uniform(0.1, 0.9),
    "positive": lambda source: source.uniform(0.1, 2),
    "nonnegative": lambda source: source.uniform(0, 2),
    "real": lambda source: source.uniform(-1, 1),
}


def numbers(arrays, sizes, seed=0):
    """Nested lists of floats for some arrays, by name."""
    source = random.Random(seed)

    def fill(array, dimensions):
        if not dimensions:
            return RANGES[array.domain](source)
        return [fill(array, dimensions[1:]) for _ in range(sizes[dimensions[0].name])]

    return {array.name: fill(array, array.dimensions) for array in arrays}


def sizes_for(arguments, sizes):
    """The sizes, and one of its own for each dimension that they do not name."""
    sizes = dict(sizes)
    shown = [d for a in arguments if isinstance(a, terms.Array) for d in a.dimensions]
    for dimension in [*shown, *(a for a in arguments if isinstance(a, terms.Dimension))]:
        sizes.setdefault(dimension.name, 6 + len(sizes) if sizes["N"] != sizes["n"] else sizes["N"])
    return sizes


def arrays_in(node):
    """The arrays in a term, derivatives' variables included, by name."""
    found = set()
    for part in terms.walk(terms.unfold(node)):
        match part:
            case terms.Entry(array, _) | terms.D(_, terms.Entry(array, _)):
                found.add(array)
    return sorted(found, key=lambda array: array.name)


def table(node, at, arrays, sizes, accuracy=30):
    """The value of a term for each place of its free indices; any sizes, shown or not."""
    with mp.workdps(digits.working_digits(node, accuracy)):
        entries = {}
        for array in arrays_in(node):
            digits.read(array, arrays[array.name], dict(sizes), entries)

        def nest(point, rest):
            if not rest:
                return digits.value(node, point, accuracy)
            places = range(sizes[rest[0].dimension.name])
            return [nest(point.bind(rest[0], place), rest[1:]) for place in places]

        return nest(digits.Point(sizes, entries), at)


def case(name, which):
    """Arguments, sizes, arrays and the exact value of each result of a statement."""
    return {
        called: (codegen.line_arguments(line), *line_case(line, SIZES[which]))
        for (statement, called), line in RESULTS.items()
        if statement == name
    }


def one_hot(array, numbers):
    """The indicators of labels that go round, along the axis of the classes."""
    classes = [dimension.name for dimension in array.dimensions].index("K")
    places = np.indices(np.shape(numbers))
    others = np.delete(places, classes, axis=0).sum(axis=0)
    return (places[classes] == others % np.shape(numbers)[classes]).astype(float).tolist()


def line_case(line, sizes):
    """Sizes, arrays and the exact value of a line."""
    arguments = codegen.line_arguments(line)
    sizes = sizes_for(arguments, sizes)
    arrays = numbers([wanted for wanted in arguments if isinstance(wanted, terms.Array)], sizes)
    return sizes, arrays, table(line.term, line.at, arrays, sizes)


def any_function(function):
    """What the evaluation at many digits puts in the place of a function, or its derivative."""
    base = function.of or function
    exact = functools.partial(digits.any_function, f"{base.name} 0", function.order)
    exact = functools.partial(exact, positive=base.positive)
    return np.vectorize(lambda x: float(exact(mpf(float(x)))), otypes=[np.float64])


def argument(wanted, arrays, sizes):
    """An argument of generated NumPy code."""
    match wanted:
        case terms.Array(name):
            return np.asarray(arrays[name], dtype=np.float64)[()]
        case terms.Dimension(name):
            return sizes[name]
        case terms.Function():
            return any_function(wanted)


def off_zero(value, expected):
    """Both, with 1 added where the exact value is zero: an error is then relative to 1."""
    flat = np.array(expected, dtype=object).ravel()
    shift = 0 if any(abs(exact) > 1e-25 for exact in flat) else 1
    return value + np.float64(shift), np.array(expected, dtype=object) + shift


def load(source, path):
    """The module that a source makes, read from a file."""
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
