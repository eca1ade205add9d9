"""What `maskgate identify` found out, as lines for a terminal, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from maskgate import __version__
from maskgate.case import array_from_dict
from maskgate.engines.identify import Fit, Identification
from maskgate.reports.batch import batch
from maskgate.reports.wording import brief, counted, loss_line

# How many families are named where none fits.
_CLOSEST = 3


def identified_json_text(found: Identification) -> str:
    """The JSON document, without a final line break."""
    fitting = found.fitting
    document = {
        "schema": 1,
        "kind": "identify",
        "tool": {"name": "maskgate", "version": __version__},
        "exit_status": found.exit_status,
        "subject": dict(found.subject),
        "family": fitting[0].family if len(fitting) == 1 else None,
        "cases": found.cases,
        "gradients_fit": found.gradients_fit,
        "fits": [asdict(fit) for fit in found.fits],
        "telling": None if found.telling is None else asdict(found.telling),
        "failures": [vars(failure) for failure in found.failures],
    }
    return json.dumps(document, indent=1, allow_nan=False)


def identified_lines(found: Identification) -> Iterator[str]:
    """The answer in plain lines."""
    if not found.subject:
        return
    who = found.subject
    name = {"seed": "seed formula"}.get(who["distribution"], who["distribution"])
    yield (
        f"{who['id']}: says it is {name} {who['keras']} on {who['backend']} {who['framework']}, "
        f"{who['device']}"
    )
    yield ""
    if len(found.fitting) == 1:
        yield from _one(found, found.fitting[0])
    elif found.fitting:
        yield from _several(found)
    else:
        yield from _none(found)


def identified_markdown(found: Identification) -> str:
    """The same as Markdown: the answer, and how every family did."""
    lines = ["# maskgate identify", "", "```text", *identified_lines(found), "```", ""]
    if found.fits:
        lines += ["| family | cases wrong | generations | releases |", "| --- | --- | --- | --- |"]
        lines += [
            f"| `{fit.family}` | {fit.wrong} of {found.cases} | {', '.join(fit.generations)} | "
            f"{_spans(fit.releases)} |"
            for fit in found.fits
        ]
    lines += [f"Not asked: {failure}" for failure in found.failures]
    return "\n".join(lines) + "\n"


def _one(found: Identification, fit: Fit) -> Iterator[str]:
    yield f"family      {fit.family}"
    yield from _rest(fit)
    runner_up = next(each for each in found.fits if each.family != fit.family)
    of = f"{counted(runner_up.wrong, 'case')} of {found.cases}"
    yield f"next        {runner_up.family}, wrong on {of}"
    if not found.gradients_fit:
        yield "but         by its losses alone: no family fits what it gives with a gradient"


def _several(found: Identification) -> Iterator[str]:
    names = " and ".join(fit.family for fit in found.fitting)
    yield f"several families fit: {names}"
    for fit in found.fitting:
        yield from ("", f"family      {fit.family}", *_rest(fit))


def _rest(fit: Fit) -> Iterator[str]:
    yield f"generation  {' or '.join(fit.generations)}"
    releases = _spans(fit.releases) or "none of the ledger behaves so"
    yield f"releases    {releases}"
    if fit.unlike:
        yield f"unlike it   {', '.join(fit.unlike)} (element losses that no generation defines so)"


def _none(found: Identification) -> Iterator[str]:
    yield f"no family fits, by {found.cases} cases; the closest are"
    for fit in found.fits[:_CLOSEST]:
        yield f"  {fit.family}, wrong on {counted(fit.wrong, 'case')} ({_nearest(fit)})"
    telling = found.telling
    if telling is None:
        return
    yield from (
        "",
        "the smallest case that the closest gets wrong:",
        f"  {loss_line(telling.case)}",
    )
    small = batch(telling.case, None)
    rows = [small.columns, *small.rows] if small.rows else []
    yield from _aligned(rows)
    yield from (f"    {line}" for line in small.beside)
    yield f"  observed {_observed(telling.observed)}"
    for family, words in telling.expected.items():
        yield f"  {family}: {words}"


def _nearest(fit: Fit) -> str:
    return _spans(fit.releases) or ", ".join(fit.generations)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"    {'  '.join(cells)}".rstrip()


def _spans(releases: Sequence[str]) -> str:
    """`keras 2.12.0 to 2.15.0, tf_keras 2.14.1 to 2.21.0`."""
    parts = []
    for distribution in dict.fromkeys(release.split()[0] for release in releases):
        versions = [r.split()[1] for r in releases if r.split()[0] == distribution]
        parts.append(
            f"{distribution} {versions[0]}" + (f" to {versions[-1]}" if len(versions) > 1 else "")
        )
    return ", ".join(parts)


def _observed(answer: Any) -> str:
    if "value" not in answer:
        return "refused: " + " ".join(str(answer["refused"]).split())[:160]
    value = array_from_dict(answer["value"])
    return brief(np.asarray(value, np.float64).tolist())
