"""A user's own loss: found by its import path, made as a question asks for it, and tried out.

What a name may stand for: a subclass of the framework's `Loss`, a loss object, a function of
`(y_true, y_pred)` that gives element losses, or a function without arguments that makes one of
these.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable
from typing import Any

from .adapter import NotOfferedError, UnusableError, readable
from .releases import arguments_of

FIX = "name it as pkg.module:NAME, importable from the folder that maskgate is run in"
MEND = "mend it, or run maskgate in the folder and the environment that it needs"
GIVE = "give a loss class, a loss object, a function of (y_true, y_pred), or a function without arguments that makes one"  # noqa: E501
CHOSEN = frozenset(("reduction", "dtype"))


def found(text: str) -> Any:
    """What is at `pkg.module:NAME`; the present folder is looked in first.

    Raises:
        UnusableError: when there is nothing.
    """
    module_name, _, name = text.partition(":")
    folder = os.getcwd()  # noqa: PTH109
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        target: Any = importlib.import_module(module_name)
    except Exception as problem:
        kind = type(problem).__name__
        said = kind + ": " + readable(str(problem), kind).replace("\n", " ")
        # The module itself or a package that it is in, and nothing that it imports.
        missing = isinstance(problem, ModuleNotFoundError) and (module_name + ".").startswith(
            str(problem.name) + "."
        )
        what = "importing " + module_name + " raised " + said
        raise UnusableError(what, FIX if missing else MEND) from problem
    for part in name.split("."):
        if not hasattr(target, part):
            has = [each for each in vars(target) if not each.startswith("_")]
            near = ", ".join(sorted(has)[:8]) or "nothing public"
            raise UnusableError(module_name + " has no " + part + " (it has " + near + ")", FIX)
        target = getattr(target, part)
    return target


class Own:
    """One loss of the user's.

    Args:
        text: the name that questions know it by.
        target: the class, object or function.
        keras: the imported package.

    Attributes:
        form: `class`, `object` or `function`.
        made: whether the name stands for a function that makes it.

    Raises:
        UnusableError: when the target is none of these, or cannot be made.
    """

    role = "loss"
    give = GIVE

    def __init__(self, text: str, target: Any, keras: Any) -> None:
        self.text = text
        base = self._base(keras)
        self.made = inspect.isfunction(target) and not required(target)
        if self.made:
            target = self._called(target)
        self._refuse_other(target, keras)
        self.target, self.form = target, form_of(target, base)
        if self.form == "":
            what = type(target).__name__
            raise UnusableError(text + " is " + what + ", which is no " + self.role, self.give)
        if self.form == "class":
            needed = [name for name in required(target) if name not in CHOSEN]
            if needed:
                raise UnusableError(
                    text + " needs arguments: " + ", ".join(needed),
                    "give an object of it, or a function without arguments that makes one",
                )
        self._wrapper = None if base is None else self._wrapping(keras)
        self.arguments = self._arguments()
        # Before 2.3 there are objective functions alone, which the release itself masks.
        self.factory = target if base is None else self._factory()

    def _refuse_other(self, target: Any, keras: Any) -> None:
        """Refuse a metric for a loss, and the other way round: both can be called."""
        kind = target if inspect.isclass(target) else type(target)
        for role, other in (
            ("loss", getattr(keras.losses, "Loss", None)),
            ("metric", getattr(keras.metrics, "Metric", None)),
        ):
            if role != self.role and other is not None and issubclass(kind, other):
                hint = "check it as one: --" + role
                raise UnusableError(self.text + " is a " + role + ", no " + self.role, hint)

    def _base(self, keras: Any) -> Any:
        """The class of the framework that those of its kind descend from, if it has one."""
        return getattr(keras.losses, "Loss", None)

    def _wrapping(self, keras: Any) -> Any:
        """What the framework makes one of a function with."""
        return wrapper_of(keras)

    def _called(self, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except Exception as problem:
            kind = type(problem).__name__
            said = kind + ": " + readable(str(problem), kind).replace("\n", " ")
            raise UnusableError("calling " + self.text + " raised " + said, self.give) from problem

    def _arguments(self) -> frozenset[str]:
        """Which of `reduction` and `dtype` it can be made with."""
        if self.form == "object":
            return frozenset()
        if self.form == "class":
            return accepted(self.target) & CHOSEN
        # What else a wrapper takes, it gives to the function.
        return frozenset() if self._wrapper is None else arguments_of(self._wrapper) & CHOSEN

    def _factory(self) -> Callable[..., Any]:
        """What an API makes loss objects with: it takes a reduction, and a dtype if the loss does.

        The API reads the arguments off its signature.
        """

        def without_dtype(reduction: str) -> Any:
            return self.make(reduction=reduction)

        def with_dtype(reduction: str, dtype: str) -> Any:
            return self.make(reduction=reduction, dtype=dtype)

        return with_dtype if "dtype" in self.arguments else without_dtype

    def make(self, **given: Any) -> Any:
        """A loss object.

        Raises:
            NotOfferedError: when it has another reduction and cannot be made with this one.
        """
        reduction = given["reduction"]
        chosen = {name: value for name, value in given.items() if name in self.arguments}
        if self.form == "object":
            loss = self.target
        elif self.form == "class":
            loss = self.target(**chosen)
        else:
            assert self._wrapper is not None
            loss = self._wrapper(self.target, **chosen)
        if "reduction" not in self.arguments and own_reduction(loss) != reduction:
            raise NotOfferedError(self.text + " has no reduction " + reduction)
        return self._called_with_weights(loss)

    def _called_with_weights(self, loss: Any) -> Any:
        """The loss as adapters call it, with weights or None, whether it takes weights or not."""
        if takes_weights(loss):
            return loss

        def call(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            if sample_weight is not None:
                raise NotOfferedError(self.text + " takes no sample weights")
            return loss(y_true, y_pred)

        return call

    @property
    def reduction(self) -> str:
        """The reduction of an object that is made without one."""
        if self.form == "object":
            return own_reduction(self.target)
        if self.form == "class" and "reduction" not in self.arguments:
            return own_reduction(self.target())
        return "sum_over_batch_size"

    @property
    def leaves_mask(self) -> bool:
        """Whether the mask is the framework's affair."""
        return not self.reduces_itself

    @property
    def reduces_itself(self) -> bool:
        """Whether it masks, weighs and reduces by code of its own, not by the framework's.

        A `__call__` that goes on to the framework's (`super().__call__`) is not counted.
        """
        if self.form == "function":
            return False
        kind = self.target if self.form == "class" else type(self.target)
        for each in kind.__mro__:
            if "__call__" in vars(each):
                ours = not each.__module__.startswith(("keras", "tf_keras", "tensorflow"))
                code = getattr(vars(each)["__call__"], "__code__", None)
                return ours and "__class__" not in getattr(code, "co_freevars", ())
        return False


