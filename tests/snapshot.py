"""Texts that must not change unnoticed. MASKGATE_UPDATE_SNAPSHOTS=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "snapshots"


def assert_snapshot(name: str, text: str) -> None:
    """Compare a text with the one that is kept, blanks at the end of lines aside."""
    tidy = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    path = FOLDER / name
    if os.environ.get("MASKGATE_UPDATE_SNAPSHOTS") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(tidy, encoding="utf-8")
    assert tidy == path.read_text(encoding="utf-8"), f"{name} changed"
