"""Losses and their gradient as loops over a block of rows, for a compiler of Python such as numba.

Each sum, and each exponential of a class, becomes an array of the block, computed once. The data
point is the last index of such an array and runs innermost, where a compiler computes several at a
time. In a product with the design matrix the feature runs innermost, and a few data points and
classes are taken at once, so that a number that was loaded is used several times.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from derivations.language import terms
from derivations.language.terms import Definition, Entry, Index, Sum, Term, Use
from derivations.prints import codegen, mathematics, stable
from derivations.prints.codegen import Code

POINTS, CLASSES = 4, 3  # that are taken at once
ROWS = 256  # whose gradients are added up in one go; the sums are added up then
ARGUMENTS = ("X", "y", "s", "N", "n", "K")
HEAD = '''\
"""Losses and their gradient by blocks of rows, as loops: `compiled` has numba compile them.

Printed by ``python -m derivations.loops``, from the lines that are proved; not to be edited.
"""

from typing import Any

import numpy as np

from .elementary import exp, log1p, sigmoid, softplus
'''


@dataclass(frozen=True)
class Kernel:
    """The weighted loss of a data point, and the gradient of their sum; `statements` say so.

    `weights` is the name of the parameters. `label` is the index that stands for the class of the
    data point, if there is one.
    """

    name: str
    statements: tuple[str, ...]
    weights: str
    loss: Term
    gradient: Term
    point: Index
    feature: Index
    label: Index | None = None


def source(kernels: Sequence[Kernel]) -> str:
    """Return the source of a module with the functions of some kernels."""
    return "\n\n\n".join([HEAD.rstrip(), *map(function, kernels)]) + "\n"


def function(kernel: Kernel) -> str:
    """Return the function that computes a kernel for a block, and that for several blocks."""
    block = Block(kernel)
    wanted = {"losses": kernel.loss, "gradient": kernel.gradient}
    for name, node in wanted.items():
        block.computed(name, node, node)
    said = [f"{name}: {mathematics.text(node)}" for name, node in wanted.items()]
    products, *steps, last = block.loops
    node, logits = next(iter(block.arrays.items()))
    axes = block.axes(node)
    sizes = ["N, n = X.shape", *(["K = len(W)"] if kernel.label else [])]
    called = f"{kernel.name}_logits({kernel.weights}, X, {logits})"
    inside = [
        f'"""{" and ".join(f"``{name}``" for name in kernel.statements)} of some rows.',
        "",
        *(line for text in said for line in textwrap.wrap(text, codegen.WIDTH)),
        '"""',
        *sizes,
        *products.before,
        f"total = {called}",
        *(line for step in steps for line in step.code),
        "if with_gradient:",
        *indented([*last.before, *last.lines]),
        "if not np.isfinite(total):  # loss and residual may be 0",
        "    losses[:] = np.nan",
    ]
    written = [
        f'"""Write {kernel.weights} times each row of X, and return the sum."""',
        *sizes,
        *products.lines,
        "total = 0.0",
        *nested(axes, [f"total += {place(logits, axes, named(axes))}"]),
        "return total",
    ]
    head = f"def {kernel.name}_rows({kernel.weights}, X, y, s, losses, gradient, with_gradient):"
    blocks = BLOCKS.format(name=kernel.name, weights=kernel.weights, rows=ROWS)
    functions = [f"def {called}:", *indented(written), "", "", head, *indented(inside)]
    return "\n".join([*functions, blocks.rstrip()])


BLOCKS = '''

def {name}(sources: str) -> Any:
    """Return the function of several blocks. What is compiled of it is kept for these sources."""

    def of_blocks({weights}, X, y, s, losses, gradients, with_gradient):
        """Write the losses, and the gradient if wanted, of each block; say whether all is finite."""
        total, part = 0.0, np.empty({weights}.shape)
        gradients[:] = 0.0
        for b in range(len(X)):
            for i in range(0, X.shape[1], {rows}):
                some = slice(i, i + {rows})
                given = X[b, some], y[b, some], s[b, some]
                {name}_rows({weights}, *given, losses[b, some], part, with_gradient)
                if with_gradient:
                    gradients[b] += part
            for i in range(losses.shape[1]):
                total += losses[b, i]
        return sources != "" and np.isfinite(total) and np.isfinite(gradients.sum())

    return of_blocks
'''


Names = Mapping[Index, str]


@dataclass(frozen=True)
class Loop:
    """Lines for all values of some indices, after others; `totals` are complete at the end."""

    before: tuple[str, ...]
    axes: tuple[Index, ...]
    lines: tuple[str, ...]
    totals: tuple[str, ...] = ()

    @property
    def code(self) -> list[str]:
        """The lines of code."""
        return [*filter(None, self.before), *nested(self.axes, self.lines)]

    def with_next(self, more: Loop) -> Loop | None:
        """Return one loop for two over the same indices, if the first is not needed as a whole."""
        needed = any(codegen.mentions(line, total) for line in more.lines for total in self.totals)
        if not self.axes or self.axes != more.axes or needed:
            return None
        return Loop(
            self.before + more.before,
            self.axes,
            self.lines + more.lines,
            self.totals + more.totals,
        )


