"""The known deviations, as data: what a family is known to do against a property."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion

from maskgate.case import Case
from maskgate.subjects.protocol import MODES, Description
from maskgate.subjects.spec import BACKENDS
from maskgate.verdicts.model import Identity

_TEXTS = ("id", "property", "stage", "shape_class", "sentence")
_REQUIRED = (*_TEXTS, "families", "case")


@dataclass(frozen=True)
class KnownDeviation:
    """One listed deviation.

    Attributes:
        id: kebab-case name, stable.
        property: public name of the property that it deviates from.
        families: families of semantics that deviate in this way.
        stage: as in `Identity`.
        shape_class: as in `Identity`.
        sentence: what happens, one sentence.
        link: public thread or finding; None only in a user's own baseline.
        case: the minimal case.
        altered: the case it is compared with, or None.
        details: how the one came from the other, as in `strategies.Pair`.
        modes: execution modes that show it; empty for all.
        backends: backends that show it; empty for all.
        versions: Keras versions that show it, as `>=3.0,<3.13`; empty for all of the families.
    """

    id: str
    property: str
    families: tuple[str, ...]
    stage: str
    shape_class: str
    sentence: str
    link: str | None
    case: Case
    altered: Case | None
    details: Mapping[str, Any] = field(default_factory=dict)
    modes: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    versions: str = ""

    def applies(self, family: str, description: Description) -> bool:
        """Whether a subject of this family is one that the entry is about."""
        version = description.extra.get("elementwise", ("", description.keras))[1]
        return (
            family in self.families
            # A mode that the subject lacks shows nothing.
            and (not self.modes or bool(set(self.modes) & set(description.modes)))
            and (not self.backends or description.backend in self.backends)
            and (not self.versions or _within(version, self.versions))
        )

    def matches(self, identity: Identity) -> bool:
        """Whether a failure of this identity is the listed one."""
        return (
            identity.property == self.property
            and identity.family in self.families
            and identity.stage == self.stage
            and identity.shape_class == self.shape_class
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> KnownDeviation:
        """One entry of a list of known deviations.

        Raises:
            ValueError: when something is missing or damaged; the message names it.
        """
        missing = [key for key in _REQUIRED if key not in data]
        if missing:
            raise ValueError(f"entry {data.get('id', '?')!r} has no {missing[0]!r}")
        for key in _TEXTS:
            _require(data, key, isinstance(data[key], str), "a string")
        _require(data, "link", isinstance(data.get("link"), str | None), "a string or null")
        _require(data, "families", _are_strings(data["families"]), "a list of strings")
        modes = data.get("modes", [])
        known_modes = _are_strings(modes) and set(modes) <= set(MODES)
        _require(data, "modes", known_modes, f"a list of some of {', '.join(MODES)}")
        backends, versions = data.get("backends", []), data.get("versions", "")
        known_backends = _are_strings(backends) and set(backends) <= set(BACKENDS)
        _require(data, "backends", known_backends, f"a list of some of {', '.join(BACKENDS)}")
        _require(data, "versions", _are_versions(versions), "versions such as '>=3.0,<3.13'")
        altered = data.get("altered")
        return cls(
            id=data["id"],
            property=data["property"],
            families=tuple(data["families"]),
            stage=data["stage"],
            shape_class=data["shape_class"],
            sentence=data["sentence"],
            link=data.get("link"),
            case=Case.from_dict(data["case"]),
            altered=None if altered is None else Case.from_dict(altered),
            details=dict(data.get("details", {})),
            modes=tuple(modes),
            backends=tuple(backends),
            versions=versions,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as `from_dict` reads it."""
        return {
            "id": self.id,
            "property": self.property,
            "families": list(self.families),
            "stage": self.stage,
            "shape_class": self.shape_class,
            "sentence": self.sentence,
            "link": self.link,
            "modes": list(self.modes),
            "backends": list(self.backends),
            "versions": self.versions,
            "details": dict(self.details),
            "case": self.case.to_dict(),
            "altered": None if self.altered is None else self.altered.to_dict(),
        }


def _require(data: Mapping[str, Any], key: str, good: bool, wanted: str) -> None:
    # What is read but matches nothing would be neither replayed nor missed.
    if not good:
        found = f"entry {data['id']!r} has {key} {data.get(key)!r}"
        raise ValueError(f"{found}, which must be {wanted}")


def _within(version: str, versions: str) -> bool:
    try:
        return SpecifierSet(versions).contains(version, prereleases=True)
    except InvalidVersion:  # the seed's formula, which has variants in place of versions
        return False


def _are_versions(value: Any) -> bool:
    try:
        SpecifierSet(value)
    except (InvalidSpecifier, AttributeError, TypeError):
        return False
    return isinstance(value, str)


def _are_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def load_deviations(path: Path) -> tuple[KnownDeviation, ...]:
    """Read a list of known deviations: the shipped one, or a user's baseline.

    Raises:
        ValueError: when the file is damaged; the message names the file and the entry.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("schema") != 1:
            raise ValueError("it is no list of deviations of schema 1")
        entries = tuple(KnownDeviation.from_dict(entry) for entry in data["deviations"])
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"{path}: {problem}") from problem
    doubled = {entry.id for entry in entries if [e.id for e in entries].count(entry.id) > 1}
    if doubled:
        raise ValueError(f"{path}: id {min(doubled)!r} stands for two entries")
    return entries


def save_deviations(path: Path, deviations: Iterable[KnownDeviation]) -> None:
    """Write a list of known deviations, sorted, by way of a temporary file."""
    ordered = sorted(deviations, key=lambda entry: entry.id)
    document = {"schema": 1, "deviations": [entry.to_dict() for entry in ordered]}
    draft = path.with_name(path.name + ".part")
    draft.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)
