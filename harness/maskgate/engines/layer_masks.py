"""What is listed of the masks of each layer, release by release: `properties/layer_masks.json`.

    python -m maskgate.engines.layer_masks SUBJECT...

asks the layers of these subjects and writes down what they do. A list is one of changes: what a
layer does holds from a release on, until the next one that is named.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from packaging.version import InvalidVersion, Version

from maskgate.engines.catalogue import suite_folder
from maskgate.subjects import open_subject
from maskgate.subjects.protocol import Description, Done, ModelSubject, Task

SHIPPED = "layer_masks.json"
ABSENT = "absent"
TASK = "zoo.masks"
PATIENCE = 600.0

Layers = Mapping[str, str]
# By line (`keras on tensorflow`) and release.
Releases = dict[str, dict[str, Layers]]


class Listed:
    """The list, as it is looked up.

    Args:
        path: the file; the shipped one if None.

    Raises:
        ValueError: for a damaged file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.releases = read(path or suite_folder() / SHIPPED)

    def layers(self, who: Description) -> Layers:
        """What each layer of a release does with a mask; of the nearest older one that is listed,
        where it is not itself. Empty for a line that is not listed."""
        releases = self.releases.get(line_of(who), {})
        own = _numbered(who.keras)
        if not releases or own is None:
            return {}
        listed = sorted(releases, key=Version)
        older = [each for each in listed if Version(each) <= own]
        return releases[older[-1] if older else listed[0]]


@functools.cache
def shipped() -> Listed:
    """The list that maskgate comes with, read once."""
    return Listed()


def line_of(who: Description) -> str:
    """The line of releases that a subject is one of."""
    return f"{who.distribution} on {who.backend}"


def read(path: Path) -> Releases:
    """The list as it stands in a file.

    Raises:
        ValueError: when it is no such list; the message names the file.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {line: _unfolded(listed) for line, listed in data["lines"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"{path}: it is no list of layers ({problem!r})") from problem


def write(path: Path, releases: Releases) -> None:
    """Write a list down, each layer with the releases at which it changes."""
    lines = {line: _folded(listed) for line, listed in sorted(releases.items())}
    draft = path.with_name(path.name + ".part")
    draft.write_text(_document(lines), encoding="utf-8")
    draft.replace(path)


def _document(lines: Mapping[str, Any]) -> str:
    """JSON with a layer a line."""
    parts = []
    for line, listed in lines.items():
        layers = ",\n".join(
            f"    {json.dumps(name)}: {json.dumps(changes)}"
            for name, changes in listed["layers"].items()
        )
        releases = json.dumps(listed["releases"])
        parts.append(
            f'  {json.dumps(line)}: {{\n   "releases": {releases},\n   "layers": {{\n{layers}\n'
            "   }\n  }"
        )
    return '{\n "schema": 1,\n "lines": {\n' + ",\n".join(parts) + "\n }\n}\n"


def _folded(listed: Mapping[str, Layers]) -> dict[str, Any]:
    ordered = sorted(listed, key=Version)
    names = sorted({name for layers in listed.values() for name in layers})
    layers: dict[str, list[list[str]]] = {}
    for name in names:
        changes: list[list[str]] = []
        for release in ordered:
            said = listed[release].get(name, ABSENT)
            if not changes or changes[-1][1] != said:
                changes.append([release, said])
        layers[name] = changes
    return {"releases": ordered, "layers": layers}


def _unfolded(listed: Mapping[str, Any]) -> dict[str, Layers]:
    found: dict[str, dict[str, str]] = {}
    for release in listed["releases"]:
        found[release] = {}
        for name, changes in listed["layers"].items():
            said = [what for since, what in changes if Version(since) <= Version(release)]
            if said and said[-1] != ABSENT:
                found[release][name] = said[-1]
    return dict(found)


def _numbered(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:  # the seed's formula, which has no layers
        return None


def main(subjects: Sequence[str]) -> int:
    """Ask the layers of these subjects, and write down what they do."""
    path = suite_folder() / SHIPPED
    releases = read(path) if path.exists() else {}
    for text in subjects:
        subject = open_subject(text)
        try:
            who = subject.describe()
            asked = Task(TASK, {"layers": []}, {})
            done = cast(ModelSubject, subject).perform(asked, timeout=PATIENCE)
            if not isinstance(done, Done):
                print(f"{text}: {done}", file=sys.stderr)
                return 1
            said = {name: each["mask"] for name, each in done.data["layers"].items()}
            releases.setdefault(line_of(who), {})[who.keras] = said
            print(f"{text}: {len(said)} layers", file=sys.stderr)
            write(path, releases)
        finally:
            subject.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
