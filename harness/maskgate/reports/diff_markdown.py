"""A comparison as Markdown, for a pull request or a wiki."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from maskgate.reports.batch import batch
from maskgate.reports.diff_wording import (
    about,
    diff_outcome,
    facts,
    followed_sentence,
    repeat_diff,
)
from maskgate.reports.links import in_markdown
from maskgate.reports.wording import loss_line, subject_line, subject_notes
from maskgate.verdicts.difference import SIDES, Comparison, Difference


def diff_to_markdown(comparison: Comparison) -> str:
    """The whole comparison as one Markdown document."""
    return "\n".join(_lines(comparison)) + "\n"


def _lines(comparison: Comparison) -> Iterator[str]:
    yield from ("# maskgate diff", "", _escaped(diff_outcome(comparison)))
    for side in SIDES:
        if side in comparison.subjects:
            yield from _side(comparison, side)
    if comparison.differences:
        yield from ("", "| verdict | label | difference | seen |", "| --- | --- | --- | --- |")
    for each in comparison.differences:
        words = (each.verdict, each.cause.label, _escaped(each.title), str(each.examples))
        yield f"| {' | '.join(words)} |"
    for each in comparison.differences:
        yield from _difference(each)
    if comparison.differences:
        yield from ("", f"Again: `{repeat_diff(comparison)}`")
    for failure in comparison.failures:
        yield from ("", f"Not asked: {_escaped(str(failure))}")


def _side(comparison: Comparison, side: str) -> Iterator[str]:
    who = comparison.subjects[side]
    said = f"{subject_line(who)}; {followed_sentence(comparison, side)}"
    yield from ("", f"**{side.upper()}** `{who['id']}`: {_escaped(said)}")
    for text in subject_notes(who):
        yield from ("", f"Note: {_escaped(text)}")


def _difference(difference: Difference) -> Iterator[str]:
    heading = f"{difference.verdict}, {difference.cause.label}: {_escaped(difference.title)}"
    yield from ("", f"## {heading}", "", f"{_escaped(about(difference))}", "")
    yield f"`{loss_line(difference.case)}`"
    small = batch(difference.case, None)
    if small.rows:
        yield ""
        yield _row(small.columns)
        yield _row(["---"] * len(small.columns))
        yield from (_row(row) for row in small.rows)
    if small.left_out:
        yield from ("", f"and {small.left_out} more")
    for line in small.beside:
        yield from ("", _escaped(line))
    yield ""
    for name, text in facts(difference):
        yield f"- {name}: {in_markdown(text) if name == 'thread' else _escaped(text)}"
    if difference.repro:
        yield f"- script: [`{difference.repro}`]({difference.repro})"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Text that Markdown must not read as its own, nor a table as a border."""
    for sign in "\\`*_<>|":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())
