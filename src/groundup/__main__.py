"""``python -I -m groundup COMMAND…``: a command of the neo runtime, in the environment that is there."""

from __future__ import annotations

import sys

from groundup.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
