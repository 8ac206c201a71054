"""`python -m tcnsc_lib` is `tcnsc`."""

import sys

from tcnsc_lib.cli import main

if __name__ == "__main__":
    sys.exit(main())
