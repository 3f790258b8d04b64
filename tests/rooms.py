"""The engine as it computes where numba is not installed."""

import functools
from unittest import mock

from reference_impl.engine import compiled


class WithoutNumba:
    """A module of the engine, whose functions run without compiled loops."""

    def __init__(self, module):
        self.module = module

    def __getattr__(self, name):
        function = getattr(self.module, name)

        @functools.wraps(function)
        def call(*arguments, **keywords):
            with mock.patch.object(compiled, "loops", lambda dtype: None):
                return function(*arguments, **keywords)

        return call
