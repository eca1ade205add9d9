"""The list of named environments, and what the real old releases compute in them."""

from __future__ import annotations

import json
import subprocess

import pytest
from packaging.requirements import Requirement

from maskgate.environments import EnvironmentProblem, ensure, get, names
from maskgate.environments.catalogue import RECIPES
from maskgate.environments.model import SHIMS, locks_folder
from maskgate.subjects.protocol import SubjectError


@pytest.mark.parametrize("name", names())
def test_each_lock_pins_every_package_and_holds_what_its_recipe_asks(name: str) -> None:
    pinned = dict(line.split("==") for line in get(name).packages)
    for asked in map(Requirement, RECIPES[name].requirements):
        assert asked.specifier.contains(pinned[asked.name.replace("_", "-").lower()])
    assert not pinned.keys() & set(RECIPES[name].excludes)


def test_every_lock_belongs_to_an_environment() -> None:
    assert sorted(lock.stem for lock in locks_folder().glob("*.txt")) == sorted(names())


def test_locks_name_no_place_to_download_from() -> None:
    assert not [lock for lock in locks_folder().glob("*.txt") if "/" in lock.read_text()]


def test_the_last_number_may_be_left_out() -> None:
    assert get("tf-2.15").name == "tf-2.15.1"
    assert get("keras-3.15").name == "keras-3.15.1"
    assert get("keras-3.15-jax").name == "keras-3.15.1-jax"


def test_a_name_that_fits_several_is_refused_with_all_of_them() -> None:
    with pytest.raises(EnvironmentProblem, match=r"keras-2\.2\.4 or keras-2\.2\.5"):
        get("keras-2.2")


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(SubjectError, match=r"keras-2\.2\.7: no environment.*keras-2\.2\.5"):
        get("keras-2.2.7")


def test_backends_are_known() -> None:
    assert [get(f"keras-3.15.1{end}").backend for end in ("", "-jax", "-torch")] == [
        "tensorflow",
        "jax",
        "torch",
    ]


def test_notes_tell_of_every_shim_and_that_it_does_not_compute() -> None:
    notes = get("keras-2.2.5").notes
    assert [note.split(":")[0].removeprefix("import shim ") for note in notes] == [
        "python_names",
        "tensorflow_1",
        "tensor_types",
    ]
    assert get("keras-3.15.1").notes == ()


@pytest.mark.parametrize("shim", sorted({s for recipe in RECIPES.values() for s in recipe.shims}))
def test_each_shim_says_that_it_does_not_compute(shim: str) -> None:
    assert "nothing that computes" in (SHIMS / f"{shim}.py").read_text()


def test_requirements_are_split_at_commas_between_them_alone() -> None:
    environment = get("pip:keras>=3.4,<3.6,jax[cpu,k8s]==0.4.38,numpy")
    assert environment.packages == ("keras>=3.4,<3.6", "jax[cpu,k8s]==0.4.38", "numpy")
    assert environment.backend == "jax"
    assert environment.folder == get("pip:keras>=3.4,<3.6, jax[cpu,k8s]==0.4.38, numpy").folder


@pytest.mark.parametrize(
    "asked", ["pip:", "pip:-r other.txt", "pip:keras==3,,numpy", "pip:keras=3"]
)
def test_what_is_no_requirement_is_refused(asked: str) -> None:
    with pytest.raises(EnvironmentProblem, match="cannot be read") as raised:
        get(asked)
    assert raised.value.asked == asked


MASKED_MODEL = """
import json, numpy as np, keras
layer = keras.layers
def loss(weights=None, mode=None):
    inputs = layer.Input((3, 1))
    dense = layer.Dense(1, use_bias=False, kernel_initializer="ones")
    outputs = layer.TimeDistributed(dense)(layer.Masking()(inputs))
    model = keras.models.Model(inputs, outputs)
    model.compile("sgd", "mae", **({"sample_weight_mode": mode} if mode else {}))
    return float(model.train_on_batch(x, y, sample_weight=weights))
x = np.array([[1, 0, 1], [1, 0, 0]], "float32")[..., None]
y = x + np.array([[1, 3, 5], [2, 4, 6]], "float32")[..., None]
print(json.dumps([loss(), loss(np.array([2.0, 0.0])),
                  loss(np.array([[2.0, 5, 3], [0, 1, 1]]), TEMPORAL)]))
"""


@pytest.mark.releases
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("keras-2.0.9", [8 / 3, 8, 6.8]),
        ("keras-2.2.5", [8 / (3 + 6e-7), 8 / (1 + 2e-7), 6.8 / (1 + 2e-7)]),
        ("keras-2.3.1", [4 / 3, 2, 17 / 6]),
        ("keras-2.8.0", [4 / 3, 2, 17 / 6]),
        ("keras-2.11.0", [8 / 3, 4, 17 / 3]),
    ],
)
def test_an_old_release_computes_what_it_published(name: str, expected: list[float]) -> None:
    mode = "'temporal'" if name < "keras-2.6" else "None"
    code = MASKED_MODEL.replace("TEMPORAL", mode)
    command = [str(ensure(name)), "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == pytest.approx(expected, rel=3e-7)
