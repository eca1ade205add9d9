"""The folder that `--out` names: trace.html, trace.json, trace.md, and the pictures."""

from __future__ import annotations

from pathlib import Path

from maskgate.engines.trace_found import Trace
from maskgate.reports.files import write_text
from maskgate.reports.trace_gradient_svg import gradient_svg
from maskgate.reports.trace_html import trace_to_html
from maskgate.reports.trace_markdown import trace_to_markdown
from maskgate.reports.trace_mask_svg import mask_svg
from maskgate.reports.trace_report import trace_json_text


def write_trace_folder(found: Trace, out: Path) -> None:
    """Write every report of a trace.

    `gradient.svg` is written where a gradient over batch and time was measured; one of an earlier
    trace is removed.

    Raises:
        OSError: when something cannot be written.
    """
    write_text(out / "trace.json", trace_json_text(found) + "\n")
    write_text(out / "trace.html", trace_to_html(found))
    write_text(out / "trace.md", trace_to_markdown(found))
    write_text(out / "mask.svg", mask_svg(found))
    picture = gradient_svg(found)
    if picture is None:
        (out / "gradient.svg").unlink(missing_ok=True)
    else:
        write_text(out / "gradient.svg", picture)
