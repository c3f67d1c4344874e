"""How a run stands, on standard error: standard output is for what was found."""

import sys


def progress(text: str) -> None:
    """Say how it stands."""
    print(text, file=sys.stderr, flush=True)
