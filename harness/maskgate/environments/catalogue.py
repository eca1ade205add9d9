"""The named environments: what each is resolved from, and the import shims that it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """What the lock of one environment is resolved from.

    Attributes:
        requirements: what is asked for, in the form of PEP 508.
        overrides: requirements that hold whatever a package declares.
        excludes: packages left out though another declares them.
        shims: import shims put into the environment, by module name, in order.
        backend: `tensorflow`, `jax` or `torch`.
    """

    requirements: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    shims: tuple[str, ...] = ()
    backend: str = "tensorflow"


# The first TensorFlow with a wheel for Python 3.11, and the last that still has the internals which
# stand-alone Keras up to 2.11 imports. NumPy 1.23 has `np.bool` and `np.int`, setuptools up to 80
# has `pkg_resources`: pinned, so that neither needs a shim. JAX serves TensorFlow Lite alone.
_TENSORFLOW_2_12 = ("tensorflow-cpu==2.12.1", "numpy<1.24", "setuptools<81", "scipy")
_KERAS_1_PARTS = ("keras-applications==1.0.8", "keras-preprocessing==1.1.2", "pyyaml")
_UNUSED = ("jax", "jaxlib")


def _multi_backend(version: str, *shims: str) -> Recipe:
    keras = f"keras=={version}"
    return Recipe(
        requirements=(keras, *_TENSORFLOW_2_12, *_KERAS_1_PARTS),
        overrides=(keras,),
        excludes=_UNUSED,
        shims=("python_names", "tensorflow_1", *shims),
    )


def _stand_alone(version: str, *shims: str) -> Recipe:
    keras = f"keras=={version}"
    return Recipe(
        # Its generated protocol buffers are refused by protobuf 4.
        requirements=(keras, *_TENSORFLOW_2_12, "keras-preprocessing==1.1.2", "protobuf<4"),
        overrides=(keras,),
        excludes=_UNUSED,
        shims=("python_names", *shims),
    )


def _own_keras(tensorflow: str) -> Recipe:
    return Recipe(requirements=(f"tensorflow-cpu=={tensorflow}",), excludes=_UNUSED)


def _tf_keras(version: str, tensorflow: str) -> Recipe:
    # It declares `tensorflow`; the CPU build is the same code in another distribution.
    return Recipe(
        requirements=(f"tf_keras=={version}", f"tensorflow-cpu=={tensorflow}"),
        excludes=("tensorflow",),
    )


def _keras_3(version: str, *parts: str, backend: str = "tensorflow") -> Recipe:
    return Recipe(requirements=(f"keras=={version}", *parts), backend=backend)


RECIPES: dict[str, Recipe] = {
    "keras-2.0.9": _multi_backend("2.0.9"),
    "keras-2.1.6": _multi_backend("2.1.6"),
    "keras-2.2.4": _multi_backend("2.2.4", "tensor_types"),
    "keras-2.2.5": _multi_backend("2.2.5", "tensor_types"),
    "keras-2.3.1": _multi_backend("2.3.1", "tensor_types"),
    "keras-2.6.0": _stand_alone("2.6.0", "saving_names"),
    "keras-2.8.0": _stand_alone("2.8.0", "saving_names"),
    "keras-2.10.0": _stand_alone("2.10.0"),
    "keras-2.11.0": _stand_alone("2.11.0"),
    "tf-2.12.1": _own_keras("2.12.1"),
    "tf-2.13.1": _own_keras("2.13.1"),
    "tf-2.14.1": _own_keras("2.14.1"),
    "tf-2.15.1": _own_keras("2.15.1"),
    "tf_keras-2.16.0": _tf_keras("2.16.0", "2.16.2"),
    "tf_keras-2.17.0": _tf_keras("2.17.0", "2.17.1"),
    "tf_keras-2.18.0": _tf_keras("2.18.0", "2.18.1"),
    "tf_keras-2.19.0": _tf_keras("2.19.0", "2.19.1"),
    "tf_keras-2.20.1": _tf_keras("2.20.1", "2.20.0"),
    "tf_keras-2.21.0": _tf_keras("2.21.0", "2.21.0"),
    "keras-3.0.5": _keras_3("3.0.5", "tensorflow-cpu==2.16.2"),
    "keras-3.3.3": _keras_3("3.3.3", "tensorflow-cpu==2.16.2"),
    "keras-3.4.1": _keras_3("3.4.1", "tensorflow-cpu==2.17.1"),
    "keras-3.6.0": _keras_3("3.6.0", "tensorflow-cpu==2.18.1"),
    "keras-3.7.0": _keras_3("3.7.0", "tensorflow-cpu==2.18.1"),
    "keras-3.8.0": _keras_3("3.8.0", "tensorflow-cpu==2.19.1"),
    "keras-3.10.0": _keras_3("3.10.0", "tensorflow-cpu==2.19.1"),
    "keras-3.12.4": _keras_3("3.12.4", "tensorflow-cpu==2.20.0"),
    "keras-3.13.2": _keras_3("3.13.2", "tensorflow-cpu==2.20.0"),
    "keras-3.14.1": _keras_3("3.14.1", "tensorflow-cpu==2.21.0"),
    "keras-3.15.1": _keras_3("3.15.1", "tensorflow-cpu==2.21.0"),
    "keras-3.4.1-jax": _keras_3("3.4.1", "jax==0.4.38", "numpy<2", backend="jax"),
    "keras-3.13.2-jax": _keras_3("3.13.2", "jax==0.8.2", backend="jax"),
    "keras-3.15.1-jax": _keras_3("3.15.1", "jax==0.10.2", backend="jax"),
    "keras-3.4.1-torch": _keras_3("3.4.1", "torch==2.13.0", backend="torch"),
    "keras-3.13.2-torch": _keras_3("3.13.2", "torch==2.13.0", backend="torch"),
    "keras-3.15.1-torch": _keras_3("3.15.1", "torch==2.13.0", backend="torch"),
}
