"""The corpus of public threads: what each is about, and what of the suite would catch it.

`python -m maskgate.reports.corpus` writes the table `CORPUS.md` beside `corpus.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskgate.engines.catalogue import suite_folder
from maskgate.engines.scenarios import PROPERTY
from maskgate.reports.files import write_text
from maskgate.subjects.worker.tasks.scenarios import SCENARIOS
from maskgate.verdicts.deviations import KnownDeviation, load_deviations

DATA, TABLE = "corpus.json", "CORPUS.md"
_KEYS = {"id", "area", "links", "releases", "sentence", "properties", "scenarios"}


@dataclass(frozen=True)
class Entry:
    """One public thread, or several about one thing.

    Attributes:
        id: kebab-case name, stable.
        area: what it is about, one word.
        links: addresses of the threads, the main one first.
        releases: releases that the threads name, in words.
        sentence: what goes wrong.
        properties: properties that would catch it.
        scenarios: named scenarios that are its program.
        tests: files of the tests that cover it where no property can.
        reason: why it cannot be run here; None where something covers it.
    """

    id: str
    area: str
    links: tuple[str, ...]
    releases: str
    sentence: str
    properties: tuple[str, ...]
    scenarios: tuple[str, ...]
    tests: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def covered(self) -> bool:
        """Whether anything of the suite would catch it."""
        return bool(self.properties or self.scenarios or self.tests)


def load_corpus(path: Path | None = None) -> tuple[Entry, ...]:
    """The entries, in the order of the file.

    Args:
        path: the file; None for the one of the suite.

    Raises:
        ValueError: when an entry lacks something, has something unknown, or is neither covered nor
            says why it cannot be.
    """
    document = json.loads((path or suite_folder() / DATA).read_text(encoding="utf-8"))
    return tuple(_entry(data) for data in document["entries"])


def _entry(data: dict[str, Any]) -> Entry:
    name = data.get("id", "?")
    wrong = sorted((_KEYS - set(data)) | (set(data) - _KEYS - {"tests", "reason"}))
    if wrong:
        raise ValueError(f"entry {name!r} of the corpus lacks or does not have {wrong[0]!r}")
    lists = {key: tuple(value) for key, value in data.items() if isinstance(value, list)}
    entry = Entry(**{**data, **lists})
    if entry.covered == (entry.reason is not None):
        raise ValueError(f"entry {name!r} of the corpus must be covered, or say why it cannot be")
    return entry


def corpus_table(entries: Sequence[Entry], known: Sequence[KnownDeviation]) -> str:
    """The table in Markdown.

    Args:
        entries: the corpus.
        known: the listed deviations, which say in what releases a scenario deviates.
    """
    return "\n".join(_lines(entries, known)) + "\n"


def _lines(entries: Sequence[Entry], known: Sequence[KnownDeviation]) -> Iterator[str]:
    covered = [entry for entry in entries if entry.covered]
    counts = f"{len(entries)} entries: {len(covered)} are covered, {len(entries) - len(covered)}"
    yield from (
        "# The corpus",
        "",
        "Public bugs and surprises around masked and weighted losses, and what of this suite",
        f"would catch each. {counts} cannot be run here, and say why.",
        "",
        f"A scenario is asked by `maskgate check SUBJECT --select '{PROPERTY}/NAME'`. The last",
        "column names the versions of Keras, of those with an environment, in which a scenario of",
        "the entry is seen to deviate. Written by `python -m maskgate.reports.corpus` from",
        "`corpus.json`.",
    )
    for area in dict.fromkeys(entry.area for entry in entries):
        yield from ("", f"## {area.capitalize()}", "")
        yield "| entry | what goes wrong | releases named | covered by | seen to deviate |"
        yield "|---|---|---|---|---|"
        for entry in entries:
            if entry.area == area:
                yield _row(entry, known)


def _row(entry: Entry, known: Sequence[KnownDeviation]) -> str:
    threads = ", ".join(f"[{_short(link)}]({link})" for link in entry.links)
    covered = [f"`{name}`" for name in (*entry.properties, *entry.tests)]
    covered += [f"`{PROPERTY}/{name}`" for name in entry.scenarios]
    by = ", ".join(covered) or f"not run: {entry.reason}"
    seen = "; ".join(_seen(name, known) for name in entry.scenarios if _of(name, known))
    cells = (f"{entry.id}: {threads}", entry.sentence, entry.releases, by, seen)
    return f"| {' | '.join(cells)} |"


def _of(name: str, known: Sequence[KnownDeviation]) -> list[KnownDeviation]:
    return [each for each in known if each.property == PROPERTY and each.shape_class == name]


def _seen(name: str, known: Sequence[KnownDeviation]) -> str:
    where = [
        " ".join(filter(None, [each.versions or "all", ", ".join(each.backends)]))
        for each in _of(name, known)
    ]
    return f"`{name}` in {' and '.join(where)}"


def _short(link: str) -> str:
    """`keras#13329` for the address of a thread."""
    _, _, _, _, project, kind, number = link.split("/")
    return f"{project}@{number}" if kind == "commit" else f"{project}#{number}"


def undescribed() -> list[str]:
    """Scenarios that no entry of the corpus is about."""
    named = {name for entry in load_corpus() for name in entry.scenarios}
    return sorted(set(SCENARIOS) - named)


if __name__ == "__main__":
    folder = suite_folder()
    deviations = load_deviations(folder / "known_deviations.json")
    write_text(folder / TABLE, corpus_table(load_corpus(), deviations))