@dataclass
class Block:
    """The loops of a function so far, and the arrays that they compute, by what these mean."""

    kernel: Kernel
    loops: list[Loop] = field(default_factory=list)
    arrays: dict[Term, str] = field(default_factory=dict)

    def code(self, node: Term, names: Names) -> Code:
        """Return the code of a term at a point, of arrays that are computed before."""
        match node:
            case Use(definition) if not stable.is_stable(definition):
                return self.quantity(node, names)
            case Sum() | terms.Apply(terms.exp):
                return self.array("e", node, node, names)
            case terms.Div() if self.axes(node) == (self.kernel.point,):
                return self.array("q", node, node, names)
            case terms.Div(top, below) if self.axes(below) == (self.kernel.point,):
                factor = terms.term(1) / below  # divided once for all classes
                return codegen.multiply([self.code(top, names), self.code(factor, names)])
        return self.arithmetic(node, names)

    def arithmetic(self, node: Term, names: Names) -> Code:
        """Return the code of a term from that of its parts."""

        def at(part: Term) -> Code:
            return self.code(part, names)

        match node:
            case terms.Number():
                return codegen.number(node)
            case Entry(array, indices):
                return Code(f"{array.name}[{', '.join(names[index] for index in indices)}]")
            case Use(definition, (Term() as argument,)) if stable.is_stable(definition):
                return Code(f"{definition.name}({at(argument).text})")
            case Use():
                return self.stored(node, names)
            case terms.Apply() if (inner := codegen.more_than_one(node)) is not None:
                return Code(f"log1p({at(inner).text})")
            case terms.Apply(function, (argument,)):
                return Code(f"{function.name}({at(argument).text})")
            case terms.Delta(left, right):
                return Code(f"(1.0 if {names[left]} == {names[right]} else 0.0)")
            case terms.Neg() | terms.Add() | terms.Mul() | terms.Div() | terms.Pow():
                return codegen.arithmetic(node, [*map(at, codegen.operands(node))])
        raise TypeError(f"no loops for {type(node).__name__}")

    def quantity(self, use: Use, names: Names) -> Code:
        """Return a named quantity; what is that of the label has an array of its own."""
        definition = use.definition
        of_all = whole(definition)
        if self.kernel.label in use.arguments:
            body = use if of_all in self.arrays else terms.instantiate(use)
            return self.array(f"{definition.name}_y", use, body, names)
        self.computed(definition.name, of_all, definition.body)
        return self.stored(use, names)

    def stored(self, use: Use, names: Names) -> Code:
        """Return an entry of the array of a named quantity."""
        own = dict(zip(use.definition.parameters, use.arguments, strict=True))
        axes = self.axes(use.definition.body)
        at = {index: names[other] for index in axes if isinstance(other := own[index], Index)}
        return Code(place(self.arrays[whole(use.definition)], axes, at))

    def array(self, name: str, node: Term, body: Term, names: Names) -> Code:
        """Return an entry of the array of a term, which is the same whatever its indices are called."""
        axes = self.axes(node)
        own = {index: first(index.dimension) for index in axes}
        body = terms.reindex(body, own)
        if isinstance(body, Sum) and first(body.index.dimension) not in terms.all_indices(body):
            index = first(body.index.dimension)
            body = Sum(index, terms.reindex(body.body, {body.index: index}))
        name = self.computed(name, terms.reindex(node, own), body)
        return Code(f"{name}[{', '.join(names[index] for index in axes)}]")

    def axes(self, node: Term) -> tuple[Index, ...]:
        """Return the indices of the array of a term: the data point last, for it runs innermost."""
        free = terms.free_indices(node) - {self.kernel.label}
        return tuple(sorted(free, key=lambda i: (i == self.kernel.point, i.dimension.rank)))

    def computed(self, wanted: str, node: Term, body: Term) -> str:
        """Return the name of the array of a term, after the loops that compute it."""
        if node not in self.arrays:
            taken = {*self.arrays.values(), *ARGUMENTS, self.kernel.weights}
            name = codegen.unused(wanted, taken)
            self.loops.append(self.loop(name, self.axes(body), body))
            if len(self.loops) > 1 and (joined := self.loops[-2].with_next(self.loops[-1])):
                self.loops[-2:] = [joined]
            self.arrays[node] = name
        return self.arrays[node]

    def loop(self, name: str, axes: tuple[Index, ...], body: Term) -> Loop:
        """Return the loop that computes an array entry by entry, or adds it up."""
        if not isinstance(body, Sum):
            names = named(axes) | self.label
            lines = codegen.broken(
                f"{place(name, axes, names)} = ", self.arithmetic(body, names).text
            )
            return Loop((new("empty", name, axes),), axes, tuple(lines))
        feature = self.kernel.feature.dimension
        features = [index for index in (*axes, body.index) if index.dimension == feature]
        if features == [body.index]:
            return self.products(name, axes, body)
        if features:
            return self.pulls(name, axes, body, features[0])
        over = (body.index, *axes)
        names = named(over) | self.label
        lines = codegen.broken(f"{place(name, axes, names)} += ", self.code(body.body, names).text)
        return Loop((new("zeros", name, axes),), over, tuple(lines), (name,))

    @property
    def label(self) -> dict[Index, str]:
        """What stands for the label of the data point."""
        return {self.kernel.label: "y[i]"} if self.kernel.label else {}

    def products(self, name: str, axes: Sequence[Index], body: Sum) -> Loop:
        """Return the loop of rows times rows, a few data points and classes at once."""

        def together(places: Sequence[Names]) -> list[str]:
            totals = [f"t{number}" for number in range(len(places))]
            added = [
                f"{total} += {self.code(body.body, {**at, body.index: body.index.name}).text}"
                for total, at in zip(totals, places, strict=True)
            ]
            stored = [
                f"{place(name, axes, at)} = {total}"
                for total, at in zip(totals, places, strict=True)
            ]
            return [" = ".join([*totals, "0.0"]), *nested((body.index,), added), *stored]

        lines = self.few_at_once(axes[::-1], together)
        return Loop((new("empty", name, axes),), (), tuple(lines))

    def pulls(self, name: str, axes: Sequence[Index], body: Sum, feature: Index) -> Loop:
        """Return the loop that adds up rows, each times its weight, a few at once."""
        rows = [f for f in stable.factors(body.body) if feature in terms.free_indices(f)]
        weight = stable.product_of([f for f in stable.factors(body.body) if f not in rows])
        weights, at_weights = self.computed("r", weight, weight), self.axes(weight)

        def together(places: Sequence[Names]) -> list[str]:
            sums: dict[str, list[str]] = {}
            for number, at in enumerate(places):
                names = {**at, feature: feature.name}
                row = self.code(stable.product_of(rows), names).text
                sums.setdefault(place(name, axes, names), []).append(f"r{number} * {row}")
            added = [
                line
                for number, (entry, pulled) in enumerate(sums.items())
                for line in codegen.broken(f"g{number} = ", " + ".join([entry, *pulled]))
            ]
            stored = [f"{entry} = g{number}" for number, entry in enumerate(sums)]
            return [
                *(
                    f"r{number} = {place(weights, at_weights, at)}"
                    for number, at in enumerate(places)
                ),
                *nested((feature,), [*added, *stored]),
            ]

        outside = [index for index in axes if index != feature]
        lines = self.few_at_once((body.index, *outside), together)
        return Loop((new("zeros", name, axes),), (), tuple(lines))

    def few_at_once(
        self,
        axes: Sequence[Index],
        together: Callable[[Sequence[Names]], list[str]],
        places: Sequence[Names] = ({},),
    ) -> list[str]:
        """Return loops that take a few values of each index at once, and then each that is left."""
        if not axes:
            return together(places)
        index, *rest = axes
        i, size, step = (
            index.name,
            index.dimension.name,
            POINTS if index == self.kernel.point else CLASSES,
        )
        lines = []
        for steps, over in (
            (step, f"0, {size} - {size} % {step}, {step}"),
            (1, f"{size} - {size} % {step}, {size}"),
        ):
            at = [
                {**known, index: f"{i} + {more}" if more else i}
                for known in places
                for more in range(steps)
            ]
            lines += [f"for {i} in range({over}):", *indented(self.few_at_once(rest, together, at))]
        return lines


