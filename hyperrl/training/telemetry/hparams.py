"""The run in TensorBoard's HParams tab."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard.summary import hparams

from hyperrl.evaluation import Evaluation
from hyperrl.recipes import ALGORITHMS, SPLITS, AgentRecipe
from hyperrl.recipes.policy import BlindPolicyRecipe, ConcatPolicyRecipe, HyperPolicyRecipe
from hyperrl.training.telemetry.output import Publisher, writer_of
from hyperrl.training.telemetry.zero_shot import AfterEvaluation, ZeroShot

Value = float | str
_HYPER: dict[str, Value] = {
    "chunk_size": 0.0,
    "width": 0.0,
    "adapter_activation": "",
    "sparsity": 0.0,
    "head_norm": "",
    "embedding_dim": 0.0,
    "noise_dim": 0.0,
    "max_grad_norm": 0.0,
}
OPTIONAL: dict[str, Value] = {
    "policy.match_parameters": "",
    "policy.convolutions": "",
    **dict.fromkeys(
        (f"policy.{name}" for name in ("n_critics", "n_quantiles", "lstm_hidden_size", "n_lstm_layers")), 0.0
    ),
    "policy.shared_lstm": "",
    "policy.enable_critic_lstm": "",
    "algorithm.target_kl": 0.0,
    "algorithm.action_noise": 0.0,
    **{f"policy.hypernetwork.{name}": value for name, value in _HYPER.items()},
    **dict.fromkeys((f"curriculum.{name}" for name in ("temperature", "alpha", "staleness")), 0.0),
}
"""Fields that have no value unless a recipe gives one, with one of their kind."""


class HParams(AfterEvaluation):
    """Writes hyperparameters before training and, after it, the final zero-shot returns, `hparams/<split>`.

    The returns are those of the run's best weights, as the evaluation at the end has them (`final`).

    They are in the run's own event file. TensorBoard shows the columns that the first run which it comes
    across declares: so each run declares those of all algorithms and policies.
    """

    def __init__(
        self,
        zero_shot: ZeroShot,
        agent: AgentRecipe,
        seed: int,
        publisher: Publisher,
        final: Callable[[], Evaluation],
    ):
        super().__init__(zero_shot)
        self._final = final
        self._splits = [split for split in SPLITS if zero_shot.family.tasks(split)]
        self._publisher = publisher
        values: dict[str, Value] = hyperparameters(agent) | {"family": zero_shot.family.name, "seed": seed}
        metrics = dict.fromkeys((f"hparams/{split}" for split in self._splits), 0.0)
        self._experiment = hparams(declared() | values, metrics)[0]  # type: ignore[no-untyped-call]
        _, self._start, self._end = hparams(values, metrics)  # type: ignore[no-untyped-call]

    def _on_training_start(self) -> None:
        super()._on_training_start()
        self._write(self._experiment)
        self._write(self._start)

    def _on_evaluation(self, last: bool) -> None:
        if last:
            splits = self._final().splits
            self._publisher.put({f"hparams/{split}": splits[split]["mean"] for split in self._splits})
            self._write(self._end)

    def _write(self, message: Summary) -> None:
        writer = writer_of(self.logger)
        if writer is not None:
            writer._get_file_writer().add_summary(message)  # type: ignore[no-untyped-call]


def hyperparameters(agent: AgentRecipe) -> dict[str, Value]:
    """The recipe's fields by dotted name, `algorithm.gamma`; those without a value are left out.

    Widths become `64-64` or `pi:64-64 vf:64`, truth values `true` and `false` (torch would write 1 and 0).
    """
    return _flat("", {"agent": agent.name, **agent.model_dump(exclude={"name", "about", "format"})})


def declared() -> dict[str, Value]:
    """A value for every field that an algorithm or a policy may have."""
    policies: list[BaseModel] = [HyperPolicyRecipe(), ConcatPolicyRecipe(), BlindPolicyRecipe()]
    algorithms: list[BaseModel] = [algorithm() for algorithm in ALGORITHMS]
    found = dict(OPTIONAL)
    for prefix, models in (("policy", policies), ("algorithm", algorithms)):
        for model in models:
            found |= _flat(prefix, model.model_dump())
    return found


def _flat(prefix: str, values: Mapping[str, Any]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, value in values.items():
        dotted = f"{prefix}.{name}" if prefix else name
        if name == "net_arch" and isinstance(value, Mapping):
            found[dotted] = " ".join(f"{head}:{_joined(widths)}" for head, widths in value.items())
        elif isinstance(value, Mapping):
            found |= _flat(dotted, value)
        elif isinstance(value, bool):
            found[dotted] = str(value).lower()
        elif isinstance(value, list | tuple):
            found[dotted] = _joined(value)
        elif value is not None:
            found[dotted] = value
    return found


def _joined(widths: Iterable[int]) -> str:
    return "-".join(map(str, widths)) or "none"
