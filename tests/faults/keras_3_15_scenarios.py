"""Faults in Keras 3.15 that a program of the corpus shows: one in each kind of scenario."""

from faults.planting import Fault

PROPERTY = "corpus-scenarios"

# By the scenario that must report it.
FAULTS = {
    "merged-with-itself": Fault(
        "merging-loses-the-mask",
        "src/layers/merging/base_merge.py",
        "        if any(m is None for m in mask):\n            return None",
        "        if mask:\n            return None",
        PROPERTY,
        "scenario",
    ),
    "batch-statistics-under-a-mask": Fault(
        "statistics-of-padding",
        "src/layers/normalization/batch_normalization.py",
        "            mean, variance = self._moments(inputs, mask)",
        "            mean, variance = self._moments(inputs, None)",
        PROPERTY,
        "scenario",
    ),
    "metric-without-weights-under-a-mask": Fault(
        "metrics-ignore-the-mask",
        "src/metrics/reduction_metrics.py",
        "        mask = backend.get_keras_mask(y_pred)",
        "        mask = None",
        PROPERTY,
        "scenario",
    ),
    "wrapped-recurrent-layer": Fault(
        "every-step-has-the-first-mask",
        "src/layers/rnn/time_distributed.py",
        'kwargs["mask"] = mask[i]',
        'kwargs["mask"] = mask[0]',
        PROPERTY,
        "scenario",
    ),
    "explicit-mask": Fault(
        "mask-by-hand-is-not-handed-on",
        "src/layers/layer.py",
        'if "mask" in kwargs and kwargs["mask"] is not None:',
        'if "mask" in kwargs and kwargs["mask"] is None:',
        PROPERTY,
        "scenario",
    ),
    "class-weight-alone": Fault(
        "class-weights-all-one",
        "src/trainers/data_adapters/data_adapter_utils.py",
        "class_weight.get(int(y_numpy[i]), 1.0)",
        "class_weight.get(-1, 1.0)",
        PROPERTY,
        "scenario",
    ),
    "masked-mean-absolute-error": Fault(
        "mask-not-scaled",
        "src/losses/loss.py",
        "            mask_weight = ops.divide_no_nan(total, valid)",
        "            mask_weight = ops.divide_no_nan(total, total)",
        PROPERTY,
        "scenario",
    ),
    "losses-beside-the-usual-ones": Fault(
        "a-loss-of-samples-forgets-mask-and-weights",
        "src/losses/loss.py",
        "            if in_mask is not None and out_mask is not None:\n",
        "            if type(self).__name__ == 'Tversky':\n"
        "                mask = sample_weight = None\n"
        "            elif in_mask is not None and out_mask is not None:\n",
        PROPERTY,
        "scenario",
    ),
    "own-loss-as-a-subclass": Fault(
        "an-own-loss-forgets-the-mask",
        "src/losses/loss.py",
        "            if in_mask is not None and out_mask is not None:\n",
        "            if not hasattr(self, '_fn_kwargs'):\n"
        "                mask = None\n"
        "            elif in_mask is not None and out_mask is not None:\n",
        PROPERTY,
        "scenario",
    ),
    "concatenation-with-a-part-unmasked": Fault(
        "what-has-no-mask-is-masked-beside-what-has",
        "src/layers/merging/concatenate.py",
        'masks.append(ops.ones_like(input_i, dtype="bool"))',
        'masks.append(ops.zeros_like(input_i, dtype="bool"))',
        PROPERTY,
        "scenario",
    ),
    "weights-of-each-output-in-its-metric": Fault(
        "the-weights-of-the-first-output-for-every-metric",
        "src/trainers/compile_utils.py",
        "if len(sample_weight) < len(y_true):",
        "if len(sample_weight) <= len(y_true):",
        PROPERTY,
        "scenario",
    ),
    "metric-with-weights-in-a-column": Fault(
        "a-metric-forgets-the-mask-beside-a-column",
        "src/metrics/reduction_metrics.py",
        "        mask = backend.get_keras_mask(y_pred)\n",
        "        mask = backend.get_keras_mask(y_pred)\n"
        "        if sample_weight is not None and len(sample_weight.shape) > 2:\n"
        "            mask = None\n",
        PROPERTY,
        "scenario",
    ),
    "weights-that-are-learned": Fault(
        "no-gradient-flows-to-weights",
        "src/losses/loss.py",
        "        sample_weight = ops.cast(sample_weight, values.dtype)\n",
        "        sample_weight = ops.stop_gradient(ops.cast(sample_weight, values.dtype))\n",
        PROPERTY,
        "scenario",
    ),
    "weights-of-scores": Fault(
        "an-f-score-ignores-weights",
        "src/metrics/f_score_metrics.py",
        "        def _weighted_sum(val, sample_weight):\n",
        "        def _weighted_sum(val, sample_weight):\n            sample_weight = None\n",
        PROPERTY,
        "scenario",
    ),
    "mask-through-other-precisions": Fault(
        "half-precision-loses-the-mask",
        "src/layers/layer.py",
        "            if mask is not None:\n"
        "                backend.set_keras_mask(y, mask)\n"
        "            return y",
        "            if mask is not None and self.compute_dtype == 'float32':\n"
        "                backend.set_keras_mask(y, mask)\n"
        "            return y",
        PROPERTY,
        "scenario",
    ),
    "keys-with-a-mask-of-their-own": Fault(
        "the-mask-of-keys-is-forgotten-beside-another",
        "src/layers/attention/multi_head_attention.py",
        "            mask = ops.expand_dims(key_mask, -2)  # shape is [B, 1, S]\n"
        "            auto_mask = mask if auto_mask is None else auto_mask & mask\n"
        "        if use_causal_mask:\n",
        "            mask = ops.expand_dims(key_mask, -2)  # shape is [B, 1, S]\n"
        "            auto_mask = mask if auto_mask is None else auto_mask\n"
        "        if use_causal_mask:\n",
        PROPERTY,
        "scenario",
    ),
    "padding-value-that-is-large": Fault(
        "one-feature-of-another-padding-value-is-padding",
        "src/layers/core/masking.py",
        "        boolean_mask = ops.any(\n"
        "            ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True\n",
        "        boolean_mask = (ops.all if self.mask_value else ops.any)(\n"
        "            ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True\n",
        PROPERTY,
        "scenario",
    ),
    "grouped-attention-under-a-mask": Fault(
        "grouped-attention-looks-at-masked-values",
        "src/layers/attention/grouped_query_attention.py",
        "            mask = ops.expand_dims(value_mask, -2)  # shape is [B, 1, S]\n"
        "            auto_mask = mask if auto_mask is None else auto_mask & mask\n",
        "            mask = ops.expand_dims(value_mask, -2)  # shape is [B, 1, S]\n",
        PROPERTY,
        "scenario",
    ),
    "second-epoch-of-a-fit": Fault(
        "the-second-epoch-goes-on-with-the-first",
        "src/backend/tensorflow/trainer.py",
        "            self.reset_metrics()\n            callbacks.on_epoch_begin(epoch)",
        "            if epoch == initial_epoch:\n"
        "                self.reset_metrics()\n"
        "            callbacks.on_epoch_begin(epoch)",
        PROPERTY,
        "scenario",
    ),
    "masks-of-two-inputs-by-hand": Fault(
        "masks-by-hand-go-to-the-other-input",
        "src/models/functional.py",
        "            for x, mask in zip(inputs, masks):",
        "            for x, mask in zip(inputs, masks[::-1]):",
        PROPERTY,
        "scenario",
    ),
}
