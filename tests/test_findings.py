"""What is published of standing deviations: a public link or a folder whose script shows it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from maskgate import environments
from maskgate.engines.catalogue import suite_folder
from maskgate.verdicts.deviations import KnownDeviation, load_deviations

ROOT = Path(__file__).resolve().parents[1]
FOLDER = "reports/findings/"
ENTRIES = load_deviations(suite_folder() / "known_deviations.json")
OURS = sorted({entry.link for entry in ENTRIES if entry.link and entry.link.startswith(FOLDER)})
# The newest release of each family, where it is not the one that the tests run beside.
NEWEST = {
    "valid-twice": "tf-2.15.1",
    "valid-no-nan": "keras-3.14.1",
    "valid-epsilon": "keras-3.12.4",
    "all-elements": "keras-2.3.1",
}

# A release by its number, where a finding is gone from the newest of its family.
OF_RELEASE = {"==2.12.*": "tf-2.12.1"}

# The releases of Keras that have environments on each backend, the newest first.
ON_BACKENDS = ("3.15.1", "3.13.2", "3.4.1")


def families(link: str) -> set[str]:
    return {family for entry in ENTRIES if entry.link == link for family in entry.families}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_each_entry_has_a_public_link_or_a_finding(entry: KnownDeviation) -> None:
    assert entry.link
    assert entry.link.startswith(("https://github.com/", FOLDER))
    if entry.link.startswith(FOLDER):
        folder = ROOT / entry.link
        assert {path.name for path in folder.iterdir()} >= {"README.md", "repro.py"}
        assert entry.sentence in (folder / "README.md").read_text().replace("\n", " ")


def test_each_finding_is_listed() -> None:
    assert {f"{FOLDER}{path.name}" for path in (ROOT / FOLDER).iterdir()} == set(OURS)


def elsewhere(link: str) -> list[KnownDeviation]:
    """The entries of a finding that TensorFlow does not show."""
    entries = [entry for entry in ENTRIES if entry.link == link]
    shown = [each for each in entries if not each.backends or "tensorflow" in each.backends]
    return [] if shown else entries


ON_TENSORFLOW = [each for each in OURS if not elsewhere(each)]
ON_NEWEST = [each for each in ON_TENSORFLOW if "valid-where" in families(each)]


@pytest.mark.releases
@pytest.mark.parametrize("link", [each for each in OURS if elsewhere(each)])
def test_a_script_shows_its_finding_on_its_backend(
    link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = elsewhere(link)[0]
    release = next(each for each in ON_BACKENDS if SpecifierSet(entry.versions).contains(each))
    python = environments.ensure(environments.get(f"keras-{release}-{entry.backends[0]}"))
    monkeypatch.setenv("KERAS_BACKEND", entry.backends[0])
    shows(python, ROOT / link / "repro.py")


@pytest.mark.slow
@pytest.mark.parametrize("link", ON_NEWEST)
def test_a_script_shows_its_finding_on_the_newest_keras(link: str) -> None:
    shows(Path(sys.executable), ROOT / link / "repro.py")


@pytest.mark.releases
@pytest.mark.parametrize("link", [each for each in ON_TENSORFLOW if each not in ON_NEWEST])
def test_a_script_shows_its_finding_on_the_release_it_is_of(link: str) -> None:
    script = ROOT / link / "repro.py"
    if "import tf_keras" in script.read_text():
        release = "tf_keras-2.21.0"
    else:
        numbers = [entry.versions for entry in ENTRIES if entry.link == link]
        newest = next(NEWEST[each] for each in NEWEST if each in families(link))
        release = OF_RELEASE.get(numbers[0], newest)
    shows(environments.ensure(environments.get(release)), script)


def shows(python: Path, script: Path) -> None:
    run = subprocess.run([python, script], capture_output=True, text=True, check=False)
    assert run.returncode == 1, json.dumps([run.stdout, run.stderr[-2000:]])
    assert "expected" in run.stdout
    assert "observed" in run.stdout
    # What TensorFlow says as it starts.
    assert "oneDNN" not in run.stderr
