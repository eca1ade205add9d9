"""What each script says first: of itself, of the environment, and how it imports the framework."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

from maskgate import __version__
from maskgate.reports import script_text as text
from maskgate.reports.links import in_words
from maskgate.verdicts.model import Finding

_WIDTH = 96


def docstring(finding: Finding, subject: Mapping[str, Any]) -> str:
    """The title, the link, who was asked, and what the exit status means."""
    recipe = finding.reproducer
    who = f"{recipe['distribution']} {recipe.get('version', '')}".strip()
    backend = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}[recipe["backend"]]
    framework = f" on {backend} {subject['framework']}" if "framework" in subject else ""
    if finding.stage == "backend":
        framework += f", which is expected to answer as {finding.details.get('backend')} does"
    usage = (
        "Exit status: 1 while the behaviour is there, 0 once it is gone, 2 if this cannot run here."
    )
    origin = f"Seen with {who}{framework}, {finding.mode} mode, stage: {finding.stage}."
    tool = f"Written by maskgate {__version__}, property {finding.property}, finding {finding.id}."
    paragraphs = [finding.title, in_words(finding.link), f"{origin}\n{usage}\n{tool}"]
    joined = "\n\n".join(_wrapped(paragraph) for paragraph in paragraphs if paragraph)
    return joined.replace("\\", "\\\\").replace('"', "'")


def _wrapped(paragraph: str) -> str:
    lines = paragraph.splitlines()
    return "\n".join(textwrap.fill(line, _WIDTH, break_long_words=False) for line in lines)


def package_import(package: str, backend: str) -> str:
    """The line that imports `keras` or `tf_keras` as `keras`."""
    line = "import keras" if package == "keras" else f"import {package} as keras"
    return f"{line}\n    {text.LOUD}" if backend == "tensorflow" else line


def environment(finding: Finding, subject: Mapping[str, Any]) -> str:
    """The lines about environment variables, which must stand before the imports."""
    recipe = finding.reproducer
    backend = recipe["backend"]
    lines = ['os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")']
    if recipe["distribution"] == "keras" and release(str(recipe.get("version", ""))) >= (3,):
        lines.insert(0, f'os.environ["KERAS_BACKEND"] = "{backend}"')
    if subject.get("device", "cpu") == "cpu":
        lines.append('os.environ["CUDA_VISIBLE_DEVICES"] = "-1"')
        if backend == "jax":
            lines.append('os.environ["JAX_PLATFORMS"] = "cpu"')
    if backend == "jax" and finding.case is not None and finding.case["dtype"] == "float64":
        lines.append('os.environ["JAX_ENABLE_X64"] = "1"')
    if backend == "tensorflow":
        lines.append(text.QUIET)
    return "\n".join(lines)


def release(version: str) -> tuple[int, ...]:
    """Major and minor version."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