def form_of(target: Any, base: Any) -> str:
    """`class`, `object` or `function`; empty for anything else."""
    if inspect.isclass(target):
        return "class" if base is not None and issubclass(target, base) else ""
    if base is not None and isinstance(target, base):
        return "object"
    return "function" if callable(target) else ""


def required(target: Any) -> list[str]:
    """Names of the arguments that must be given."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):
        return ["?"]
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        each.name
        for each in parameters
        if each.kind in (*plain, keyword) and each.default is inspect.Parameter.empty
    ]


def accepted(kind: Any) -> frozenset[str]:
    """Names of the arguments that a class takes; with `**kwargs`, those of the next class too."""
    names: set[str] = set()
    for each in kind.__mro__:
        if "__init__" not in vars(each):
            continue
        parameters = inspect.signature(vars(each)["__init__"]).parameters.values()
        names.update(each.name for each in parameters)
        if not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters):
            break
    return frozenset(names)


def takes_weights(loss: Any) -> bool:
    """Whether a loss object can be called with sample weights."""
    parameters = inspect.signature(loss).parameters.values()
    many = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return "sample_weight" in (each.name for each in parameters) or any(
        each.kind in many for each in parameters
    )


def own_reduction(loss: Any) -> str:
    """The reduction that a loss object has; `auto` of Keras 2 is the mean."""
    reduction = str(getattr(loss, "reduction", "sum_over_batch_size") or "none")
    return "sum_over_batch_size" if reduction == "auto" else reduction


def wrapper_of(keras: Any) -> Any:
    """What `compile(loss=function)` makes a loss of a function with."""
    for each in keras.losses.MeanSquaredError.__mro__:
        if each.__name__ == "LossFunctionWrapper":
            return each
    raise UnusableError(
        "Keras " + keras.__version__ + " there has no wrapper for functions", "give a loss class"
    )
