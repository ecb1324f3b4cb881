"""Run the command line as `python -m aesearch`."""

from aesearch.cli import main

main()
