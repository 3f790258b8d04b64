"""Check your own: says whether a derivative is right, and if not, why."""

from reference_impl.check.bring import assert_layer, check, check_gradient, check_layer
from reference_impl.check.bring_jax import check_jax
from reference_impl.check.bring_torch import check_torch
from reference_impl.check.report import Cause, Finding, Report

__all__ = [
    "Cause",
    "Finding",
    "Report",
    "assert_layer",
    "check",
    "check_gradient",
    "check_jax",
    "check_layer",
    "check_torch",
]
