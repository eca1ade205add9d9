"""Floor 7: an event log in, reports out. No engine knows a reporter."""

from maskgate.reports.folder import check_writable, write_folder
from maskgate.reports.junit import write_junit
from maskgate.reports.markdown import to_markdown
from maskgate.reports.report import (
    Failure,
    Report,
    collect,
    json_text,
    schema,
    to_json,
    write_json,
)
from maskgate.reports.repro import repro_script
from maskgate.reports.terminal import Terminal, show_report
from maskgate.reports.wording import outcome

__all__ = [
    "Failure",
    "Report",
    "Terminal",
    "check_writable",
    "collect",
    "json_text",
    "outcome",
    "repro_script",
    "schema",
    "show_report",
    "to_json",
    "to_markdown",
    "write_folder",
    "write_json",
    "write_junit",
]