def first(dimension: terms.Dimension) -> Index:
    """Return the index that an array has where others of its dimension do not come in."""
    return Index(dimension.letters[0], dimension)


def whole(definition: Definition) -> Use:
    """Return a named quantity at its own indices, for the array of all of them."""
    return definition[tuple(p for p in definition.parameters if isinstance(p, Index))]


def place(name: str, axes: Sequence[Index], names: Names) -> str:
    """Return the code of an entry of an array; of a number, its name."""
    return f"{name}[{', '.join(names[index] for index in axes)}]" if axes else name


def new(how: str, name: str, axes: Sequence[Index]) -> str:
    """Return the line that makes an array, or a number that is added to; two are given."""
    if name == "losses":
        return ""
    if name == "gradient":
        return "gradient[:] = 0.0"
    shape = ", ".join(index.dimension.name for index in axes)
    shape = f"({shape})" if len(axes) > 1 else shape
    return f"{name} = np.{how}({shape})" if axes else f"{name} = 0.0"


def named(axes: Sequence[Index]) -> dict[Index, str]:
    """Return the names of indices."""
    return {index: index.name for index in axes}


def nested(axes: Sequence[Index], lines: Sequence[str]) -> list[str]:
    """Return lines within loops over indices, the last one innermost."""
    for index in reversed(axes):
        lines = [f"for {index.name} in range({index.dimension.name}):", *indented(lines)]
    return list(lines)


def indented(lines: Sequence[str]) -> list[str]:
    """Return lines that stand one step further in."""
    return [f"    {line}" if line else line for line in lines]
