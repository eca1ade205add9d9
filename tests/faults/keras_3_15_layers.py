"""Faults in layers of Keras 3.15: what they make of a mask."""

from faults.planting import Fault

WARNED = "            elif any(m is not None for m in tree.flatten(previous_mask)):"

FAULTS = (
    Fault(
        "recurrent-layers-emit-no-mask",
        "src/layers/rnn/rnn.py",
        "        output_mask = mask if self.return_sequences else None",
        "        output_mask = None",
        "layer-mask",
        "layer",
    ),
    Fault(
        "merges-hand-on-any-mask",
        "src/layers/merging/base_merge.py",
        "    def compute_mask(self, inputs, mask=None):\n        if mask is None:",
        "    def compute_mask(self, inputs, mask=None):\n"
        "        return None\n        if mask is None:",
        "layer-mask",
        "layer",
    ),
    Fault(
        "flatten-is-said-to-support-masks",
        "src/layers/reshaping/flatten.py",
        "        self.input_spec = InputSpec(min_ndim=1)",
        "        self.input_spec = InputSpec(min_ndim=1)\n        self.supports_masking = True",
        "layer-mask",
        "layer",
    ),
    Fault(
        "no-layer-warns",
        "src/layers/layer.py",
        WARNED,
        WARNED.replace("elif any", "elif False and any"),
        "mask-loss-is-loud",
        "layer",
    ),
)
