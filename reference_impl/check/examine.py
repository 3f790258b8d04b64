"""The checks: a problem is examined claim by claim, and the report is written."""

from reference_impl.check.problem import Case as Case
