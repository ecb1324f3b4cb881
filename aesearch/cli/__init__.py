"""The command line: each command parses its options, makes one library call, and prints the result.

Commands import the library, and with it NumPy, FAISS and PyTorch, inside their functions, so that --help is fast.
"""

from aesearch.cli.main import app, main

__all__ = ["app", "main"]
