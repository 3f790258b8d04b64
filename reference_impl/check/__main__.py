"""python -m reference_impl.check: the same as logisticbp check."""

import sys

from reference_impl.check.command import main

if __name__ == "__main__":
    sys.exit(main())
