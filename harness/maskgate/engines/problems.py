"""What is wrong with a request, as data: what was asked, what was found, what to do next."""

from __future__ import annotations


class UsageProblem(Exception):
    """Wrong usage or configuration.

    Attributes:
        asked: what was asked for.
        found: what was found instead.
        hint: what to do next.
    """

    def __init__(self, asked: str, found: str, hint: str) -> None:
        super().__init__(f"{asked}: {found}; {hint}")
        self.asked, self.found, self.hint = asked, found, hint
