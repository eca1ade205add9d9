"""Subjects as the user writes them, and what is said to a mistyped one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maskgate import environments
from maskgate.environments import Environment
from maskgate.subjects import SubjectError, SubjectSpec, open_subject, parse_subject
from maskgate.subjects.interpreters import worker_environment
from maskgate.subjects.spec import on_backend


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
            SubjectSpec("keras-3.15.1-jax", "environment", "keras-3.15.1-jax", backend="jax"),
        ),
        (
            "keras-3.15.1#torch",
            SubjectSpec("keras-3.15.1#torch", "environment", "keras-3.15.1-torch", backend="torch"),
        ),
        ("venv:/a#jax", SubjectSpec("venv:/a#jax", "venv", "/a", backend="jax")),
        ("current#torch", SubjectSpec("current#torch", "current", backend="torch")),
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
        ("curent", "no subject is written so", "did you mean current?"),
        ("env:/a", "no subject is written so", "did you mean venv:PATH?"),
        ("/a/b", "no subject is written so", "did you mean venv:/a/b?"),
        ("kers-3.1", "no subject is written so", "keras-VERSION"),
        ("venv:", "no subject is written so", "venv:PATH"),
        ("", "no subject is written so", "current, venv:PATH, seed"),
        ("zzz", "no subject is written so", "current, venv:PATH, seed"),
        ("seed:noeps", "'noeps' is no variant", "seed:no-epsilon"),
        ("current#keras4", "'keras4' is no API and no backend", "#keras, #tf_keras, #tensorflow"),
        ("keras-3.15.1-jax#torch", "it is on jax and cannot be asked on torch", "leave one"),
    ],
)
def test_mistyped_subject_names_the_nearest_form(text: str, found: str, hint: str) -> None:
    with pytest.raises(SubjectError) as problem:
        parse_subject(text)
    assert problem.value.asked == text
    assert found in problem.value.found
    assert hint in problem.value.hint


@pytest.mark.parametrize(
    ("text", "backend", "on_it"),
    [
        ("current", "jax", "current#jax"),
        ("current#keras", "jax", "current#jax"),
        ("venv:/a#torch", "torch", "venv:/a#torch"),
        ("keras-3.15.1", "torch", "keras-3.15.1-torch"),
        ("keras-3.15.1", "tensorflow", "keras-3.15.1"),
        ("keras-3.15.1-jax", "jax", "keras-3.15.1-jax"),
        ("pip:keras==3.15.1,jax", "jax", "pip:keras==3.15.1,jax#jax"),
    ],
)
def test_each_backend_is_a_subject_of_its_own(text: str, backend: str, on_it: str) -> None:
    spec = on_backend(parse_subject(text), backend)
    assert (spec.text, spec.backend) == (on_it, backend)
    assert parse_subject(on_it).target == spec.target
    assert on_backend(spec, backend) == spec


def test_a_named_environment_is_made_and_says_its_backend_and_shims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def ensure(environment: Environment, *, progress: Callable[[str], None] | None) -> Path:
        assert progress is not None
        progress(f"making {environment.name}")
        return tmp_path / "python"

    monkeypatch.setattr(environments, "ensure", ensure)
    for text in ("seed@keras-2.2.5", "keras-3.15.1", "keras-3.15.1-jax"):
        subject = open_subject(text, progress=made.append)
        assert subject.python == tmp_path / "python"
    assert open_subject("keras-3.15.1", backend="torch", progress=made.append).spec.text == (
        "keras-3.15.1-torch"
    )
    names = ("keras-2.2.5", "keras-3.15.1", "keras-3.15.1-jax", "keras-3.15.1-torch")
    assert made == [f"making {name}" for name in names]


def test_a_named_environment_that_does_not_exist() -> None:
    with pytest.raises(SubjectError, match=r"no environment is so named.*write tf-2"):
        open_subject("tf-2.15.1", backend="jax")
    with pytest.raises(SubjectError, match=r"no environment is so named.*write keras-2"):
        open_subject("keras-2.2.9")


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
    own = worker_environment(base, backend="tensorflow", device="cpu", place="current")
    other = worker_environment(base, backend=None, device="gpu", place="venv")
    assert own["PYTHONPATH"] == "/ours"
    assert (own["CUDA_VISIBLE_DEVICES"], own["KERAS_BACKEND"]) == ("-1", "tensorflow")
    unset = {"PYTHONPATH", "PYTHONHOME", "CUDA_VISIBLE_DEVICES", "KERAS_BACKEND"}
    assert not unset & set(other)
    assert other["LANG"] == "C"


def test_what_jax_compiles_is_kept_where_nobody_has_said_where(tmp_path: Path) -> None:
    how: dict[str, Any] = {"backend": "jax", "device": "cpu", "place": "environment"}
    kept = worker_environment({}, compiled=tmp_path, **how)
    assert kept["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path)
    assert kept["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] == "0"
    own = worker_environment({"JAX_COMPILATION_CACHE_DIR": "/own"}, compiled=tmp_path, **how)
    assert own["JAX_COMPILATION_CACHE_DIR"] == "/own"
    assert not [name for name in worker_environment({}, **how) if "CACHE" in name]
