"""The run in TensorBoard's HParams tab."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard.summary import hparams

from hyperrl.evaluation import Evaluation
from hyperrl.recipes import ALGORITHMS, SPLITS, AgentRecipe
from hyperrl.recipes.curriculum import Curriculum
from hyperrl.recipes.policy import BlindPolicyRecipe, ConcatPolicyRecipe, HyperPolicyRecipe
from hyperrl.training.telemetry.output import Publisher, writer_of
from hyperrl.training.telemetry.zero_shot import AfterEvaluation, ZeroShot

Value = float | str

_SCHEDULE = "schedule"


class HParams(AfterEvaluation):
    """Writes hyperparameters before training and, after it, the final zero-shot returns, `hparams/<split>`.

    The returns are those of the run's best weights, from the evaluation at the end (`final`).

    All are in the run's event file. TensorBoard shows the columns that the first run it reads declares: so
    each run declares those of all algorithms and policies.
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

    Widths become `64-64` or `pi:64-64 vf:64`, truth values `true` and `false` (torch would write 1 and 0). A
    schedule becomes the number that it starts at, and `algorithm.learning_rate.schedule` has it in words.
    """
    fields = {"agent": agent.name, **agent.model_dump(exclude={"name", "about", "format"})}
    fields["wrappers"] = list(map(str, agent.wrappers))
    for name, schedule in agent.algorithm.schedules.items():
        fields["algorithm"] |= {name: schedule.nominal, f"{name}.{_SCHEDULE}": str(schedule)}
    return _flat("", fields)


def declared() -> dict[str, Value]:
    """A value for every field that an algorithm, a policy or a curriculum may have."""
    policies = (HyperPolicyRecipe, ConcatPolicyRecipe, BlindPolicyRecipe)
    groups = {"policy": policies, "algorithm": ALGORITHMS, "curriculum": (Curriculum,)}
    values: dict[str, Value] = {}
    for prefix, models in groups.items():
        for model in models:
            values |= _flat(prefix, model().model_dump(), _empty_values(model))
    scheduled = {name for model in ALGORITHMS for name in model.scheduled}
    return values | {f"algorithm.{name}.{_SCHEDULE}": "" for name in sorted(scheduled)}


def _empty_values(model: type[BaseModel]) -> dict[str, Value]:
    """By field, 0 where its values are numbers, else an empty text."""
    schema = model.model_json_schema()
    parts = (schema, *schema.get("$defs", {}).values())
    return {
        name: 0.0 if {"number", "integer"} & set(_types(field)) else ""
        for part in parts
        for name, field in part.get("properties", {}).items()
    }


def _types(field: Mapping[str, Any]) -> Iterator[str]:
    """The types of a field's alternatives, which may have alternatives in turn."""
    for option in (*field.get("anyOf", ()), *field.get("oneOf", ())):
        yield option.get("type", "")
        yield from _types(option)


def _flat(
    prefix: str, values: Mapping[str, Any], empty: Mapping[str, Value] | None = None
) -> dict[str, Value]:
    """Values by dotted name. `empty` has the values of fields without one; without it these are left out."""
    flat: dict[str, Value] = {}
    for name, value in values.items():
        dotted = f"{prefix}.{name}" if prefix else name
        if name == "net_arch" and isinstance(value, Mapping):
            flat[dotted] = " ".join(f"{head}:{_joined(widths)}" for head, widths in value.items())
        elif isinstance(value, Mapping):
            flat |= _flat(dotted, value, empty)
        elif isinstance(value, bool):
            flat[dotted] = str(value).lower()
        elif isinstance(value, list | tuple):
            flat[dotted] = _joined(value)
        elif value is not None:
            flat[dotted] = value
        elif empty is not None:
            flat[dotted] = empty[name]
    return flat


def _joined(widths: Iterable[int]) -> str:
    return "-".join(map(str, widths)) or "none"
