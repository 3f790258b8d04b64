"""Says whether a layer is right, and if not, why: `reference_impl.check` under its first name."""

from reference_impl.check.bring import assert_layer, check_gradient, check_layer
from reference_impl.check.report import Report

__all__ = ["Report", "assert_layer", "check_gradient", "check_layer"]
