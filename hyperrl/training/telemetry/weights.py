"""Logs the generated weights: their size, how they differ between tasks, and a map of them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl.evaluation.plan import spread_out
from hyperrl.policies.registry import view
from hyperrl.tasks import Family
from hyperrl.tasks.contexts import assignment
from hyperrl.training.isolation import preserve_training_state
from hyperrl.training.telemetry.output import Publisher, writer_of
from hyperrl.training.telemetry.training_tasks import MOST_TASKS
from hyperrl.training.telemetry.zero_shot import AfterEvaluation, ZeroShot

MOST_POINTS = 256
EMBEDDING = "generated_weights"


def generates(model: BaseAlgorithm) -> bool:
    """Whether the policy's weights are generated from the context, and from nothing else."""
    hyper = view(model).hyper
    return hyper is not None and not hyper.dynamic


def generate(
    model: BaseAlgorithm, family: Family, contexts: Sequence[Mapping[str, float]]
) -> dict[str, torch.Tensor]:
    """Generate the weights of each context's actor and critic, `(tasks, *shape)` by layer, on the CPU."""
    descriptors = torch.from_numpy(family.space.descriptors(contexts)).to(model.device)
    with preserve_training_state(model), torch.no_grad():
        weights = model.policy.generated_weights(descriptors)  # type: ignore[operator]
    return {name: tensor.detach().cpu() for name, tensor in weights.items()}


def statistics(weights: torch.Tensor) -> tuple[float, float]:
    """Norm and spread of one layer's weights `(tasks, *shape)`.

    Returns:
        Mean over tasks of the Euclidean norm; root mean square deviation from the tasks' mean, entry by
        entry, over the root mean square of the entries (0: all tasks have the same weights; 0 too where all
        are zero).
    """
    flat = weights.reshape(len(weights), -1).double()
    size = flat.square().mean().sqrt()
    deviation = (flat - flat.mean(0)).square().mean().sqrt()
    return float(flat.norm(dim=1).mean()), float(deviation / size) if size > 0 else 0.0


def coordinates(weights: Sequence[torch.Tensor]) -> torch.Tensor:
    """Points `(N, N)` with the distances and angles of N tasks' weights, given by layer as `(N, *shape)`.

    N vectors span at most N directions: turning them into these (the singular value decomposition of the
    matrix of weights, through its Gram matrix) keeps distances and angles, and the table small at any size of
    network.
    """
    count = len(weights[0])
    gram = torch.zeros(count, count, dtype=torch.float64)
    for layer in weights:
        flat = layer.reshape(count, -1).double()
        gram += flat @ flat.T
    values, vectors = torch.linalg.eigh(gram)
    points: torch.Tensor = vectors * values.clamp(min=0).sqrt()
    return points.flip(1).float()


class GeneratedWeights(AfterEvaluation):
    """Writes `weights/<layer>/norm` and `weights/<layer>/spread` over the training tasks (32 at most)."""

    def __init__(self, zero_shot: ZeroShot, publisher: Publisher):
        super().__init__(zero_shot)
        self._publisher = publisher
        self._tasks = spread_out(zero_shot.family.tasks("train"), MOST_TASKS)

    def _on_evaluation(self, last: bool) -> None:
        if not generates(self.model):
            return
        for name, weights in generate(self.model, self.zero_shot.family, self._tasks).items():
            norm, spread = statistics(weights)
            self._publisher.put({f"weights/{name}/norm": norm, f"weights/{name}/spread": spread})


class Projector(AfterEvaluation):
    """Writes the generated weights of the training tasks for TensorBoard's projector at the end of training.

    Each task that the last evaluation played is a point, with its context and its return; of more than 256
    tasks, 256 evenly spaced ones are written.
    """

    def _on_evaluation(self, last: bool) -> None:
        writer = writer_of(self.logger)
        if not last or writer is None or not generates(self.model):
            return
        results = spread_out(self.zero_shot.results["train"], MOST_POINTS)
        weights = generate(self.model, self.zero_shot.family, [result.context for result in results])
        _remove_tables(Path(writer.get_logdir()))  # type: ignore[no-untyped-call]
        # A single column would have to come without header; with two or more it must have one.
        writer.add_embedding(
            coordinates(list(weights.values())),
            metadata=[
                [assignment(result.context), *result.context.values(), result.mean] for result in results
            ],
            metadata_header=["task", *results[0].context, "return"],
            global_step=self.zero_shot.steps,
            tag=EMBEDDING,
        )


def _remove_tables(log_dir: Path) -> None:
    """Remove the tables of an earlier end of training, which the projector's index no longer names."""
    for table in log_dir.glob(f"[0-9]*/{EMBEDDING}/tensors.tsv"):
        shutil.rmtree(table.parent)
        if not any(table.parent.parent.iterdir()):
            table.parent.parent.rmdir()
