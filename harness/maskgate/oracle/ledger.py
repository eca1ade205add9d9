"""Which release follows which semantics, and where the semantics changed.

Read in the published packages and confirmed by running them; links are to the public threads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from maskgate.oracle.semantics import Semantics

SEED_VERSIONS = {"with-epsilon": "objective-epsilon", "without-epsilon": "objective"}


@dataclass(frozen=True)
class LedgerEntry:
    """What is known of a release.

    Attributes:
        semantics: its formula, on the direct path.
        exact: whether the release itself is listed.
        nearest: the listed release that the semantics are those of.
        note: what a reader of a report should know; empty for most.
    """

    semantics: Semantics
    exact: bool
    nearest: str
    note: str = ""


@dataclass(frozen=True)
class Switch:
    """A change of family between two releases.

    Attributes:
        distribution: `keras` or `tf_keras`.
        version: first release with the new behaviour.
        before: family until then.
        after: family from then on.
        link: the public thread; empty where none is known.
        summary: what changed, one clause.
    """

    distribution: str
    version: str
    before: str
    after: str
    link: str
    summary: str


@dataclass(frozen=True)
class _Span:
    """Releases of one distribution, oldest first, with the same semantics."""

    releases: tuple[str, ...]
    family: str
    generation: str
    note: str = ""


# The Keras inside TensorFlow up to 2.5 has versions such as 2.3.0-tf and the code of 2.4.
_TENSORFLOW_OWN = "2.4.3"

_SHIM = "re-exports the Keras inside TensorFlow; these are the semantics of TensorFlow 2.2 to 2.5"

_SPANS: dict[str, tuple[_Span, ...]] = {
    "keras": (
        _Span(
            (
                *("0.3.3", "1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.0.5", "1.0.6", "1.0.7"),
                *("1.0.8", "1.1.0", "1.1.1", "1.1.2", "1.2.0", "1.2.1", "1.2.2", "2.0.0", "2.0.1"),
                *("2.0.2", "2.0.3", "2.0.4", "2.0.5", "2.0.6", "2.0.7", "2.0.8", "2.0.9", "2.1.0"),
                "2.1.1",
            ),
            "objective",
            "objective-2.0",
        ),
        _Span(
            (
                *("2.1.2", "2.1.3", "2.1.4", "2.1.5", "2.1.6", "2.2.0", "2.2.1", "2.2.2", "2.2.3"),
                "2.2.4",
            ),
            "objective",
            "objective",
        ),
        _Span(("2.2.5",), "objective-epsilon", "objective"),
        _Span(("2.3.0", "2.3.1"), "all-elements", "keras-2.3.0"),
        _Span(("2.4.0", "2.4.1", "2.4.2", "2.4.3"), "all-elements", "keras-2.4.0", _SHIM),
        _Span(("2.6.0",), "all-elements", "keras-2.4.0"),
        _Span(("2.7.0", "2.8.0"), "all-elements", "keras-2.7.0"),
        _Span(("2.9.0",), "all-elements", "keras-2.9.0"),
        _Span(("2.10.0",), "all-elements", "keras-2.10.0"),
        _Span(("2.11.0",), "valid-twice", "keras-2.11.0"),
        _Span(("2.12.0", "2.13.1"), "valid-twice", "keras-2.12.0"),
        _Span(("2.14.0", "2.15.0"), "valid-twice", "keras-2.14.0"),
        _Span(("3.0.0", "3.0.1", "3.0.2", "3.0.3", "3.0.4"), "valid-epsilon", "keras-3.0.0"),
        _Span(
            ("3.0.5", "3.1.0", "3.1.1", "3.2.0", "3.2.1", "3.3.0", "3.3.1", "3.3.2", "3.3.3"),
            "valid-epsilon",
            "keras-3.0.5",
        ),
        _Span(("3.4.0", "3.4.1", "3.5.0"), "valid-epsilon", "keras-3.4.0"),
        _Span(("3.6.0",), "valid-epsilon", "keras-3.6.0"),
        _Span(
            (
                *("3.7.0", "3.8.0", "3.9.0", "3.9.1", "3.9.2", "3.10.0", "3.11.0", "3.11.1"),
                *("3.11.2", "3.11.3", "3.12.0", "3.12.1", "3.12.2", "3.12.3", "3.12.4"),
            ),
            "valid-epsilon",
            "keras-3.7.0",
        ),
        _Span(("3.13.0", "3.13.1", "3.13.2", "3.14.0", "3.14.1"), "valid-no-nan", "keras-3.7.0"),
        _Span(("3.15.0", "3.15.1"), "valid-where", "keras-3.15.0"),
    ),
    "tf_keras": (
        _Span(
            (
                *("2.14.1", "2.15.0", "2.15.1", "2.16.0", "2.17.0", "2.18.0", "2.19.0", "2.20.0"),
                *("2.20.1", "2.21.0"),
            ),
            "valid-twice",
            "keras-2.14.0",
        ),
    ),
}

# Generations that keep a mask as an attribute of its tensor (3.6 keeps a table of its own).
_MASK_AS_ATTRIBUTE = ("keras-3.0.0", "keras-3.0.5", "keras-3.4.0")

DISTRIBUTIONS = (*_SPANS, "seed")

_SWITCHES = (
    Switch(
        "keras",
        "2.2.5",
        "objective",
        "objective-epsilon",
        "https://github.com/keras-team/keras/pull/11643",
        "epsilon is added to the mean of the mask: an all-masked batch gives 0, not NaN",
    ),
    Switch(
        "keras",
        "2.3.0",
        "objective-epsilon",
        "all-elements",
        "https://github.com/tensorflow/tensorflow/issues/26784",
        "the loss is divided by all elements, padding included",
    ),
    Switch(
        "keras",
        "2.11.0",
        "all-elements",
        "valid-twice",
        "https://github.com/keras-team/keras/pull/17160",
        "the loss is divided by the valid elements again; an all-masked batch is NaN",
    ),
    Switch(
        "keras",
        "3.0.0",
        "valid-twice",
        "valid-epsilon",
        "https://github.com/keras-team/keras-core/pull/802",
        "epsilon is added to the count of valid elements; the mask is applied once",
    ),
    Switch(
        "keras",
        "3.13.0",
        "valid-epsilon",
        "valid-no-nan",
        "https://github.com/keras-team/keras/pull/21908",
        "the epsilon goes; the division is guarded instead",
    ),
    Switch(
        "keras",
        "3.15.0",
        "valid-no-nan",
        "valid-where",
        "",
        "every non-zero mask value counts fully in the numerator",
    ),
)


def lookup(
    distribution: str, version: str, *, elements: tuple[str, str] | None = None
) -> LedgerEntry:
    """The semantics of a release; those of the one listed before it where it is not listed.

    Args:
        distribution: `keras` (TensorFlow's own up to 2.15 included), `tf_keras` or `seed`.
        version: its version; of the seed `with-epsilon` or `without-epsilon`.
        elements: distribution and version of the framework whose element losses the seed reduces.

    Raises:
        ValueError: for an unknown distribution.
    """
    if distribution == "seed":
        return _seed(version, elements or ("keras", newest("keras")))
    if distribution not in _SPANS:
        known = ", ".join(DISTRIBUTIONS)
        raise ValueError(f"distribution must be one of {known}; got {distribution!r}")
    listed = [(release, span) for span in _SPANS[distribution] for release in span.releases]
    wanted = _TENSORFLOW_OWN if version.endswith("-tf") else version
    older = [item for item in listed if _numbers(item[0]) <= _numbers(wanted)]
    nearest, span = older[-1] if older else listed[0]
    exact = nearest == version
    note = span.note if exact else f"{version} is not listed; taken for {nearest}"
    return LedgerEntry(Semantics(span.family, span.generation), exact, nearest, note)


def on_backend(semantics: Semantics, backend: str) -> Semantics:
    """The semantics of a release on one of its backends: `tensorflow`, `jax` or `torch`."""
    multiplies = semantics.rules.ignoring == "multiply"
    return replace(
        semantics,
        narrows=backend in ("jax", "torch"),
        in_place=backend == "torch",
        loses_mask=backend == "jax" and semantics.generation in _MASK_AS_ATTRIBUTE,
        nan_where_ignored=backend in ("jax", "torch") and multiplies,
        nan_where_divided=backend == "torch" and multiplies,
        joins_integer_masks=backend in ("jax", "torch"),
        weak_constants=backend == "jax",
        by_log_sigmoid=backend == "torch",
        squares_divisors=backend == "jax",
    )


def versions(distribution: str) -> tuple[str, ...]:
    """The listed releases of a distribution, oldest first."""
    if distribution == "seed":
        return tuple(SEED_VERSIONS)
    return tuple(release for span in _SPANS[distribution] for release in span.releases)


def newest(distribution: str) -> str:
    """The newest listed release of a distribution."""
    return versions(distribution)[-1]


def switches() -> tuple[Switch, ...]:
    """Every change of family, oldest first."""
    return _SWITCHES


def _seed(version: str, elements: tuple[str, str]) -> LedgerEntry:
    exact = version in SEED_VERSIONS
    nearest = version if exact else "with-epsilon"
    generation = lookup(*elements).semantics.generation
    semantics = replace(Semantics(SEED_VERSIONS[nearest]), elements=generation)
    note = "" if exact else f"{version} is not listed; taken for {nearest}"
    return LedgerEntry(semantics, exact, nearest, note)


def _numbers(version: str) -> tuple[int, int, int]:
    """The three numbers of a version; suffixes such as `rc1` or `-tf` do not count."""
    found = [int(part) for part in re.findall(r"\d+", version)[:3]]
    major, minor, patch = (*found, 0, 0, 0)[:3]
    return major, minor, patch
