"""`python -m aesearch.cli`."""

from aesearch.cli import main

main()
