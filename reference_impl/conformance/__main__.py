"""``python -m reference_impl.conformance``."""

import sys

from reference_impl.conformance.command import main

if __name__ == "__main__":
    sys.exit(main())
