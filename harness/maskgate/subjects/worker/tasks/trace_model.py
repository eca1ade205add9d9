"""A user's compiled model, asked in the words of its own generation. It is left as it was."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from .trace_calls import Watch, flat
from .trace_data import Batch, rebuilt
from .trace_losses import by_output, described_loss
from .trace_values import dtype_name, flat_logs, layers_within, set_seeds


class UserModel:
    """A model of a Keras that runs eagerly.

    Args:
        keras: the imported package.
        model: the user's model.
        backend: the adapter's backend, `TensorFlow`, `Jax` or `Torch`.
    """

    def __init__(self, keras: Any, model: Any, backend: Any) -> None:
        self.keras, self.model, self.backend = keras, model, backend
        self.three = int(keras.__version__.split(".")[0]) >= 3
        self.notes: list[str] = []
        self._structure: Any = None
        self._start: list[tuple[Any, Any]] = []

    # -- what it is

    @property
    def specs(self) -> list[tuple[Any, str]]:
        """Shape and dtype of each input; empty where the model has no inputs yet."""
        inputs = getattr(self.model, "inputs", None) or []
        return [(tuple(tensor.shape), dtype_name(tensor.dtype)) for tensor in flat(list(inputs))]

    def structured(self, inputs: list[Any]) -> Any:
        """Inputs in the structure that the model takes."""
        structure = getattr(self.model, "_inputs_struct", None)
        if isinstance(structure, dict):
            return rebuilt(structure, inputs)
        return inputs[0] if len(inputs) == 1 else inputs

    def labels_structure(self, names: list[str]) -> Callable[[list[Any]], Any]:
        """Puts labels in the structure of the outputs."""
        if isinstance(self._structure, dict):
            return lambda labels: dict(zip(sorted(self._structure, key=str), labels))  # noqa: B905
        return lambda labels: labels[0] if len(names) == 1 else list(labels)

    def label_shaped(self, labels: Any, prediction: Any) -> Any:
        """Labels that were made up, in the shape that this generation takes."""
        del prediction
        return labels

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs; empty where the model has no outputs yet."""
        return [str(name) for name in getattr(self.model, "output_names", None) or []]

    @property
    def layers(self) -> list[Any]:
        """Every layer of the model and of the models in it."""
        return list(layers_within(self.model))

    # -- how it is compiled

    @property
    def compiled(self) -> bool:
        """Whether the user has compiled it."""
        return bool(getattr(self.model, "compiled", getattr(self.model, "_is_compiled", False)))

    def compile(self, loss: str) -> None:
        """Compile a model that is not."""
        self.model.compile(optimizer="sgd", loss=loss)

    def losses(self, names: list[str]) -> list[dict[str, Any]]:
        """What each output's loss is: `name`, `built_in`, `reduction`, `config`, `weight`."""
        chosen = by_output(self.model.loss, names)
        weights = by_output(self._loss_weights(), names)
        return [
            described_loss(self.keras, loss, 1.0 if weight is None else float(weight))
            for loss, weight in zip(chosen, weights)  # noqa: B905
        ]

    def _loss_weights(self) -> Any:
        container = getattr(self.model, "compiled_loss", None) if not self.three else None
        if container is not None:
            return getattr(container, "_user_loss_weights", None)
        inner = getattr(self.model, "_compile_loss", None)
        return getattr(inner, "_user_loss_weights", getattr(inner, "_loss_weights", None))

    # -- watching the mask

    def watch(self, batch: Batch) -> tuple[Any, list[Any], list[Any]]:
        """The calls of its layers, its predictions as arrays, and their masks."""
        tensors = rebuilt(batch.x, [self._tensor(array) for array in batch.inputs])
        with contextlib.suppress(NotImplementedError):
            self.model(tensors, training=False)  # builds what is not built yet
        watch = Watch(self.keras, self.mask_of, self.to_numpy)
        tensors = rebuilt(batch.x, [self._tensor(array) for array in batch.inputs])
        outputs = watch.run(self.model, tensors)
        self._structure = self.model(tensors, training=False)
        masks = [self.mask_of(tensor) for tensor in outputs]
        predictions = [self.to_numpy(tensor) for tensor in outputs]
        watch.outputs = outputs
        arrays = [None if mask is None else np.asarray(self.to_numpy(mask)) for mask in masks]
        return watch, predictions, arrays

    def mask_of(self, tensor: Any) -> Any:
        """The mask of a tensor, or None."""
        reader = None
        if self.three:
            reader = getattr(self.keras.src.backend, "get_keras_mask", None)
        return reader(tensor) if reader else getattr(tensor, "_keras_mask", None)

    def set_mask(self, tensor: Any, mask: Any) -> None:
        """Attach a mask as layers do."""
        writer = None
        if self.three:
            writer = getattr(self.keras.src.backend, "set_keras_mask", None)
        if writer:
            writer(tensor, mask)
        else:
            with contextlib.suppress(AttributeError):  # a tracer of JAX, up to Keras 3.5
                tensor._keras_mask = mask

    def to_numpy(self, tensor: Any) -> Any:
        """The tensor as an array; bfloat16, which NumPy lacks, as float32."""
        if "bfloat16" in str(tensor.dtype):
            tensor = self.keras.ops.cast(tensor, "float32")
        if self.three:
            return np.asarray(self.keras.ops.convert_to_numpy(tensor))
        return np.asarray(tensor.numpy() if hasattr(tensor, "numpy") else tensor)

    def _tensor(self, array: Any) -> Any:
        if self.three:
            return self.keras.ops.convert_to_tensor(array)
        return self.backend.tf.constant(array)

    # -- asking the compiled model

    def remember(self) -> None:
        """Keep the weights and the optimiser's state as they are now, to start from."""
        variables = list(self.model.variables if self.three else self.model.weights)
        optimizer = self._fitting_optimizer()
        for name in ("build", "_create_all_weights"):
            if hasattr(optimizer, name):
                getattr(optimizer, name)(self.model.trainable_variables)
                break
        states = optimizer.variables
        variables += list(states() if callable(states) else states)
        unique = {id(variable): variable for variable in variables}
        self._start = [(v, np.array(self._read(v))) for v in unique.values()]

    def _fitting_optimizer(self) -> Any:
        """The model's optimiser, or a new one like it where it is built for other variables.

        Keras 3.15.1 builds that of a model from an .h5 file before there are any variables.
        """
        optimizer = self.model.optimizer
        known = getattr(optimizer, "_trainable_variables", None)
        wanted = len(self.model.trainable_variables)
        if self.three and optimizer.built and known is not None and len(known) != wanted:
            optimizer = type(optimizer).from_config(optimizer.get_config())
            self.model.optimizer = optimizer
            self.notes.append(
                "the optimiser as it was loaded cannot train this model: a new one like it was used"
            )
        return optimizer

    def restore(self) -> None:
        """Go back to what was kept, and to the same seed."""
        for variable, value in self._start:
            variable.assign(value)
        with contextlib.suppress(Exception):  # not every release, nor every model, has states
            self.model.reset_states()
        self.seed()

    def seed(self) -> None:
        """Start every random number anew."""
        set_seeds(self.keras, self.backend)

    def test(self, batch: Batch) -> dict[str, float]:
        """Loss and metrics of `test_on_batch`, by name."""
        self.restore()
        self.model.reset_metrics()
        return self._on_batch(self.model.test_on_batch, batch)

    def train(self, batch: Batch, *, fresh: bool = False) -> tuple[float, list[Any]]:
        """Loss and trainable weights after one `train_on_batch` from the start.

        Args:
            batch: what to train on.
            fresh: start random numbers anew too. Those of a traced function of Keras 2 cannot be:
                it is trained eagerly then.
        """
        self.restore()
        if fresh and not self.model.run_eagerly:
            self.model.run_eagerly, self.model.train_function = True, None
        self.model.reset_metrics()
        logs = self._on_batch(self.model.train_on_batch, batch)
        weights = [np.array(self._read(v)) for v in self.model.trainable_variables]
        self.restore()
        return logs["loss"], weights

    def _on_batch(self, step: Callable[..., Any], batch: Batch) -> dict[str, float]:
        """Loss and metrics of one step.

        The first step of Keras 3.0 raises StopIteration where it makes variables: it is traced
        twice, and its batch comes from a generator that gives one.
        """
        given = {"sample_weight": batch.weight, "return_dict": True}
        try:
            return flat_logs(step(batch.x, batch.y, **given))
        except StopIteration:
            return flat_logs(step(batch.x, batch.y, **given))

    def trainable(self) -> list[Any]:
        """The trainable weights at the start."""
        self.restore()
        return [np.array(self._read(v)) for v in self.model.trainable_variables]

    def predict(self, batch: Batch) -> list[Any]:
        """Predictions, flat."""
        self.restore()
        return [np.asarray(array) for array in flat(self.model.predict_on_batch(batch.x))]

    def _read(self, variable: Any) -> Any:
        if self.three:
            return self.keras.ops.convert_to_numpy(variable)
        return variable.numpy()

    # -- the loss as a function of the predictions

    def loss_at(self, batch: Batch, predictions: list[Any], masks: list[Any]) -> float:
        """The compiled loss at other predictions."""
        tensors = [self._tensor(array) for array in predictions]
        return float(np.asarray(self.to_numpy(self._total(batch, masks)(tensors))))

    def gradient(self, batch: Batch, predictions: list[Any], masks: list[Any]) -> list[Any]:
        """The gradient of the compiled loss by each output's predictions, as arrays."""
        tensors = [self._tensor(array) for array in predictions]
        total, name = self._total(batch, masks), self.backend.name
        if name == "jax":
            return [np.asarray(g) for g in self.backend.jax.grad(total)(tensors)]
        if name == "torch":
            leaves = [tensor.detach().requires_grad_(True) for tensor in tensors]
            loss, grad = total(leaves), self.backend.torch.autograd.grad
            found = grad(loss, leaves, allow_unused=True)
        else:
            with self.backend.tf.GradientTape() as tape:
                tape.watch(tensors)
                loss = total(tensors)
            found = tape.gradient(loss, tensors)
        zeros = [np.zeros_like(array) for array in predictions]
        pairs = zip(found, zeros)  # noqa: B905
        return [zero if g is None else np.asarray(self.to_numpy(g)) for g, zero in pairs]

    def _total(self, batch: Batch, masks: list[Any]) -> Callable[[list[Any]], Any]:
        """The compiled loss of the predictions, each with its mask attached."""
        x = rebuilt(batch.x, [self._tensor(array) for array in batch.inputs])
        y = rebuilt(batch.y, [self._tensor(array) for array in flat(batch.y)])
        weight = batch.weight
        if weight is not None:
            weight = rebuilt(weight, [self._tensor(array) for array in flat(weight)])
        given = [None if mask is None else self._tensor(mask) for mask in masks]

        def total(predictions: list[Any]) -> Any:
            for tensor, mask in zip(predictions, given):  # noqa: B905
                if mask is not None:
                    self.set_mask(tensor, mask)
            outputs = rebuilt(self._structure, predictions)
            return self._compute_loss(x, y, outputs, weight)

        return total

    def _compute_loss(self, x: Any, y: Any, outputs: Any, weight: Any) -> Any:
        if self.three:
            # Its trackers of losses are variables, which a tracer must not get into.
            with self.keras.StatelessScope():
                return self.model.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weight)
        if hasattr(self.model, "compute_loss"):
            return self.model.compute_loss(x, y, outputs, weight)
        losses = self.model.losses
        return self.model.compiled_loss(y, outputs, weight, regularization_losses=losses)
