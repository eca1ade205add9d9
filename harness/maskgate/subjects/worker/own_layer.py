"""A user's own layer: found by its import path, made once, and called on masked batches."""

from __future__ import annotations

import inspect
import random
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from .adapter import UnusableError, readable
from .own import required

GIVE = "give a layer class, a layer, or a function without arguments that makes one"
EAGER = (2, 4)  # first release whose layers are called on arrays
SEED = 1  # of the layer's weights
BATCH, STEPS = 2, 4  # of the plain batch that is tried first
FEATURES = (3, 4, 2, 1, 5, 8, 16, 32, 64)  # tried in this order


class Called:
    """What came of one call.

    Attributes:
        outputs: arrays, one a tensor of the output.
        masks: the mask that each of them carries, or None.
        warned: the first warning about masks, or an empty text.
    """

    def __init__(self, outputs: list[Any], masks: list[Any], warned: str) -> None:
        self.outputs, self.masks, self.warned = outputs, masks, warned


class OwnLayer:
    """One layer of the user's.

    Args:
        text: the name that questions know it by.
        target: a layer class, a layer, or a function without arguments that makes one.
        keras: the imported package.

    Raises:
        UnusableError: when it is none of these, cannot be made, or the release is too old.
    """

    role = "layer"

    def __init__(self, text: str, target: Any, keras: Any) -> None:
        self.text, self._keras = text, keras
        if tuple(int(part) for part in keras.__version__.split(".")[:2]) < EAGER:
            raise UnusableError(
                "layers of Keras " + keras.__version__ + " take no arrays, only graphs do",
                "check a layer of your own on 2.4 or newer",
            )
        base = keras.layers.Layer
        self.form, made = "object", target
        if inspect.isclass(target) and issubclass(target, base):
            self.form = "class"
            needed = required(target)
            if needed:
                raise UnusableError(
                    text + " needs arguments: " + ", ".join(needed),
                    "give a layer, or a function without arguments that makes one",
                )
        elif callable(target) and not isinstance(target, base) and not required(target):
            self.form = "function"
        if self.form != "object":
            self._seeded()
            made = self._made(target)
        if not isinstance(made, base):
            what = type(made).__name__
            raise UnusableError(text + " is " + what + ", which is no layer", GIVE)
        self.layer = made

    def call(self, x: Any, mask: Any) -> Called:
        """One call in inference, the mask attached to the input as a Masking layer leaves it.

        Args:
            x: `(batch, steps, features)`, float32.
            mask: `(batch, steps)` of any dtype, or None.
        """
        given = self._tensor(x)
        if mask is not None:
            self._attach(given, self._tensor(mask))
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = list(_tensors(self.layer(given)))
        loud = [str(each.message) for each in said if "mask" in str(each.message).lower()]
        masks = [self._attached(each) for each in found]
        return Called(
            [self._array(each) for each in found],
            [None if each is None else self._array(each) for each in masks],
            loud[0][:300] if loud else "",
        )

    def survey(self) -> dict[str, Any]:
        """What it takes and gives: `features`; `steps`, if it takes one number of them alone;
        `pooled`, for each output whether it has no steps; `even`, whether those that have steps
        have as many as the input; `refuses`, what it says against a mask.

        Raises:
            UnusableError: when it answers no plain batch, or not twice the same.
        """
        features, first, refuses = self._first()
        mask = None if refuses else self._mask(BATCH, STEPS)
        plain = self._batch(BATCH, STEPS, features)
        again = self.call(plain, mask)
        if not all(map(_alike, first.outputs, again.outputs)):
            raise UnusableError(
                self.text + " answers the same batch otherwise when it is asked again",
                "give a layer that is neither random nor stateful in inference",
            )
        more = self.call(self._batch(BATCH + 1, STEPS, features), None)
        for one, other in zip(first.outputs, more.outputs):  # noqa: B905
            if one.ndim < 1 or other.ndim < 1 or (len(one), len(other)) != (BATCH, BATCH + 1):
                raise UnusableError(
                    self.text + " gives an output without a row for each sample",
                    "give a layer of (batch, steps, features)",
                )
        longer = self._longer(features)
        shapes = [each.shape for each in first.outputs]
        pooled = [len(shape) < 2 or shape[1] != STEPS for shape in shapes]
        even = True
        if longer is not None:
            lengths = [each.shape[1:2] for each in longer]
            pooled = [shape[1:2] == size for shape, size in zip(shapes, lengths)]  # noqa: B905
            pairs = zip(shapes, lengths, pooled)  # noqa: B905
            even = all(p or (s[1], n[0]) == (STEPS, 2 * STEPS) for s, n, p in pairs)
        return {
            "name": self.text,
            "role": self.role,
            "form": self.form,
            "features": features,
            "steps": STEPS if longer is None else None,
            "pooled": pooled,
            "even": even,
            "refuses": refuses,
            "skips": bool(getattr(self.layer, "skips_masked_steps", False)),
        }

    def _first(self) -> Any:
        """The number of features that it takes, what it answers, and what it has against masks."""
        problems: list[str] = []
        for features in FEATURES:
            x = self._batch(BATCH, STEPS, features)
            refused = ""
            for mask in (self._mask(BATCH, STEPS), None):
                found, said = self._tried(x, mask)
                if found is not None:
                    return features, found, refused
                refused = said
                problems.append(said)
        shape = str((BATCH, STEPS, FEATURES[0]))
        raise UnusableError(
            self.text + " does not answer a plain batch of shape " + shape + ": " + problems[0],
            "give a layer of (batch, steps, features)",
        )

    def _tried(self, x: Any, mask: Any) -> Any:
        try:
            return self.call(x, mask), ""
        except Exception as problem:
            return None, _told(problem)

    def _longer(self, features: int) -> Any:
        found, _ = self._tried(self._batch(BATCH, 2 * STEPS, features), None)
        return None if found is None else found.outputs  # a layer of so many steps

    def _batch(self, rows: int, steps: int, features: int) -> Any:
        shares = np.array([0.5, -0.25, 0.75, 1.5, -1.125, 0.625, 0.0], "float32")
        return np.resize(shares, (rows, steps, features))

    def _mask(self, rows: int, steps: int) -> Any:
        mask = np.ones((rows, steps), bool)
        mask[0, -1] = False
        return mask

    def _made(self, make: Any) -> Any:
        try:
            return make()
        except Exception as problem:
            said = "calling " + self.text + " raised " + _told(problem)
            raise UnusableError(said, GIVE) from problem

    def _seeded(self) -> None:
        """Draw the same weights whenever the layer is made."""
        random.seed(SEED)
        np.random.seed(SEED)
        seeding = getattr(self._keras.utils, "set_random_seed", None)
        if seeding is not None:
            seeding(SEED)

    def _tensor(self, array: Any) -> Any:
        if hasattr(self._keras, "ops"):
            return self._keras.ops.convert_to_tensor(array)
        return self._keras.backend.constant(array, dtype=str(array.dtype))

    def _array(self, tensor: Any) -> Any:
        if hasattr(self._keras, "ops"):
            return np.asarray(self._keras.ops.convert_to_numpy(tensor))
        return np.asarray(tensor)

    def _attach(self, tensor: Any, mask: Any) -> None:
        own = self._own_way("set_keras_mask")
        if own is None:
            tensor._keras_mask = mask
        else:
            own(tensor, mask)

    def _attached(self, tensor: Any) -> Any:
        own = self._own_way("get_keras_mask")
        return getattr(tensor, "_keras_mask", None) if own is None else own(tensor)

    def _own_way(self, name: str) -> Any:
        """A function of Keras 3 for attached masks, which it has from 3.6 on."""
        inside = getattr(self._keras, "src", None)
        return getattr(getattr(inside, "backend", None), name, None)


def _tensors(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        for key in sorted(value):
            yield from _tensors(value[key])
    else:
        yield value


def _alike(one: Any, other: Any) -> bool:
    return bool(np.array_equal(np.nan_to_num(one), np.nan_to_num(other)))


def _told(problem: Exception) -> str:
    kind, plain = type(problem).__name__, re.sub(r"\x1b\[\d*m", "", str(problem))
    return kind + ": " + readable(plain, kind).replace("\n", " ")
