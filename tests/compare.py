"""The comparison of computed numbers: no test compares arrays in another way.

`check` asserts shape, type, finiteness and size before it looks at a value, measures the error
in units in the last place (ulp) of the exact value, and records it. `same` is bit-for-bit
equality. There is no absolute tolerance and none that grows with the size.
"""

from dataclasses import asdict, dataclass, field
from fractions import Fraction

import numpy as np
from mpmath import mp, mpf

LIMIT = 64  # ulp: no tolerance of a test may be wider
PEERS = ("PyTorch", "JAX", "scikit-learn", "statsmodels", "SciPy")  # measured, not bounded by us


@dataclass
class Record:
    """What was checked of one statement against one oracle."""

    cases: int = 0
    values: int = 0
    largest: float = 0.0
    worst: str = ""


@dataclass
class Evidence:
    """What was checked in this session: statement -> oracle -> Record."""

    statements: dict[str, dict[str, Record]] = field(default_factory=dict)

    def add(self, statement, oracle, record):
        known = self.statements.setdefault(statement, {}).setdefault(oracle, Record())
        known.cases += record.cases
        known.values += record.values
        # On a tie the first name in the alphabet stays, whatever the order of the tests.
        if (record.largest, known.worst) > (known.largest, record.worst) or not known.worst:
            known.largest, known.worst = record.largest, record.worst

    def as_dict(self):
        return {
            statement: {oracle: asdict(record) for oracle, record in oracles.items()}
            for statement, oracles in self.statements.items()
        }

    def merge(self, statements):
        """Add what another process checked, as it comes from `as_dict`."""
        for statement, oracles in statements.items():
            for oracle, record in oracles.items():
                self.add(statement, oracle, Record(**record))


EVIDENCE = Evidence()


def check(actual, expected, *, statement, oracle, case, ulp, entrywise=False):
    """Assert that `actual` is within `ulp` of `expected`, and record the error.

    `expected` is a number or nested lists (floats, fractions or mpmath numbers of any precision).
    Entrywise, each entry counts in its own ulp; otherwise the largest difference counts in ulp of
    the largest entry. An expected zero (entrywise) or an all-zero array must be met exactly.
    """
    assert 0 < ulp <= LIMIT or oracle in PEERS, f"a tolerance of {ulp} ulp is too wide"
    expected = np.array(expected, dtype=object)
    assert isinstance(actual, np.ndarray | np.float64), f"{type(actual)} is no float64 result"
    assert actual.dtype == np.float64 and actual.dtype.isnative, actual.dtype
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    assert actual.size > 0, "nothing to compare"
    assert np.isfinite(actual).all(), f"{case}: not finite: {actual}"
    with mp.workdps(60):
        exact = [_exact(value) for value in expected.ravel()]
        assert all(mp.isfinite(value) for value in exact), f"{case}: the oracle is not finite"
        computed = np.asarray(actual).ravel().tolist()
        difference = [abs(mpf(a) - e) for a, e in zip(computed, exact, strict=True)]
        if entrywise:
            errors = [_in_ulp(d, e) for d, e in zip(difference, exact, strict=True)]
        else:
            errors = [_in_ulp(max(difference), max(map(abs, exact)))]
    error = max(errors)
    EVIDENCE.add(statement, oracle, Record(1, actual.size, error, case))
    assert error <= ulp, (
        f"{statement}, {case}: {error:.3g} ulp from the value by {oracle}, allowed {ulp}\n"
        f"computed {computed}\nexpected {[mp.nstr(value, 20) for value in exact]}"
    )


def agree(actual, expected, *, digits):
    """Assert that two nested lists of mpmath numbers agree to so many digits, below one in units."""
    actual, expected = (np.array(values, dtype=object) for values in (actual, expected))
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    assert actual.size > 0, "nothing to compare"
    with mp.workdps(digits + 10):
        for one, other in zip(actual.ravel(), expected.ravel(), strict=True):
            assert mp.isfinite(one) and mp.isfinite(other), f"not finite: {one}, {other}"
            assert abs(one - other) <= mpf(10) ** -digits * max(1, abs(other)), f"{one}, {other}"


def same(actual, expected):
    """Assert that two float64 or integer results are equal bit for bit, -0.0 and 0.0 apart."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype, f"{actual.dtype}, expected {expected.dtype}"
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    assert actual.size > 0, "nothing to compare"
    assert not np.isnan(actual).any(), f"not a number: {actual}"
    assert actual.tobytes() == expected.tobytes(), f"{actual}\nexpected {expected}"


def _exact(value):
    if isinstance(value, Fraction):
        return mpf(value.numerator) / value.denominator
    return mpf(value)


def _in_ulp(difference, value):
    if difference == 0:
        return 0.0
    if value == 0:
        return float("inf")
    exponent = max(mp.frexp(value)[1] - 1, -1022)  # below 2^-1022 the spacing is constant
    return float(difference / mpf(2) ** (exponent - 52))
