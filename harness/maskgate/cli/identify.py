"""`maskgate identify SUBJECT`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from maskgate.cli.config import BACKENDS, DEVICES, FORMATS, load_settings
from maskgate.cli.output import answer_stream, complain, console_for, require_subjects


@click.command()
@click.argument("subject")
@click.option("--format", type=click.Choice(FORMATS), help="Of the answer on stdout.")
@click.option("--backend", type=click.Choice(BACKENDS), help="Backend of Keras 3.")
@click.option("--device", type=click.Choice(DEVICES), help="Where to compute.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long the subject may take to answer.",
)
def identify(subject: str, **options: Any) -> int:
    """Say which family of semantics SUBJECT follows, from its behaviour alone.

    Exit status: 0 exactly one family fits, 1 none does, or several.
    """
    # Not at the top: `--help` should not wait for the engine.
    from maskgate.engines.identify import run_identify
    from maskgate.reports.identified import (
        identified_json_text,
        identified_lines,
        identified_markdown,
    )

    given = {key: value for key, value in options.items() if value is not None}
    settings = load_settings(Path.cwd()).with_(given)
    require_subjects([subject], settings.backend)
    with answer_stream() as answer:
        found = run_identify(
            subject,
            backend=settings.backend,
            device=settings.device,
            timeout=settings.timeout,
        )
        for failure in found.failures:
            complain(failure)
        if settings.format == "json":
            answer.write(identified_json_text(found) + "\n")
        elif settings.format == "markdown":
            answer.write(identified_markdown(found))
        else:
            for line in identified_lines(found):
                console_for(answer).print(line, soft_wrap=True)
        answer.flush()
    return found.exit_status
