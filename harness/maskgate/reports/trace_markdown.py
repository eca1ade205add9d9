"""A trace as Markdown, for a pull request or a wiki."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from maskgate.engines.trace_found import Trace
from maskgate.reports.links import in_markdown
from maskgate.reports.trace_wording import COLUMNS, facts, facts_of, layer_rows, who_line


def trace_to_markdown(found: Trace) -> str:
    """The whole trace as one Markdown document."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Trace) -> Iterator[str]:
    yield from ("# maskgate trace", "")
    if found.failures:
        yield from (f"Not traced: {_escaped(str(failure))}" for failure in found.failures)
        return
    yield from (f"**{_escaped(found.answer)}**", "", _escaped(who_line(found)))
    for note in found.notes:
        yield from ("", f"Note: {_escaped(note)}")
    yield from ("", _row(COLUMNS), _row(["---"] * len(COLUMNS)))
    for row in layer_rows(found):
        # Leading blanks, which show the nesting, are none in a table.
        nested = len(row[0]) - len(row[0].lstrip(" "))
        yield _row(["&nbsp;" * nested + _escaped(row[0]), *map(_escaped, row[1:])])
    for output in found.outputs:
        yield from ("", f"## {_escaped(output.name)}: loss {_escaped(output.loss)}", "")
        yield from (f"- {name}: {_escaped(text)}" for name, text in facts_of(output))
    yield from ("", "## The whole model", "")
    yield from (f"- {name}: {_escaped(text)}" for name, text in facts(found))
    if found.known:
        yield from ("", "## What is known of this", "")
    for known in found.known:
        yield f"- {known.about}: {_escaped(known.sentence)} {in_markdown(known.link)}"
    yield from ("", f"Again: `{found.command}`")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Text that Markdown must not read as its own, nor a table as a border."""
    for sign in "\\`*_<>|":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())
