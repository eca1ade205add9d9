"""A user's compiled model in Keras 2.0 to 2.3, which knows graphs alone."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from .trace_calls import MODEL_INPUT, Call, Watch
from .trace_data import Batch
from .trace_model import UserModel
from .trace_values import dtype_name, flat_logs


class GraphWatch(Watch):
    """Records the layers of a model while its graph is built once more, and then evaluates it.

    Args:
        keras: the imported package.
        model: the user's model.
    """

    def __init__(self, keras: Any, model: Any) -> None:
        super().__init__(keras, lambda _: None, lambda tensor: tensor)
        self._backend = keras.backend
        self._user = graph_of(model)
        # A Sequential up to 2.1 has a model inside, which is not one of its layers.
        self._within = [model]

    def build(self, inputs: list[Any]) -> tuple[list[Any], list[Any]]:
        """Outputs and their masks, as tensors."""
        for number, tensor in enumerate(inputs):
            self._given[id(tensor)] = number
            self._kept.append(tensor)
        root = Call(self._within[0], None)
        root.sources, root.taken = [MODEL_INPUT] * len(inputs), list(range(len(inputs)))
        root.mask_in = [None] * len(inputs)
        self.calls.append(root)
        self._stack.append(0)
        try:
            with self._wrapped(self._user):
                outputs, masks, _ = self._user.run_internal_graph(inputs, [None] * len(inputs))
        finally:
            self._stack.pop()
        root.outputs, root.mask_out = listed(outputs), listed(masks)
        return root.outputs, root.mask_out

    @contextlib.contextmanager
    def _wrapped(self, graph: Any) -> Iterator[None]:
        """Have each layer of a graph tell of its calls, for the time of the block."""
        with contextlib.ExitStack() as undo:
            for layer in graph.layers:
                if type(layer).__name__ == "InputLayer":
                    continue
                for name, make in (("call", self._calling), ("compute_mask", self._masking)):
                    setattr(layer, name, make(layer, getattr(layer, name)))
                    undo.callback(delattr, layer, name)
            yield

    def _calling(self, layer: Any, original: Any) -> Any:
        @functools.wraps(original)
        def call(inputs: Any, *args: Any, **kwargs: Any) -> Any:
            number, parent = len(self.calls), self._stack[-1]
            one = Call(layer, parent)
            self.calls.append(one)
            for tensor in listed(inputs):
                self._kept.append(tensor)
                one.sources.append(self._source_within(tensor, parent))
                one.taken.append(self._given.get(id(tensor)))
            self._stack.append(number)
            try:
                with self._inside(layer):
                    outputs = original(inputs, *args, **kwargs)
            finally:
                self._stack.pop()
            one.outputs = listed(outputs)
            for tensor in one.outputs:
                self._kept.append(tensor)
                self._made_by[id(tensor)] = number
            return outputs

        return call

    def _inside(self, layer: Any) -> Any:
        if isinstance(layer, self._model) and has_graph_of(layer):
            return self._wrapped(graph_of(layer))
        return contextlib.ExitStack()

    def _masking(self, layer: Any, original: Any) -> Any:
        @functools.wraps(original)
        def compute_mask(inputs: Any, mask: Any = None) -> Any:
            masks = original(inputs, mask)
            own = [call for call in self.calls if call.layer is layer and not call.mask_in]
            for call in own[-1:]:
                call.mask_in = listed(mask) or [None]
                call.mask_out = listed(masks) or [None] * len(call.outputs)
            return masks

        return compute_mask

    def evaluate(self, session: Any, feed: dict[Any, Any]) -> None:
        """Put arrays in the place of the tensors."""
        for call in self.calls:
            tensors = [*call.mask_in, *call.mask_out, *call.outputs]
            there = [tensor for tensor in tensors if tensor is not None]
            values = iter(session.run(there, feed)) if there else iter(())
            arrays = [None if tensor is None else next(values) for tensor in tensors]
            ends = len(call.mask_in), len(call.mask_in) + len(call.mask_out)
            call.mask_in, call.mask_out = arrays[: ends[0]], arrays[ends[0] : ends[1]]
            call.shapes = [np.asarray(array).shape for array in arrays[ends[1] :]]


class GraphModel(UserModel):
    """A model of Keras 2.0 to 2.3."""

    def __init__(self, keras: Any, model: Any, backend: Any) -> None:
        super().__init__(keras, model, backend)
        self._k, self._tf = keras.backend, backend.tf

    @property
    def specs(self) -> list[tuple[Any, str]]:
        """Shape and dtype of each input."""
        inputs = self.model.inputs
        return [(self._k.int_shape(tensor), dtype_name(self._k.dtype(tensor))) for tensor in inputs]

    @property
    def compiled(self) -> bool:
        """Whether the user has compiled it."""
        return getattr(self.model, "optimizer", None) is not None

    def _loss_weights(self) -> Any:
        return getattr(self.model, "loss_weights", None)

    def watch(self, batch: Batch) -> tuple[Any, list[Any], list[Any]]:
        """The calls of its layers, its predictions as arrays, and their masks."""
        watch, k = GraphWatch(self.keras, self.model), self._k
        shapes = [(self._k.int_shape(tensor), k.dtype(tensor)) for tensor in self.model.inputs]
        inputs = [k.placeholder(shape=shape, dtype=dtype) for shape, dtype in shapes]
        for tensor in inputs:
            tensor._uses_learning_phase = False
        outputs, masks = watch.build(inputs)
        watch.outputs = outputs
        feed = dict(zip(inputs, batch.inputs))  # noqa: B905
        feed.update(self._inference())
        session = k.get_session()
        found = [None if mask is None else session.run(mask, feed) for mask in masks]
        predictions = [session.run(tensor, feed) for tensor in outputs]
        watch.evaluate(session, feed)
        return watch, predictions, found

    def _inference(self) -> dict[Any, Any]:
        phase = self._k.learning_phase()
        return {} if isinstance(phase, int) else {phase: 0}

    def label_shaped(self, labels: Any, prediction: Any) -> Any:
        """Class ids have a last axis of 1 here."""
        return labels[..., None] if labels.ndim < prediction.ndim else labels

    def remember(self) -> None:
        """Keep the weights and the optimiser's state as they are now, to start from."""
        inner = self._inner
        maker = getattr(inner, "_make_train_function", None)
        if maker is not None:
            maker()
        self._weights = [np.array(array) for array in self.model.get_weights()]
        self._state = [np.array(array) for array in self.model.optimizer.get_weights()]
        self._renew()

    def restore(self, *, fresh: bool = False) -> None:
        """Go back to what was kept; to the same random numbers too, in a `fresh` session."""
        if fresh:
            self._renew()
        np.random.seed(0)
        self.model.set_weights(self._weights)
        if self._state:
            self.model.optimizer.set_weights(self._state)

    def _renew(self) -> None:
        """A new session, with one thread: several add in any order."""
        threads = {"inter_op_parallelism_threads": 1, "intra_op_parallelism_threads": 1}
        session = self._tf.Session(config=self._tf.ConfigProto(**threads))
        self._k.get_session().close()
        self._k.set_session(session)
        session.run(self._tf.global_variables_initializer())

    def test(self, batch: Batch) -> dict[str, float]:
        """Loss and metrics of `test_on_batch`, by name."""
        self.restore()
        return self._logs(self.model.test_on_batch(batch.x, batch.y, sample_weight=batch.weight))

    def train(self, batch: Batch, *, fresh: bool = False) -> tuple[float, list[Any]]:
        """Loss and trainable weights after one `train_on_batch` from the start."""
        self.restore(fresh=fresh)
        logs = self.model.train_on_batch(batch.x, batch.y, sample_weight=batch.weight)
        weights = self._k.batch_get_value(self.model.trainable_weights)
        self.restore()
        return self._logs(logs)["loss"], [np.array(array) for array in weights]

    def _logs(self, values: Any) -> dict[str, float]:
        names = self.model.metrics_names
        numbers = list(values) if isinstance(values, (list, tuple)) else [values]
        return flat_logs(dict(zip(names, numbers)))  # noqa: B905

    def trainable(self) -> list[Any]:
        """The trainable weights at the start."""
        self.restore()
        values = self._k.batch_get_value(self.model.trainable_weights)
        return [np.array(array) for array in values]

    def predict(self, batch: Batch) -> list[Any]:
        """Predictions, flat."""
        self.restore()
        found = self.model.predict_on_batch(batch.x)
        return [np.asarray(array) for array in listed(found)]

    def loss_at(self, batch: Batch, predictions: list[Any], masks: list[Any]) -> float:
        """The compiled loss at other predictions, fed in the place of the model's own."""
        del masks  # the graph has its own
        feed = self._feed(batch)
        feed.update(zip(self._inner.outputs, predictions))  # noqa: B905
        return float(self._k.get_session().run(self._inner.total_loss, feed))

    def gradient(self, batch: Batch, predictions: list[Any], masks: list[Any]) -> list[Any]:
        """The gradient of the compiled loss by each output's predictions, as arrays."""
        del masks  # the graph has its own
        inner = self._inner
        tensors = self._tf.gradients(inner.total_loss, inner.outputs)
        session, feed = self._k.get_session(), self._feed(batch)
        return [
            np.zeros_like(array) if tensor is None else session.run(tensor, feed)
            for tensor, array in zip(tensors, predictions)  # noqa: B905
        ]

    @property
    def _inner(self) -> Any:
        """The model that is compiled: a Sequential up to 2.1 has it inside."""
        return graph_of(self.model)

    def _feed(self, batch: Batch) -> dict[Any, Any]:
        """What the compiled loss needs, as the release's own training feeds it."""
        self.restore()
        inner = self._inner
        x, y, weights = inner._standardize_user_data(batch.x, batch.y, sample_weight=batch.weight)
        feed = dict(zip(inner._feed_inputs, x))  # noqa: B905
        feed.update(zip(inner._feed_targets, y))  # noqa: B905
        feed.update(zip(inner._feed_sample_weights, weights))  # noqa: B905
        feed.update(self._inference())
        return feed


def graph_of(model: Any) -> Any:
    """The model that has the graph: a Sequential up to Keras 2.1 keeps one inside."""
    inner = getattr(model, "model", None)
    return inner if inner is not None and hasattr(inner, "run_internal_graph") else model


def has_graph_of(model: Any) -> bool:
    """Whether a model is made of layers that it calls itself."""
    return hasattr(graph_of(model), "run_internal_graph")


def listed(value: Any) -> list[Any]:
    """Tensors as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
