"""What `hyperrl specialize` and `hyperrl export` do with an agent."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl.deploy import compress, files
from hyperrl.deploy.extract import in_base_terms
from hyperrl.deploy.extract import specialist as read_specialist
from hyperrl.deploy.numpy_runtime import NumpyRuntime
from hyperrl.deploy.plan import Specialist
from hyperrl.deploy.request import Format, SpecialistRequest
from hyperrl.evaluation import act_of, evaluate_tasks
from hyperrl.evaluation.agent import Agent
from hyperrl.evaluation.progress import Progress
from hyperrl.policies.registry import view
from hyperrl.recipes import CONTEXT
from hyperrl.store import atomic_write, report_write_errors
from hyperrl.tasks import Family

CALLS = 300


@dataclass(frozen=True)
class Cost:
    """What something that acts takes.

    Attributes:
        bytes: of its parameters, or of its file.
        parameters: their number, those that are zero left out.
        microseconds: median time of one action.
    """

    bytes: int
    parameters: int
    microseconds: float


@dataclass(frozen=True)
class Written:
    """A specialist's file, and what it costs beside the agent that it comes from.

    Attributes:
        file: where it lies.
        format: of the file.
        context: the task, complete.
        outside: training ranges of the features that lie outside theirs; with any, it is extrapolation.
        unlisted: the `values` of features that have some, and whose value here is none of them.
        specialist: what acts there.
        cost: of the file.
        generalist: of the agent's acting networks, hypernetwork included, with its weights kept.
        episodes: that returns are means over.
        returns: mean return on the task before and after it was made smaller; None where it was not.
    """

    file: Path
    format: Format
    context: dict[str, float]
    outside: dict[str, tuple[float, float]]
    unlisted: dict[str, tuple[float, ...]]
    specialist: Specialist
    cost: Cost
    generalist: Cost
    episodes: int
    returns: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        """What `hyperrl specialize --json` prints."""
        kept = None
        if self.returns is not None:
            kept = {"episodes": self.episodes, "before": self.returns[0], "after": self.returns[1]}
        return {
            "file": str(self.file),
            "format": self.format,
            "agent": self.specialist.plan.agent,
            "family": self.specialist.plan.family,
            "context": self.context,
            "outside": self.outside,
            "unlisted": self.unlisted,
            **vars(self.cost),
            "generalist": vars(self.generalist),
            "return": kept,
        }


def specialize(agent: Agent, asked: SpecialistRequest, progress: Progress | None = None) -> Written:
    """Write the specialist that is asked for.

    Args:
        agent: whose.
        asked: what.
        progress: told of the episodes that show what return is kept, where it is made smaller.

    Raises:
        UserError: an agent whose weights are not a task's alone, layers that the format cannot hold, a
            budget that is too small, or a file that cannot be written.
    """
    family, model = agent.family, agent.model
    full = read_specialist(model, agent.run.spec.agent.name, family, asked.context)
    chosen = full if asked.budget is None else compress.pruned(full, asked.budget)
    chosen = compress.quantized(chosen) if asked.quantize else chosen
    written = in_base_terms(chosen, family.adapter)
    data, act = _made(asked.format, written, model, family)
    episodes = family.recipe.evaluation.episodes
    returns = None if chosen is full else _returns((full, chosen), family, episodes, progress)
    write_new(asked.path, data)
    return Written(
        file=asked.path,
        format=asked.format,
        context=dict(asked.context),
        outside=asked.context.outside,
        unlisted=asked.context.unlisted,
        specialist=written,
        cost=Cost(len(data), chosen.parameters, _latency(act, _sample(family, full, context=False))),
        generalist=_own_cost(model, _sample(family, full, context=True)),
        episodes=episodes,
        returns=returns,
    )


def export(agent: Agent, path: Path) -> Path:
    """Write the generalist to a new file; UserError where it cannot be written."""
    from hyperrl.deploy.generalist import onnx_bytes

    write_new(path, onnx_bytes(agent.model, agent.run.spec.agent.name, agent.family))
    return path


def write_new(path: Path, data: bytes) -> None:
    """Write a file, atomically, and make its folders; UserError where it cannot be written."""
    with report_write_errors("out", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, data)


def _made(
    kind: Format, chosen: Specialist, model: BaseAlgorithm, family: Family
) -> tuple[bytes, Callable[[Any], Any]]:
    """A file's bytes, and what acts by them."""
    if kind == "torch":
        data = files.tensors(chosen)
        return data, NumpyRuntime(files.read_tensors(data, "made"))
    if kind == "onnx":
        from hyperrl.deploy.onnx_runtime import OnnxRuntime, onnx_bytes

        data = onnx_bytes(chosen)
        return data, OnnxRuntime(data, "made")
    from hyperrl.deploy.sb3 import plain_model, zip_bytes

    plain = plain_model(chosen, model, family)
    return zip_bytes(plain), lambda seen: plain.predict(seen, deterministic=True)


def _returns(
    specialists: tuple[Specialist, Specialist], family: Family, episodes: int, progress: Progress | None
) -> tuple[float, float]:
    """Mean returns on the task, from the same starts."""
    first, second = (
        evaluate_tasks(NumpyRuntime(each), family, [each.plan.context], episodes=episodes, progress=progress)[
            0
        ].mean
        for each in specialists
    )
    return first, second


def _sample(family: Family, specialist: Specialist, context: bool) -> Any:
    """An observation for the agent, with a batch axis and the task's descriptor, or as the base gives it."""
    import gymnasium as gym

    space = family.observation_space
    assert isinstance(space, gym.spaces.Dict)
    space.seed(0)
    seen = {part.name: space[part.name].sample() for part in specialist.plan.inputs}
    if not context:
        seen = {name: part + family.adapter.starts.get(name, 0) for name, part in seen.items()}
        return next(iter(seen.values())) if len(seen) == 1 else seen
    descriptor = family.space.descriptors([specialist.plan.context])
    return {**{name: np.asarray(part)[None] for name, part in seen.items()}, CONTEXT: descriptor}


def _own_cost(model: BaseAlgorithm, observation: Any) -> Cost:
    """Of the agent itself, whose weights are kept from action to action."""
    parameters = list(view(model).acting.parameters())
    return Cost(
        bytes=sum(each.numel() * each.element_size() for each in parameters),
        parameters=sum(each.numel() for each in parameters),
        microseconds=_latency(act_of(model), observation),
    )


def _latency(act: Callable[[Any], Any], observation: Any) -> float:
    """Median microseconds of a call."""
    times = []
    for number in range(CALLS + CALLS // 10):
        start = perf_counter()
        act(observation)
        if number >= CALLS // 10:
            times.append(perf_counter() - start)
    return statistics.median(times) * 1e6
