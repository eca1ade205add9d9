"""Subjects as the user writes them."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Literal

from maskgate.subjects.protocol import SubjectError

Place = Literal["current", "venv", "environment"]

APIS = ("keras", "tf_keras")
SEEDS = {
    "": "with-epsilon",
    "epsilon": "with-epsilon",
    "no-epsilon": "without-epsilon",
    "epsilon-on-count": "epsilon-on-count",
}
FORMS = (
    "current",
    "venv:PATH",
    "seed",
    *(f"seed:{variant}" for variant in SEEDS if variant),
    "keras-VERSION",
    "tf_keras-VERSION",
    "tf-VERSION",
    "pip:REQUIREMENT,...",
)
_ENVIRONMENT = re.compile(r"(?:keras|tf_keras|tf)-\d[\w.+-]*|pip:.+")


@dataclass(frozen=True)
class SubjectSpec:
    """What one subject's text says.

    Attributes:
        text: as the user wrote it.
        place: `current` for the interpreter maskgate runs in, `venv` for a path, `environment`
            for a named one or requirements.
        target: the path or the environment's name; empty for `current`.
        api: `keras` or `tf_keras` where the text says which to ask (`#tf_keras`), else None.
        seed: version of the seed's formula (`with-epsilon`, ...) where the text asks for it.
    """

    text: str
    place: Place
    target: str = ""
    api: str | None = None
    seed: str | None = None

    def __str__(self) -> str:
        return self.text


def parse_subject(text: str) -> SubjectSpec:
    """Read a subject: `[seed[:VARIANT]@]PLACE[#API]`.

    PLACE is `current`, `venv:PATH`, a named environment or `pip:REQUIREMENT,...`; `seed` alone is
    `seed@current`; API is `keras` or `tf_keras`.

    Raises:
        SubjectError: for a text of no known form; it names the nearest ones.
    """
    seed, rest = _seed(text)
    where, mark, api = rest.rpartition("#") if _has_api(rest) else (rest, "", "")
    if mark and api not in APIS:
        raise SubjectError(text, f"{api!r} is no API", f"write {_or([f'#{a}' for a in APIS])}")
    place, target = _place(text, where)
    return SubjectSpec(text, place, target, api or None, seed)


def _seed(text: str) -> tuple[str | None, str]:
    """The variant of the seed's formula, or None, and where to run it."""
    head, _, rest = text.partition("@")
    name, _, variant = head.partition("#")[0].partition(":")
    if name != "seed":
        return None, text
    if variant not in SEEDS:
        raise SubjectError(text, f"{variant!r} is no variant of the seed", f"write {_seed_forms()}")
    return SEEDS[variant], rest or f"current{head.partition('#')[1]}{head.partition('#')[2]}"


def _seed_forms() -> str:
    return _or([form for form in FORMS if form.startswith("seed")])


def _has_api(text: str) -> bool:
    """Whether the part behind the last `#` is an API and not part of a path."""
    tail = text.rpartition("#")[2]
    return "#" in text and (not text.startswith("venv:") or re.fullmatch(r"\w+", tail) is not None)


def _place(text: str, where: str) -> tuple[Place, str]:
    if where == "current":
        return "current", ""
    if where.startswith("venv:") and where != "venv:":
        return "venv", where.removeprefix("venv:")
    if _ENVIRONMENT.fullmatch(where):
        return "environment", where
    raise SubjectError(text, "it has no known form of a subject", f"write {_or(_nearest(where))}")


def _nearest(text: str) -> list[str]:
    """The known forms nearest to a text; all of them where none is near."""
    if text.startswith(("/", ".", "~")):
        return [f"venv:{text}"]
    names = {form.split(":")[0].split("-VERSION")[0]: form for form in FORMS if "seed:" not in form}
    near = difflib.get_close_matches(re.split(r"[:@#-]", text)[0], names, n=2)
    return [names[name] for name in near] or [*names.values()]


def _or(forms: list[str]) -> str:
    return forms[0] if len(forms) == 1 else f"{', '.join(forms[:-1])} or {forms[-1]}"
