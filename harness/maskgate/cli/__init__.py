"""Floor 8: the command line. Thin: it parses, calls, prints and exits."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    try:
        # Half a second, in which a person may press Ctrl-C.
        from maskgate.cli import app
    except KeyboardInterrupt:
        print("maskgate: interrupted", file=sys.stderr)
        sys.exit(130)
    app.main(arguments)
