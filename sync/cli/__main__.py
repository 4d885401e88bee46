"""`python -m sync.cli` is `truce`."""

from sync.cli import main

main()
