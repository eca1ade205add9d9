"""What the ledger says of a subject that has introduced itself."""

from __future__ import annotations

from dataclasses import replace

from maskgate.oracle import ledger
from maskgate.oracle.ledger import LedgerEntry
from maskgate.subjects.protocol import Description


def listed(who: Description) -> LedgerEntry:
    """The entry of a subject's release, with the semantics of its backend and its own epsilon."""
    # The seed's formula reduces the element losses of the framework that it runs on.
    elementwise = who.extra.get("elementwise")
    entry = ledger.lookup(
        who.distribution, who.keras, elements=None if elementwise is None else tuple(elementwise)
    )
    semantics = replace(ledger.on_backend(entry.semantics, who.backend), epsilon=who.epsilon)
    return replace(entry, semantics=semantics)
