"""Faults in the recurrent layers of Keras 3.15: what a masked step does."""

from faults.planting import Fault

KEPT = (
    "flat_final_state = compute_masked_output(\n"
    "                    mask_t, flat_new_state, flat_state\n                )"
)

ZEROES = "zero_output_for_mask=self.zero_output_for_mask"

FAULTS = (
    Fault(
        "masked-steps-change-the-state",
        "src/backend/tensorflow/rnn.py",
        KEPT,
        "flat_final_state = flat_new_state",
        "layer-forward",
        "layer",
    ),
    Fault(
        "masked-steps-let-the-state-through",
        "src/backend/tensorflow/rnn.py",
        KEPT,
        "flat_final_state = flat_new_state",
        "recurrent-compaction",
        "layer",
    ),
    Fault(
        "unrolled-masked-steps-change-the-state",
        "src/backend/tensorflow/rnn.py",
        "                    tf.where(m, s, ps)\n"
        "                    for m, s, ps in zip(\n"
        "                        tiled_mask_t, flat_new_states, flat_states",
        "                    s\n"
        "                    for m, s, ps in zip(\n"
        "                        tiled_mask_t, flat_new_states, flat_states",
        "layer-forward",
        "layer",
    ),
    Fault(
        "the-forget-gate-stays-open",
        "src/layers/rnn/lstm.py",
        "        c = f * c_tm1 + i * self.activation(z2)",
        "        c = c_tm1 + i * self.activation(z2)",
        "layer-forward",
        "layer",
    ),
    Fault(
        "a-mask-of-numbers-is-not-heeded",
        "src/backend/tensorflow/rnn.py",
        "            mask = tf.cast(mask, tf.bool)",
        "            mask = tf.ones_like(mask, tf.bool)",
        "layer-forward",
        "layer",
    ),
    Fault(
        "the-twin-is-not-put-back-in-order",
        "src/layers/rnn/bidirectional.py",
        "y_rev = ops.flip(y_rev, axis=1)",
        "y_rev = y_rev",
        "layer-forward",
        "layer",
    ),
    Fault(
        "masked-steps-of-the-twin-are-stale",
        "src/layers/rnn/bidirectional.py",
        "        force_zero_output_for_mask(self.backward_layer)\n",
        "",
        "layer-forward",
        "layer",
    ),
    Fault(
        "a-wrapper-loses-its-mask",
        "src/layers/rnn/time_distributed.py",
        "        self.supports_masking = True",
        "        self.supports_masking = False",
        "layer-forward",
        "layer",
    ),
    *(
        Fault(
            f"zeros-for-masked-steps-are-not-heeded-by-{name.lower()}",
            "src/layers/rnn/rnn.py",
            ZEROES,
            f'{ZEROES} and type(self).__name__ != "{name}"',
            "layer-forward",
            "layer",
        )
        for name in ("LSTM", "GRU")
    ),
    Fault(
        "the-state-is-not-kept",
        "src/layers/rnn/rnn.py",
        "self_state.assign(state)",
        "pass",
        "recurrent-compaction",
        "layer",
    ),
)
