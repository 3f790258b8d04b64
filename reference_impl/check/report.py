"""What a check found: a verdict, the findings behind it, and what could not be seen."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

SHOWN = 4  # rivals of a cause in print
Verdict = Literal["right", "wrong", "cannot tell"]


@dataclass(frozen=True)
class Cause:
    """Why an answer is wrong.

    Attributes
    ----------
    name : str
        A short name, such as "sign" or "mean over rows".
    text : str
        A sentence for people.
    rivals : tuple of str
        Names of causes that explain the same numbers.
    separate : str
        An input that would tell the rivals apart.

    Examples
    --------
    >>> from reference_impl.check import Cause
    >>> Cause("sign", "the sign is wrong").name
    'sign'
    """

    name: str
    text: str
    rivals: tuple[str, ...] = ()
    separate: str = ""

    def __str__(self) -> str:
        few, more = self.rivals[:SHOWN], len(self.rivals) - SHOWN
        rivals = f" (or: {', '.join([*few, *[f'{more} more'] * (more > 0)])})" if few else ""
        separate = f"; to tell them apart: {self.separate}" if self.separate else ""
        return f"{self.name}: {self.text}{rivals}{separate}"


@dataclass(frozen=True)
class Finding:
    """One fault.

    Attributes
    ----------
    rule, argument : str
        The rule that is wrong, "RULE 2 (backward)", and by which argument, "z".
    index : tuple of int
        The entry; () for a number, or where the fault has no entry.
    got, want, error : float
        What the rule says there; what differences give; and how far off these may be. nan where
        the fault is none of a number.
    cause : Cause, optional
        The cause that explains all wrong entries, if one does.
    evidence : str
        What was seen, in a sentence.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.check import check_gradient
    >>> report = check_gradient(lambda x: x @ x, lambda x: x, np.array([1.0, 2.0]))
    >>> finding = report.findings[0]
    >>> finding.index, finding.got, round(finding.want, 6)
    ((1,), 2.0, 4.0)
    """

    rule: str
    argument: str
    index: tuple[int, ...] = ()
    got: float = float("nan")
    want: float = float("nan")
    error: float = float("nan")
    cause: Cause | None = None
    evidence: str = ""

    def __str__(self) -> str:
        cause = f"\n    {self.cause}" if self.cause else ""
        return f"{self.rule}: {self.evidence}{cause}"


@dataclass(frozen=True)
class Report:
    """The outcome of a check.

    Attributes
    ----------
    verdict : {"right", "wrong", "cannot tell"}
    findings : tuple of Finding
        The faults.
    unseen : tuple of str
        What this input cannot show.
    notes : tuple of str
        What else is worth knowing: a kink, noise, entries left out, the time used up.
    compared : int
        How many numbers were compared with differences.
    tolerance : float
        The largest of the tolerances.
    seed : int
        Of the random choices.
    script : str
        A program that repeats the check.

    Examples
    --------
    >>> import numpy as np
    >>> from reference_impl.check import check_gradient
    >>> report = check_gradient(lambda x: x @ x, lambda x: 2 * x, np.array([1.0, 2.0]))
    >>> report.verdict, report.findings
    ('right', ())
    """

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    unseen: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    compared: int = 0
    tolerance: float = 0.0
    seed: int = 0
    script: str = ""

    @property
    def ok(self) -> bool:
        """Whether the verdict is "right"."""
        return self.verdict == "right"

    def __str__(self) -> str:
        faults = f"{len(self.findings)} found; " if self.findings else ""
        numbers = f"{self.compared} numbers compared, tolerance at most {self.tolerance:.1g}"
        return "\n".join(
            [
                f"{self.verdict}: {faults}{numbers}, seed {self.seed}",
                *map(str, self.findings),
                *(f"note: {note}" for note in self.notes),
                *(f"unseen: {hint}" for hint in self.unseen),
            ]
        )

    def to_json(self) -> str:
        """Return the report as JSON; numbers that are not finite are null."""
        fields = {name: _plain(value) for name, value in asdict(self).items() if name != "script"}
        return json.dumps(fields, indent=2, allow_nan=False)

    def reproduce(self) -> str:
        """Return a program that repeats the check, with the inputs digit by digit.

        Where what was checked has no import path, the program says where to put it.
        """
        return self.script


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(part) for name, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case float():
            return value if abs(value) < float("inf") else None
    return value
