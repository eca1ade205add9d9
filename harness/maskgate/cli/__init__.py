"""Floor 8: the command line. Thin: it parses, calls, prints and exits."""

from maskgate.cli.app import main

__all__ = ["main"]
