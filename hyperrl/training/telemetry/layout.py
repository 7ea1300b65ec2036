"""Lays out charts in TensorBoard's Custom Scalars tab."""

from __future__ import annotations

from hyperrl.training.rollout_callback import RolloutCallback
from hyperrl.training.telemetry.output import writer_of
from hyperrl.training.writers import SPLITS_TAG

LAYOUT = {
    "zero-shot": {
        "return per split": ["Multiline", [f"^{SPLITS_TAG}$"]],
        "training return per task": ["Multiline", ["train_task/.*"]],
    },
    "generated weights": {
        "norm": ["Multiline", [r"weights/.*/norm"]],
        "spread across tasks": ["Multiline", [r"weights/.*/spread"]],
    },
    "update": {
        "gradient norm before clipping": ["Multiline", ["gradient/norm"]],
        "seconds per iteration": ["Multiline", ["time/(rollout|update|generation)$"]],
    },
}
"""Category, chart, [kind, regular expressions of tags]."""


class ScalarLayout(RolloutCallback):
    """Writes the layout once; its first chart shows the splits together."""

    def _on_training_start(self) -> None:
        writer = writer_of(self.logger)
        if writer is not None:
            writer.add_custom_scalars(LAYOUT)
