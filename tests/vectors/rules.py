"""The files of a layer, by one definition: RULES 1 to 3, and what changes along a direction."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from vectors import plain
from vectors.cases import Argument, File, Input, Invalid, Valid, eighths, full, refusals

Cases = Iterable[tuple[str, Input]]


def random(size: Callable[[Input], tuple[int, ...]]) -> Callable[[str, Input, str], Any]:
    """What a case is given besides, as `Layer` has it, for an output of that size.

    No zeros, and rows that sum to anything; full mantissas where the case has them.
    """

    def beside(comment: str, given: Input, name: str) -> Any:
        make = full if comment.startswith("full") else eighths
        like = size(given) if name == "delta" else plain.shape(given[name[1:]])
        return make(f"{name} {comment}", *like)

    return beside


@dataclass(frozen=True)
class Layer:
    """What the files of a layer have in common.

    `beside` gives what a case is given besides: "delta", or a direction such as "dz".
    """

    prefix: str  # of its statements and functions, such as "linear."
    arguments: dict[str, Argument]
    output: Argument
    definition: Callable[..., Any]  # z' of mpmath numbers
    why: str
    cases: Callable[[], Cases]
    base: Input  # what is refused when a part of it is spoiled
    beside: Callable[[str, Input, str], Any]
    refused: Callable[[dict[str, Argument], Input], Iterator[Invalid]] = refusals

    def file(
        self,
        rule: str,
        quantity: str,
        formula: Callable[..., Any],
        *,
        of: tuple[str, ...] = ("z",),
        kept: Callable[[str], bool] = lambda comment: True,
        **changed: Any,
    ) -> File:
        """The file of a rule, by the arguments that are differentiated."""
        ways = tuple(f"d{name}" for name in of)
        others = {"forward": (), "jvp": ways, "second_order": ("delta", *ways)}
        more = others.get(rule, ("delta",))
        shapes = {n: self.output if n == "delta" else self.arguments[n[1:]] for n in more}
        arguments = {**self.arguments, **shapes}

        def given(comment: str, input: Input) -> Input:
            asked = [name for name in more if name == "delta" or name[1:] in input]
            return {**input, **{name: self.beside(comment, input, name) for name in asked}}

        fields = {
            "statement": self.prefix + ("jacobian" if rule == "jvp" else rule),
            "function": self.prefix + rule,
            "why": self.why,
            "oracle": oracle(self.definition, rule, of),
        } | changed
        return File(
            quantity=quantity,
            arguments=arguments,
            formula=formula,
            valid=[Valid(c, given(c, input)) for c, input in self.cases() if kept(c)],
            invalid=list(self.refused(arguments, given("refused", self.base))),
            **fields,
        )


def oracle(definition: Callable[..., Any], rule: str, of: tuple[str, ...]) -> Callable[..., Any]:
    """A rule as differences of the definition; RULE 2 by one argument is no dictionary."""
    if rule == "forward":
        return definition
    if rule == "jvp":
        return plain.along(definition, of)
    pulled = plain.pulled(definition, of)
    if rule == "second_order":
        return plain.along(lambda **given: pulled(**given)["z"], of)
    return pulled if of != ("z",) else lambda **given: pulled(**given)["z"]
