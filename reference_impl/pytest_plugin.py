"""The fixture `check_derivatives` of pytest; what it needs is imported when a test asks for it."""

from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def check_derivatives() -> Callable[..., None]:
    """Check derivatives: check_derivatives(layer, z), or (f, x, grad=g), or (module, tensor).

    It takes what `check`, `check_layer`, `check_torch` and `check_jax` take, for a module arrays of
    NumPy's too, and fails with the report unless the verdict is "right".
    """
    from reference_impl.check.anything import assert_right

    return assert_right
