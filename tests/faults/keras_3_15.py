"""Faults in Keras 3.15: each way to get a masked, weighted loss wrong that its users could meet."""

from faults.planting import Fault

LOSS = "src/losses/loss.py"
LOSSES = "src/losses/losses.py"

VALID = "valid = ops.sum(ops.cast(mask, dtype=dtype))  # May be 0!"
WEIGHT = "mask_weight = ops.divide_no_nan(total, valid)"
APPLIED = 'float_mask = ops.where(ops.cast(mask, "bool"), mask_weight, 0)'
TIMES = "values = values * sample_weight"
MERGED = "sample_weight *= float_mask"
SUMMED = "    loss = ops.sum(values)\n"
IN_MASK = "        in_mask = backend.get_keras_mask(y_pred)\n"
EXPANDED = """                x2 = ops.expand_dims(x2, axis=-1)
            else:
                x1 = ops.squeeze(x1, axis=-1)"""

SMOOTHED = """label_smoothing / num_classes
        )

    return ops.categorical_crossentropy("""

FAULTS = (
    # -- the denominator
    Fault("no-rescaling", LOSS, WEIGHT, "mask_weight = ops.ones_like(total)", "padding-invariance"),
    Fault(
        "rescaled-by-one-too-many",
        LOSS,
        VALID,
        VALID.replace("))  #", ")) + 1  #"),
        "constant-loss",
        "mask",
    ),
    Fault(
        "rescaled-by-rows-not-steps",
        LOSS,
        WEIGHT,
        "rows = ops.max(ops.cast(mask, dtype), axis=-1)\n"
        "            mask_weight = ops.cast(ops.shape(mask)[0], dtype) / ops.sum(rows)",
        "loss-value",
    ),
    Fault(
        "rescaled-by-the-weight-sum",
        LOSS,
        MERGED,
        "sample_weight *= float_mask / ops.maximum(ops.mean(sample_weight), 1e-3)",
        "weight-homogeneity",
    ),
    # -- the epsilon
    Fault(
        "epsilon-back-in-the-count",
        LOSS,
        WEIGHT,
        "mask_weight = total / (valid + 1e-7)",
        "loss-value",
    ),
    Fault("epsilon-too-big", LOSS, WEIGHT, "mask_weight = total / (valid + 1e-3)", "constant-loss"),
    Fault(
        "epsilon-in-the-other-place",
        LOSS,
        WEIGHT,
        "mask_weight = 1.0 / (valid / total + 1e-7)",
        "compaction",
    ),
    Fault(
        "no-guard-for-the-empty-mask",
        LOSS,
        APPLIED,
        "float_mask = ops.cast(mask, dtype) * (total / valid)",
        "empty-mask",
    ),
    # -- the mask
    Fault(
        "mask-lost",
        LOSS,
        APPLIED,
        "float_mask = ops.ones_like(total) * mask_weight",
        "labels-under-mask",
    ),
    Fault(
        "mask-upside-down",
        LOSS,
        APPLIED,
        APPLIED.replace("mask_weight, 0)", "0, mask_weight)"),
        "gradient-under-mask",
    ),
    Fault(
        "mask-leaks-a-little",
        LOSS,
        APPLIED,
        APPLIED.replace("mask_weight, 0)", "mask_weight, 1e-4)"),
        "labels-under-mask",
    ),
    Fault(
        "mask-lost-for-sums",
        LOSS,
        "            float_mask = ops.cast(mask, dtype=dtype)",
        "            float_mask = ops.ones_like(ops.cast(mask, dtype=dtype))",
        "predictions-under-mask",
    ),
    Fault(
        "integer-mask-ignored",
        LOSS,
        "    if mask is not None:\n        mask = ops.convert_to_tensor(mask, dtype=dtype)",
        "    if mask is not None and 'int' in str(mask.dtype):\n        mask = None\n"
        "    if mask is not None:\n        mask = ops.convert_to_tensor(mask, dtype=dtype)",
        "mask-dtype",
    ),
    # -- the weights
    Fault(
        "weights-lost", LOSS, TIMES, "values = values * ops.ones_like(sample_weight)", "loss-value"
    ),
    Fault(
        "weights-lost-beside-a-mask",
        LOSS,
        MERGED,
        "sample_weight = float_mask",
        "loss-value",
        "mask-with-weight",
    ),
    Fault(
        "weights-squared",
        LOSS,
        MERGED,
        "sample_weight *= sample_weight * float_mask",
        "weight-homogeneity",
    ),
    Fault(
        "weights-made-positive",
        LOSS,
        TIMES,
        "values = values * ops.abs(sample_weight)",
        "weight-homogeneity",
    ),
    Fault(
        "weights-on-the-other-axis",
        LOSS,
        EXPANDED,
        EXPANDED.replace("expand_dims(x2, axis=-1)", "expand_dims(x2, axis=0)"),
        "loss-value",
    ),
    Fault(
        "weights-floored",
        LOSS,
        TIMES,
        "values = values * ops.where(sample_weight == 0, 1e-3, sample_weight)",
        "weight-continuity",
    ),
    # -- the reductions
    Fault(
        "weighted-mean-over-the-count",
        LOSS,
        "divisor = ops.cast(ops.sum(sample_weight), loss.dtype)",
        "divisor = ops.cast(ops.size(sample_weight), loss.dtype)",
        "weight-homogeneity",
    ),
    Fault(
        "mean-that-sums",
        LOSS,
        'in ("sum_over_batch_size", "mean", "mean_with_sample_weight")',
        'in ("sum_over_batch_size", "mean_with_sample_weight")',
        "loss-value",
        "reduction",
    ),
    # -- only there
    Fault(
        "only-in-the-gradient",
        LOSS,
        TIMES,
        "values = values * sample_weight\n"
        "        import tensorflow as tf\n"
        "        values = values + 0.25 * (values - tf.stop_gradient(values))",
        "loss-gradient",
        "gradient",
    ),
    Fault(
        "gradient-leaks-under-the-mask",
        LOSS,
        TIMES,
        "import tensorflow as tf\n"
        "        values = values * sample_weight + 1e-3 * (values - tf.stop_gradient(values))",
        "gradient-under-mask",
    ),
    Fault(
        "only-when-traced",
        LOSS,
        VALID,
        "import tensorflow as tf\n            "
        + VALID.replace("))  #", ")) + (0 if tf.executing_eagerly() else 1)  #"),
        "eager-graph-xla",
        "mode",
    ),
    Fault(
        "only-past-128-elements",
        LOSS,
        VALID,
        VALID.replace("))  #", ")) + (1 if mask.shape.num_elements() > 128 else 0)  #"),
        "loss-value",
    ),
    Fault(
        "only-for-rank-3-masks",
        LOSS,
        VALID,
        VALID.replace("))  #", ")) + (1 if len(mask.shape) == 3 else 0)  #"),
        "loss-value",
    ),
    Fault(
        "only-in-float16",
        LOSS,
        WEIGHT,
        "guard = 1e-2 if dtype == 'float16' else 0.0\n"
        "            mask_weight = ops.divide_no_nan(total, valid + guard)",
        "low-precision",
    ),
    Fault(
        "stale-count",
        LOSS,
        VALID,
        VALID + "\n            import tensorflow as tf\n"
        "            if tf.executing_eagerly():\n"
        "                stale = getattr(apply_mask, 'last', valid)\n"
        "                apply_mask.last = valid\n                valid = stale",
        "repeatable",
    ),
    # -- element losses
    Fault(
        "labels-of-other-steps-leak",
        LOSSES,
        "return ops.mean(ops.square(y_true - y_pred), axis=-1)",
        "return ops.mean(ops.square(y_true - y_pred), axis=-1) + 1e-3 * ops.mean(y_true)",
        "labels-under-mask",
    ),
    Fault(
        "order-of-the-samples-matters",
        LOSSES,
        "return ops.mean(ops.square(y_true - y_pred), axis=-1)",
        "rows = ops.arange(1, y_pred.shape[0] + 1, dtype=y_pred.dtype)\n"
        "    rows = ops.reshape(rows, (-1,) + (1,) * (len(y_pred.shape) - 2))\n"
        "    return rows * ops.mean(ops.square(y_true - y_pred), axis=-1)",
        "batch-permutation",
    ),
    Fault(
        "huber-without-its-constant",
        LOSSES,
        "delta * abs_error - half * ops.square(delta)",
        "delta * abs_error",
        "loss-value",
        "elementwise",
    ),
    Fault(
        "ignored-class-counted",
        LOSSES,
        "        backend.set_keras_mask(res, mask=valid_mask)",
        "        pass",
        "loss-value",
    ),
    # -- rare: what a run must not owe to chance that it sees
    Fault(
        "a-factor-of-two-millionths",
        LOSS,
        TIMES,
        TIMES + " * (1 + 2e-6 if values.dtype == 'float32' else 1)",
        "loss-value",
    ),
    Fault(
        "weighted-mean-over-absolute-weights",
        LOSS,
        "divisor = ops.cast(ops.sum(sample_weight), loss.dtype)",
        "divisor = ops.cast(ops.sum(ops.abs(sample_weight)), loss.dtype)",
        "loss-value",
    ),
    Fault(
        "traced-sums-alone",
        LOSS,
        SUMMED,
        SUMMED + "    import tensorflow as tf\n"
        "    if reduction == 'sum' and not tf.executing_eagerly():\n"
        "        loss = loss * 1.001\n",
        "eager-graph-xla",
        "mode",
    ),
    Fault(
        "third-call-of-one-object-loses-the-mask",
        LOSS,
        IN_MASK,
        IN_MASK + "        self._calls = getattr(self, '_calls', 0) + 1\n"
        "        if self._calls > 2:\n            in_mask = None\n",
        "loss-value",
    ),
    Fault(
        "every-other-call-of-one-object-loses-the-mask",
        LOSS,
        IN_MASK,
        IN_MASK + "        self._calls = getattr(self, '_calls', 0) + 1\n"
        "        if self._calls % 2:\n            in_mask = None\n",
        "repeatable",
    ),
    Fault(
        "square-weights-transposed",
        LOSS,
        TIMES,
        "if sample_weight.shape == (3, 1) and values.shape == (3, 3):\n"
        "            sample_weight = ops.transpose(sample_weight)\n        " + TIMES,
        "loss-value",
    ),
    Fault(
        "only-past-100000-elements",
        LOSS,
        VALID,
        VALID.replace("))  #", ")) + (1 if (mask.shape.num_elements() or 0) > 100000 else 0)  #"),
        "loss-value",
    ),
    Fault(
        "only-for-unknown-batch-sizes",
        LOSS,
        VALID,
        VALID + "\n            if mask.shape[0] is None:\n                valid = valid + 1",
        "eager-graph-xla",
        "mode",
    ),
    Fault(
        "integer-weights-ignored",
        LOSS,
        "    if sample_weight is not None:\n"
        "        sample_weight = ops.convert_to_tensor(sample_weight, dtype=dtype)",
        "    if 'int' in str(getattr(sample_weight, 'dtype', '')):\n"
        "        sample_weight = None\n"
        "    if sample_weight is not None:\n"
        "        sample_weight = ops.convert_to_tensor(sample_weight, dtype=dtype)",
        "loss-value",
    ),
    Fault(
        "weights-by-way-of-float32",
        LOSS,
        "sample_weight = ops.convert_to_tensor(sample_weight, dtype=dtype)",
        "sample_weight = ops.cast(ops.cast(sample_weight, 'float32'), dtype)",
        "loss-value",
    ),
    Fault(
        "soft-masks-cut-at-one-half",
        LOSS,
        APPLIED,
        "float_mask = ops.where(mask > 0.5, mask_weight, 0)",
        "loss-value",
    ),
    Fault(
        "large-negative-weights-held-beside-a-mask",
        LOSS,
        MERGED,
        "sample_weight = float_mask * ops.where(sample_weight < -1.5, -1.5, sample_weight)",
        "loss-value",
    ),
    Fault(
        "mask-of-the-prediction-beside-an-ignored-class",
        LOSS,
        "mask = in_mask & out_mask",
        "mask = in_mask",
        "loss-value",
    ),
    Fault(
        "huber-boundary-a-little-further",
        LOSSES,
        "            abs_error <= delta,\n",
        "            abs_error < delta * 1.001,\n",
        "loss-value",
    ),
    Fault(
        "focal-factor-without-its-gradient",
        LOSSES,
        "    focal_bce = focal_factor * bce\n",
        "    if gamma == 3.0:\n        focal_factor = ops.stop_gradient(focal_factor)\n"
        "    focal_bce = focal_factor * bce\n",
        "loss-gradient",
    ),
    # -- only for one shape, dtype or parameter
    Fault(
        "weight-sum-held-above-one-for-a-single-weight",
        LOSS,
        "            divisor = ops.cast(ops.sum(sample_weight), loss.dtype)\n",
        "            divisor = ops.cast(ops.sum(sample_weight), loss.dtype)\n"
        "            if tuple(sample_weight.shape) == (1, 1):\n"
        "                divisor = ops.maximum(divisor, 1.0)\n",
        "loss-value",
        "weight",
    ),
    Fault(
        "smoothing-over-one-class-less-when-traced",
        LOSSES,
        SMOOTHED,
        SMOOTHED.replace(
            "num_classes", "(num_classes - (not __import__('tensorflow').executing_eagerly()))"
        ),
        "eager-graph-xla",
        "mode",
    ),
    Fault(
        "smoothing-over-at-most-eight-classes",
        LOSSES,
        SMOOTHED,
        SMOOTHED.replace("num_classes", "ops.minimum(num_classes, 8)"),
        "loss-value",
        "elementwise",
    ),
    Fault(
        "negative-weights-turned-in-bfloat16",
        LOSS,
        MERGED,
        'if dtype == "bfloat16" and reduction == "mean_with_sample_weight":\n'
        "                sample_weight = ops.abs(sample_weight)\n"
        "            sample_weight *= float_mask",
        "loss-value",
    ),
    Fault(
        "scalar-weight-lost-beside-a-column-mask",
        LOSS,
        "            float_mask, sample_weight = squeeze_or_expand_to_same_rank(\n",
        "            if len(sample_weight.shape) == 0 and tuple(mask.shape)[2:] == (1,):\n"
        '                if reduction == "sum":\n'
        "                    sample_weight = ops.ones_like(sample_weight)\n"
        "            float_mask, sample_weight = squeeze_or_expand_to_same_rank(\n",
        "loss-value",
    ),
    Fault(
        "single-weight-lost-in-a-mean-without-mask",
        LOSS,
        TIMES,
        'if reduction == "mean" and mask is None and tuple(sample_weight.shape) == (1, 1):\n'
        "            sample_weight = ops.ones_like(sample_weight)\n"
        "        values = values * sample_weight",
        "loss-value",
        "weight",
    ),
    Fault(
        "huber-delta-at-most-two",
        LOSSES,
        "    delta = ops.convert_to_tensor(delta, dtype=y_pred.dtype)\n",
        "    delta = ops.convert_to_tensor(min(delta, 2.0), dtype=y_pred.dtype)\n",
        "loss-value",
        "elementwise",
    ),
    Fault(
        "class-ids-wrap-at-a-byte",
        LOSSES,
        "    res = ops.sparse_categorical_crossentropy(\n",
        "    y_true = ops.where(y_true >= 256, y_true - 256, y_true)\n"
        "    res = ops.sparse_categorical_crossentropy(\n",
        "loss-value",
        "elementwise",
    ),
    Fault(
        "divisor-off-by-one-for-traced-elements-of-rank-three",
        LOSS,
        "        loss = ops.divide_no_nan(loss, divisor)\n",
        "        if reduction == 'mean' and len(values.shape) == 3 and values.shape[0] is None:\n"
        "            divisor = divisor + 1\n"
        "        loss = ops.divide_no_nan(loss, divisor)\n",
        "loss-value",
        "mode",
    ),
)
