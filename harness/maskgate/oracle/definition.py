"""A loss as one generation defines it, with the constants that its format holds."""

from __future__ import annotations

from dataclasses import dataclass

from maskgate.case import LossSpec
from maskgate.oracle.arithmetic import Arithmetic, arithmetic
from maskgate.oracle.ball import DoesNotFit
from maskgate.oracle.rounding import Rounded, count
from maskgate.oracle.semantics import Generation, Semantics


@dataclass(frozen=True)
class Definition:
    """What an element loss needs to know besides labels and predictions.

    Attributes:
        spec: the loss and its parameters.
        semantics: the release.
        model: the format of the predictions.
        wide: whether intermediates keep the exponent range of float32.
        folded: whether constants are put together first, as an optimiser of graphs may.
    """

    spec: LossSpec
    semantics: Semantics
    model: Arithmetic
    wide: bool = False
    folded: bool = False

    @property
    def rules(self) -> Generation:
        """The generation that defines the loss."""
        return self.semantics.element_rules

    @property
    def epsilon(self) -> float:
        """The fuzz factor before it is rounded to a format."""
        return self.semantics.epsilon

    @property
    def keras_2(self) -> bool:
        """Whether the definitions are those of Keras 2."""
        return self.rules.dialect == "keras-2"

    @property
    def floatx(self) -> Arithmetic:
        """The default dtype of a subject."""
        return arithmetic("float32", wide=self.wide)

    @property
    def precise(self) -> Arithmetic:
        """The format of the softmax cross-entropy: on TensorFlow, float32 for float16.

        bfloat16 is widened too, but not where labels are class ids. JAX and torch keep the format:
        torch adds the exponentials of float16 in float16.
        """
        if self.semantics.narrows:
            return self.model
        widened = ("float16",) if self.spec.kind.labels == "sparse" else ("float16", "bfloat16")
        if self.model.format.name in widened:
            return arithmetic("float32", wide=self.wide)
        return self.model

    def check_constants(self, *, typed: bool) -> None:
        """Raise `DoesNotFit` where constants that are no typed ones would meet another dtype."""
        if not typed and self.model.format != self.floatx.format:
            name = self.model.format.name
            raise DoesNotFit(f"{self.rules.name} mixes {name} with float32 in {self.spec.name}")

    def number(self, name: str) -> float:
        """A numeric parameter of the loss."""
        return float(self.spec[name] or 0.0)

    def flag(self, name: str) -> bool:
        """A parameter that is true or false."""
        return bool(self.spec[name])

    @property
    def axis(self) -> int:
        """The axis that the loss reduces."""
        given = self.spec["axis"] if "axis" in self.spec.kind.parameters else -1
        return -1 if given is None else int(given)


def spread(upstream: Rounded, like: Rounded, axis: int = -1) -> Rounded:
    """The derivative by each term of a mean over one axis: `upstream / n`, repeated."""
    repeated = repeat(upstream, like, axis)
    terms = like.shape[axis]
    return repeated if terms == 1 else repeated / count(terms, upstream.arithmetic)


def repeat(upstream: Rounded, like: Rounded, axis: int = -1) -> Rounded:
    """The derivative by each term of a sum over one axis: `upstream`, ready to broadcast."""
    shape = list(upstream.shape)
    shape.insert(axis % like.ndim, 1)
    return upstream.reshape(tuple(shape))
