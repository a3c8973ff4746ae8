"""`python -m wirespan`."""

import sys

from wirespan.cli import run_command

if __name__ == "__main__":
    sys.exit(run_command())
