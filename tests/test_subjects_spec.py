"""Subjects as the user writes them, and what is said to a mistyped one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from maskgate.subjects import SubjectError, SubjectSpec, open_subject, parse_subject
from maskgate.subjects.interpreters import worker_environment


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("current", SubjectSpec("current", "current")),
        ("current#keras", SubjectSpec("current#keras", "current", api="keras")),
        ("venv:/a/b", SubjectSpec("venv:/a/b", "venv", "/a/b")),
        ("venv:/a#tf_keras", SubjectSpec("venv:/a#tf_keras", "venv", "/a", api="tf_keras")),
        ("venv:/a@b/c:d", SubjectSpec("venv:/a@b/c:d", "venv", "/a@b/c:d")),
        ("venv:/a#b/c", SubjectSpec("venv:/a#b/c", "venv", "/a#b/c")),
        ("seed", SubjectSpec("seed", "current", seed="with-epsilon")),
        ("seed#tf_keras", SubjectSpec("seed#tf_keras", "current", "", "tf_keras", "with-epsilon")),
        ("seed:no-epsilon", SubjectSpec("seed:no-epsilon", "current", seed="without-epsilon")),
        (
            "seed:epsilon-on-count@venv:/a#keras",
            SubjectSpec(
                "seed:epsilon-on-count@venv:/a#keras", "venv", "/a", "keras", "epsilon-on-count"
            ),
        ),
        (
            "keras-3.15.1-jax",
            SubjectSpec("keras-3.15.1-jax", "environment", "keras-3.15.1-jax"),
        ),
        (
            "pip:keras==3.15.1,tensorflow-cpu==2.21.0",
            SubjectSpec(
                "pip:keras==3.15.1,tensorflow-cpu==2.21.0",
                "environment",
                "pip:keras==3.15.1,tensorflow-cpu==2.21.0",
            ),
        ),
    ],
)
def test_forms(text: str, spec: SubjectSpec) -> None:
    assert parse_subject(text) == spec
    assert str(spec) == text


@pytest.mark.parametrize(
    ("text", "found", "hint"),
    [
        ("curent", "no known form", "write current"),
        ("env:/a", "no known form", "write venv:PATH"),
        ("/a/b", "no known form", "write venv:/a/b"),
        ("kers-3.1", "no known form", "keras-VERSION"),
        ("venv:", "no known form", "venv:PATH"),
        ("", "no known form", "current, venv:PATH, seed"),
        ("zzz", "no known form", "current, venv:PATH, seed"),
        ("seed:noeps", "'noeps' is no variant", "seed:no-epsilon"),
        ("current#keras4", "'keras4' is no API", "#keras or #tf_keras"),
    ],
)
def test_mistyped_subject_names_the_nearest_form(text: str, found: str, hint: str) -> None:
    with pytest.raises(SubjectError) as problem:
        parse_subject(text)
    assert problem.value.asked == text
    assert found in problem.value.found
    assert hint in problem.value.hint


def test_named_environment_needs_someone_who_knows_it() -> None:
    with pytest.raises(SubjectError, match="no environment of that name"):
        open_subject("keras-3.15.1")


def test_named_environment_is_resolved_by_the_given_function(tmp_path: Path) -> None:
    asked: list[str] = []

    def resolve(name: str) -> Path:
        asked.append(name)
        return tmp_path / "python"

    subject = open_subject("seed@keras-3.15.1", environment=resolve)
    assert asked == ["keras-3.15.1"]
    assert subject.python == tmp_path / "python"


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_time_limits_are_positive(limit: float) -> None:
    with pytest.raises(ValueError, match=f"timeout must be a positive number.*{limit!r}"):
        open_subject("current", timeout=limit)


@pytest.mark.parametrize(
    ("options", "found"),
    [({"backend": "theano"}, "backend 'theano'"), ({"device": "tpu"}, "device 'tpu'")],
)
def test_unknown_backend_and_device(options: dict[str, str], found: str) -> None:
    with pytest.raises(SubjectError, match=f"{found} is not known; the known ones are"):
        open_subject("current", **options)  # type: ignore[arg-type]


def test_paths_that_are_no_environment(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match=r"nothing is at .*/absent"):
        open_subject(f"venv:{tmp_path}/absent")
    with pytest.raises(SubjectError, match="is no environment: there is no bin/python in it"):
        open_subject(f"venv:{tmp_path}")


def test_the_link_of_an_environment_is_not_followed(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(os.__file__)
    assert open_subject(f"venv:{tmp_path}").python == python
    assert open_subject(f"venv:{python}").python == python


def test_another_interpreter_sees_none_of_our_packages() -> None:
    base = {"PYTHONPATH": "/ours", "PYTHONHOME": "/ours", "LANG": "C"}
    own = worker_environment(base, backend="tensorflow", device="cpu", foreign=False)
    other = worker_environment(base, backend="tensorflow", device="gpu", foreign=True)
    assert own["PYTHONPATH"] == "/ours"
    assert own["CUDA_VISIBLE_DEVICES"] == "-1"
    assert not {"PYTHONPATH", "PYTHONHOME", "CUDA_VISIBLE_DEVICES"} & set(other)
    assert other["LANG"] == "C"
