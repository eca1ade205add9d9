"""`maskgate diff OLD NEW`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from maskgate.cli.config import (
    BACKENDS,
    DEVICES,
    FORMATS,
    PROFILE_NAMES,
    load_settings,
)
from maskgate.cli.output import answer_stream


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--profile", type=click.Choice(PROFILE_NAMES), help="How much to try.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Seed of the examples.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write diff.json, diff.md and a script for each difference there.",
)
@click.option("--format", type=click.Choice(FORMATS), help="Of the answer on stdout.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Differences that you have accepted.",
)
@click.option("--accept", is_flag=True, help="Write what is found to the baseline.")
@click.option("--backend", type=click.Choice(BACKENDS), help="Backend of Keras 3.")
@click.option("--device", type=click.Choice(DEVICES), help="Where to compute.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long a subject may take to answer.",
)
def diff(
    old: str,
    new: str,
    out: Path | None,
    baseline: Path | None,
    accept: bool,
    **options: Any,
) -> int:
    """Show what changed between two subjects, each change as a minimal batch.

    OLD and NEW are subjects as for `maskgate check`; both are asked the same cases. A difference is
    documented, where a change that the ledger of versions lists explains it; undocumented, where
    both follow their own generation's formula, which changed without a thread in the ledger; or a
    doubt, where one of them does not follow its own formula.

    Exit status: 0 no difference, or accepted ones alone; 1 differences.
    """
    # Not at the top: `--help` should not wait for the engine.
    from maskgate.cli.diffing import diff as run_diff

    given = {key: value for key, value in options.items() if value is not None}
    # `out` and `baseline` of pyproject.toml are those of `maskgate check`.
    settings = load_settings(Path.cwd()).with_({**given, "out": out, "baseline": baseline})
    with answer_stream() as answer:
        return run_diff(old, new, settings, accept=accept, answer=answer)
