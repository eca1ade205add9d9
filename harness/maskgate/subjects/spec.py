"""Subjects as the user writes them."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from typing import Literal

from maskgate.subjects.protocol import SubjectError

Place = Literal["current", "venv", "environment"]

APIS = ("keras", "tf_keras")
BACKENDS = ("tensorflow", "jax", "torch")
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
    "keras-VERSION-jax",
    "keras-VERSION-torch",
    "pip:REQUIREMENT[,REQUIREMENT]",
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
        backend: backend of Keras 3 where the text says which (`#jax`, `keras-3.15.1-jax`).
    """

    text: str
    place: Place
    target: str = ""
    api: str | None = None
    seed: str | None = None
    backend: str | None = None

    def __str__(self) -> str:
        return self.text


def parse_subject(text: str) -> SubjectSpec:
    """Read a subject: `[seed[:VARIANT]@]PLACE[#API|#BACKEND]`.

    PLACE is `current`, `venv:PATH`, a named environment or `pip:REQUIREMENT[,REQUIREMENT]`;
    `seed` alone is `seed@current`; API is `keras` or `tf_keras`; BACKEND is `tensorflow`, `jax` or
    `torch`.

    Raises:
        SubjectError: for a text of no known form; it names the nearest ones.
    """
    seed, rest = _seed(text)
    where, _, mark = rest.rpartition("#") if _has_mark(rest) else (rest, "", "")
    if mark and mark not in (*APIS, *BACKENDS):
        found = f"{mark!r} is no API and no backend"
        raise SubjectError(text, found, f"write {_or([f'#{known}' for known in APIS + BACKENDS])}")
    place, target = _place(text, where)
    spec = SubjectSpec(text, place, target, mark if mark in APIS else None, seed)
    named = place == "environment" and next((b for b in BACKENDS if target.endswith(f"-{b}")), None)
    spec = replace(spec, backend=named or None)
    return replace(on_backend(spec, mark), text=text) if mark in BACKENDS else spec


def on_backend(spec: SubjectSpec, backend: str) -> SubjectSpec:
    """The subject on that backend; its text says so, since each backend is a subject of its own.

    Raises:
        SubjectError: where the subject names another one.
    """
    if spec.backend == backend:
        return spec
    if spec.backend is not None:
        found = f"it is on {spec.backend} and cannot be asked on {backend}"
        raise SubjectError(spec.text, found, "leave one of the two backends out")
    if spec.place == "environment" and not spec.target.startswith("pip:"):
        return _named_on(spec, backend)
    text = spec.text.rpartition("#")[0] if spec.api else spec.text
    return replace(spec, text=f"{text}#{backend}", backend=backend)


def _named_on(spec: SubjectSpec, backend: str) -> SubjectSpec:
    """A named environment on a backend: the one of TensorFlow has no suffix."""
    if backend == "tensorflow":
        return replace(spec, backend=backend)
    target = f"{spec.target}-{backend}"
    text = spec.text.replace(spec.target, target)
    return replace(spec, text=text, target=target, backend=backend)


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


def _has_mark(text: str) -> bool:
    """Whether the part behind the last `#` is an API or a backend and not part of a path."""
    tail = text.rpartition("#")[2]
    return "#" in text and (not text.startswith("venv:") or re.fullmatch(r"\w+", tail) is not None)


def _place(text: str, where: str) -> tuple[Place, str]:
    if where == "current":
        return "current", ""
    if where.startswith("venv:") and where != "venv:":
        return "venv", where.removeprefix("venv:")
    if _ENVIRONMENT.fullmatch(where):
        return "environment", where
    near, forms = _nearest(where)
    hint = f"did you mean {_or(forms)}?" if near else f"write {_or(forms)}"
    raise SubjectError(text, "no subject is written so", hint)


def _nearest(text: str) -> tuple[bool, list[str]]:
    """Whether known forms are near a text, and these; all of them where none is near."""
    if text.startswith(("/", ".", "~")):
        return True, [f"venv:{text}"]
    names = {
        form.split(":")[0].split("-VERSION")[0]: form
        for form in FORMS
        if "seed:" not in form and form.count("-") < 2
    }
    near = difflib.get_close_matches(re.split(r"[:@#-]", text)[0], names, n=2)
    if near:
        return True, [names[name] for name in near]
    return False, [form for form in FORMS if form.count("-VERSION-") < 1]


def _or(forms: list[str]) -> str:
    return forms[0] if len(forms) == 1 else f"{', '.join(forms[:-1])} or {forms[-1]}"
