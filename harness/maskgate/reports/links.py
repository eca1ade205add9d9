"""Links as people can follow them: a finding of this project lies in a folder of the user's."""

from __future__ import annotations

from pathlib import Path

# How entries of the list of known deviations name the findings.
FINDINGS = "reports/findings/"
_PACKAGE = Path(__file__).resolve().parents[1]


def findings_folder() -> Path | None:
    """Where the findings lie: inside the installed package, or in a checkout; None if nowhere."""
    for folder in (_PACKAGE / "findings", _PACKAGE.parents[1] / "reports" / "findings"):
        if folder.is_dir():
            return folder
    return None


def is_finding(link: str) -> bool:
    """Whether a link names a finding of this project rather than a public thread."""
    return link.startswith(FINDINGS)


def followed(link: str) -> str:
    """A link as it is printed: a finding as the path of its folder on this machine.

    The path is relative where it lies below the working directory, else absolute. A link to
    anything else, and to a finding that is not there, stays as it is.
    """
    folder = _folder(link)
    if folder is None:
        return link
    here = Path.cwd().resolve()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)


def in_words(link: str | None) -> str:
    """A link for a text that leaves this machine, where a path would lead nowhere."""
    if link and is_finding(link):
        return f"maskgate describes it in its finding {link.removeprefix(FINDINGS)}."
    return link or ""


def address(link: str) -> str:
    """A link for a program to open: a finding as a `file:` address."""
    folder = _folder(link)
    return link if folder is None else folder.as_uri()


def in_markdown(link: str | None) -> str:
    """A link in Markdown: an address in angle brackets, a path as code; empty for none."""
    if not link:
        return ""
    return f"`{followed(link)}`" if is_finding(link) else f"<{link}>"


def _folder(link: str) -> Path | None:
    root = findings_folder()
    if root is None or not is_finding(link):
        return None
    folder = root / link.removeprefix(FINDINGS)
    return folder if folder.is_dir() else None
