"""``python -m teller`` is the command ``teller``."""

from teller.cli import main

main()
