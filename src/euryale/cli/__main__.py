"""``python -m euryale.cli``."""

from euryale.cli.main import main

main()
