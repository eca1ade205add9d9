"""What one run of the suite has: its subject, the peers beside it, and what is known of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from maskgate.case import LossSpec
from maskgate.engines.catalogue import suite_folder
from maskgate.engines.examining import SHIPPED, examine, own_of
from maskgate.engines.forced_failure import prove_it_can_fail
from maskgate.engines.own_loss import OwnLoss
from maskgate.strategies import draw_only
from maskgate.subjects import open_subject
from maskgate.subjects.protocol import Description, Subject, SubjectError
from maskgate.verdicts.deviations import KnownDeviation, load_deviations

OWN_ROLES: tuple[Literal["loss", "metric", "layer"], ...] = ("loss", "metric", "layer")


class Session:
    """The session's one subject, opened when the first property asks for it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._subject: Subject | None = None
        self._peers: list[Subject] | None = None
        self.description: Description | None = None
        self.own: OwnLoss | None = None

    def open(self) -> tuple[Subject, Description]:
        """The subject and what it says of itself, opened and tried at the first call."""
        if self._subject is None or self.description is None:
            option = self._config.getoption
            subject = open_subject(
                option("--subject"),
                timeout=option("--timeout"),
                backend=option("--backend"),
                device=option("--device"),
                loss=self.loss,
            )
            self._subject = subject
            self.description = subject.describe()
            self._draw_for(subject)
            prove_it_can_fail(examine(subject, self.description, "forced-failure"))
        return self._subject, self.description

    @property
    def loss(self) -> LossSpec | None:
        """A loss, metric or layer of the user's that is checked in place of the built-in ones."""
        option = self._config.getoption
        like = option("--like")
        pattern = None if like is None else LossSpec.parse(like)
        for role in OWN_ROLES:
            if option(f"--{role}") is not None:
                return LossSpec(option(f"--{role}"), like=pattern, role=role)
        return None

    def _draw_for(self, subject: Subject) -> None:
        if self.loss is not None and self.description is not None:
            self.own, self.description = own_of(self.loss, subject, self.description)
            draw_only(self.own.scope)

    def peers(self) -> list[Subject]:
        """Those of the subjects beside this one that are its release on another backend."""
        if self._peers is None:
            self._peers = [
                peer for text in self._config.getoption("--peer") for peer in self._peer(text)
            ]
        return self._peers

    def _peer(self, text: str) -> Iterator[Subject]:
        own = self.description
        option = self._config.getoption
        peer = None
        with contextlib.suppress(SubjectError):  # its own run tells what is wrong with it
            peer = open_subject(
                text, timeout=option("--timeout"), device=option("--device"), loss=self.loss
            )
            other = peer.describe()
            if own is not None and _same_release(own, other) and own.backend != other.backend:
                yield peer
                return
        if peer is not None:
            peer.close()

    def known(self) -> tuple[KnownDeviation, ...]:
        """What is listed and what the baseline accepts."""
        entries = load_deviations(suite_folder() / SHIPPED)
        baseline = self._config.getoption("--baseline")
        entries += load_deviations(Path(baseline)) if baseline else ()
        # What is accepted of an own loss is asked where that loss is checked.
        return tuple(each for each in entries if self.loss is not None or not each.case.loss.own)

    def close(self) -> None:
        """End the subject and its peers."""
        draw_only(None)
        for subject in (self._subject, *(self._peers or ())):
            if subject is not None:
                subject.close()


def _same_release(one: Description, other: Description) -> bool:
    return (one.distribution, one.keras) == (other.distribution, other.keras)
