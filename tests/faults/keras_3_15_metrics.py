"""Faults in Keras 3.15 that its metrics, class weights and several outputs show."""

from faults.planting import Fault

REDUCTION = "src/metrics/reduction_metrics.py"
MASKED = """\
        sample_weight = losses.loss.apply_mask(
            sample_weight, mask, dtype=self.dtype, reduction="sum"
        )
        return super()"""

SEES = "        mask = backend.get_keras_mask(y_pred)"
EQUAL = "    return ops.cast(ops.equal(y_true, y_pred), dtype=backend.floatx())"
PRECISION = """\
    def result(self):
        result = ops.divide_no_nan(
            self.true_positives,
            ops.add(self.true_positives, self.false_positives),"""
WEIGHTED = """\
                value = ops.multiply(value, loss_weight)
            loss_values.append(value)

        if loss_values:"""

FAULTS = (
    Fault(
        "a-metric-without-its-mask",
        REDUCTION,
        MASKED,
        "        return super()",
        "metric-value",
        "metric",
    ),
    *(
        Fault(
            f"no-mask-for-{name.replace('_', '-')}",
            REDUCTION,
            SEES,
            f'        mask = None if self.name == "{name}" else backend.get_keras_mask(y_pred)',
            "metric-value",
            "metric",
        )
        for name in ("top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy")
    ),
    Fault(
        "masked-labels-in-an-accuracy",
        "src/metrics/accuracy_metrics.py",
        EQUAL + '\n\n\n@keras_export("keras.metrics.BinaryAccuracy")',
        EQUAL + ' + 0.25 * ops.mean(y_true)\n\n\n@keras_export("keras.metrics.BinaryAccuracy")',
        "metric-under-mask",
        "metric",
    ),
    Fault(
        "a-count-twice",
        "src/metrics/confusion_metrics.py",
        PRECISION,
        PRECISION.replace("self.false_positives", "2.0 * self.false_positives"),
        "metric-value",
        "metric",
    ),
    Fault(
        "a-metric-of-half-its-values",
        REDUCTION,
        MASKED,
        MASKED.replace(
            "        return super()", "        values = values * 0.5\n        return super()"
        ),
        "loss-matches-metric",
        "metric",
    ),
    Fault(
        "class-weights-of-the-next-class",
        "src/trainers/data_adapters/data_adapter_utils.py",
        "sample_weight[i] = class_weight.get(int(y_numpy[i]), 1.0)",
        "sample_weight[i] = class_weight.get(int(y_numpy[i]) + 1, 1.0)",
        "class-weight",
        "arrays",
    ),
    Fault(
        "an-output-without-its-loss-weight",
        "src/trainers/compile_utils.py",
        WEIGHTED,
        WEIGHTED.replace("value, loss_weight", "value, 1.0"),
        "own-mask-per-output",
        "trainer",
    ),
    Fault(
        "what-is-added-is-halved",
        "src/trainers/trainer.py",
        "            losses.append(self._aggregate_additional_loss(loss))",
        "            losses.append(0.5 * self._aggregate_additional_loss(loss))",
        "own-mask-per-output",
        "trainer",
    ),
    Fault(
        "a-class-without-a-weight-counts-nothing",
        "src/trainers/data_adapters/data_adapter_utils.py",
        "class_weight.get(int(y_numpy[i]), 1.0)",
        "class_weight.get(int(y_numpy[i]), 0.0)",
        "class-weight",
    ),
    Fault(
        "a-class-weight-of-zero-counts-as-one",
        "src/trainers/data_adapters/data_adapter_utils.py",
        "class_weight.get(int(y_numpy[i]), 1.0)",
        "class_weight.get(int(y_numpy[i])) or 1.0",
        "class-weight",
    ),
    Fault(
        "a-loss-weight-of-zero-counts-as-one",
        "src/trainers/compile_utils.py",
        "            if loss_weight is not None:\n" + WEIGHTED,
        "            if loss_weight:\n" + WEIGHTED,
        "own-mask-per-output",
        "trainer",
    ),
    Fault(
        "class-weights-cut-off-fractions",
        "src/trainers/data_adapters/data_adapter_utils.py",
        'y_numpy = np.round(y_numpy).astype("int32")',
        'y_numpy = np.trunc(y_numpy).astype("int32")',
        "class-weight",
        "arrays",
    ),
)
