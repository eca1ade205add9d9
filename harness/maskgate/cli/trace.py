"""`maskgate trace TARGET`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from maskgate.cli.config import BACKENDS, DEVICES, FORMATS, load_settings
from maskgate.cli.output import answer_stream

SECONDS = 300.0


@click.command()
@click.argument("target")
@click.option("--subject", default="current", metavar="SUBJECT", help="Who runs the model.")
@click.option("--data", metavar="PKG.MODULE:NAME", help="A batch: (x, y) or (x, y, weights).")
@click.option(
    "--import",
    "imports",
    multiple=True,
    metavar="PKG.MODULE",
    help="Import this first: it registers what a saved model is made of; repeatable.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write trace.html, trace.json, trace.md, mask.svg and gradient.svg there.",
)
@click.option("--format", type=click.Choice(FORMATS), help="Of the answer on stdout.")
@click.option("--backend", type=click.Choice(BACKENDS), help="Backend of Keras 3.")
@click.option("--device", type=click.Choice(DEVICES), help="Where to compute.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    default=SECONDS,
    show_default=True,
    help="How long the whole trace may take.",
)
def trace(
    target: str,
    subject: str,
    data: str | None,
    imports: tuple[str, ...],
    out: Path | None,
    timeout: float,
    **options: Any,
) -> int:
    """Follow the mask through your own model: do the labels of masked steps matter?

    TARGET is `pkg.module:NAME`, a model or a function that builds one, or a saved model: a .keras
    or .h5 file, or a SavedModel folder. It is imported from the current folder. Neither the model
    nor its file is changed.

    Exit status: 0 masked labels are ignored, 1 they matter, the mask is lost before the loss, or
    the batch does not tell; 2 wrong usage, 3 the model's code or the subject failed.
    """
    # Not at the top: `--help` should not wait for the engine.
    from maskgate.cli.tracing import trace as run
    from maskgate.engines.trace import TraceRequest

    given = {key: value for key, value in options.items() if value is not None}
    settings = load_settings(Path.cwd()).with_(given)
    request = TraceRequest(
        target=target,
        subject=subject,
        data=data,
        imports=imports,
        backend=settings.backend,
        device=settings.device,
        timeout=timeout,
    )
    with answer_stream() as answer:
        return run(request, settings.format, out, answer)
