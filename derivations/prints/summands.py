"""The summands of a result, each with a weight: code that says what a formula is without one.

A weight is a number, 1 unless it is given. A summand counts wherever the result is a polynomial in
it: in a sum of products, in a numerator, in the body of a name; not in a function or below a power.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from derivations.language import terms
from derivations.language.statement import Chain, Statement, Step
from derivations.language.terms import Array, Definition, Entry, Index, Term, Use
from derivations.prints import codegen
from derivations.prints.lines import equation
from derivations.prints.mathematics import LATEX, TEXT, show
from derivations.prints.numpy_code import numpy_code


@dataclass
class Weights:
    """The summands that were met, in order, and the names whose bodies hold some."""

    summands: list[tuple[Entry, str, Term]] = field(default_factory=list)
    names: dict[Definition, Definition] = field(default_factory=dict)

    def weighted(self, node: Term, place: str) -> Term:
        """Return a term with a weight at each of its summands."""
        match node:
            case terms.Add(parts):
                return terms.Add(tuple(self.summand(part, place) for part in parts))
            case terms.Mul() | terms.Neg() | terms.Sum():
                return terms.with_children(node, lambda part: self.weighted(part, place))
            case terms.Div(numerator, denominator):
                return terms.Div(self.weighted(numerator, place), denominator)
            case Use(name, arguments) if all(isinstance(a, Index) for a in arguments):
                if name not in self.names:
                    body = self.weighted(name.body, name.name)
                    self.names[name] = name if body == name.body else replace(name, body=body)
                return Use(self.names[name], arguments)
        return node

    def summand(self, part: Term, place: str) -> Term:
        """Return a summand times a new weight; the sign stays outside."""
        weight = terms.scalar(f"weight{len(self.summands) + 1}")
        self.summands.append((weight, place, part))
        inner = self.weighted(part.term if isinstance(part, terms.Neg) else part, place)
        product = terms.Mul((weight, inner))
        return terms.Neg(product) if isinstance(part, terms.Neg) else product


def summands(statement: Statement, name: str) -> dict[str, object] | None:
    """Return the summands of a result and code with their weights; None where it has no two.

    Parameters
    ----------
    statement
        The statement; its first result is taken.
    name
        Its id, for the code.

    Returns
    -------
    dict or None
        ``by`` is the variable, ``function`` the name of the function in ``numpy``, ``arguments``
        the axes of its arguments but the weights, ``summands`` those of the formula and of the
        names in it: ``weight``, ``of`` (the name, or nothing), ``latex`` and ``text``.
    """
    chain, weights = statement.chains[0], Weights()
    line = chain.lines[-1]
    whole = weights.weighted(chain.last, "")
    if not weights.summands:
        return None
    steps = (Step(whole, line.rule),)
    written = replace(statement, chains=(Chain(chain.left, steps, chain.at),))
    code = numpy_code(written, name)
    if code is None:
        return None
    computed = codegen.results(written, name)[0]
    ours = {weight.array for weight, _, _ in weights.summands}
    given = [a for a in codegen.line_arguments(computed) if isinstance(a, Array) and a not in ours]
    return {
        "title": statement.title,
        "by": codegen.identifier(
            next(p for p in terms.walk(chain.left) if isinstance(p, terms.D)).variable.array.name
        ),
        "text": equation(chain, TEXT),
        "function": computed.name,
        "arguments": {codegen.identifier(a.name): [d.name for d in a.dimensions] for a in given},
        "numpy": code,
        "summands": [
            {
                "weight": weight.array.name,
                "of": place,
                "latex": show(part, LATEX),
                "text": show(part, TEXT),
            }
            for weight, place, part in weights.summands
        ],
    }


def of_all(statements: Sequence[Statement], name: str) -> list[dict[str, object]]:
    """Return the summands of statements, those that have any."""
    found = (summands(statement, name) for statement in statements)
    return [each for each in found if each is not None]
