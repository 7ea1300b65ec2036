"""Writes specialists and generalists to files: `hyperrl specialize` and `hyperrl export`."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl.deploy import compress, files
from hyperrl.deploy.cards.usage import wrapping_lines
from hyperrl.deploy.extract import extract_specialist, in_base_terms
from hyperrl.deploy.numpy_runtime import NumpyRuntime
from hyperrl.deploy.plan import Flag, Specialist
from hyperrl.deploy.request import SpecialistRequest
from hyperrl.evaluation import ModelPolicy, TaskResult, evaluate_tasks
from hyperrl.evaluation.agent import Agent
from hyperrl.evaluation.context_flag import flag_context, flag_rule
from hyperrl.evaluation.networks import networks_of
from hyperrl.evaluation.progress import Progress
from hyperrl.policies.registry import view
from hyperrl.recipes import CONTEXT, Context
from hyperrl.recipes.environment import EnvironmentOptions
from hyperrl.store import atomic_write, report_write_errors
from hyperrl.tasks import Family

CALLS = 300


@dataclass(frozen=True)
class Cost:
    """The cost of acting.

    Attributes:
        bytes: size of the file, or of the parameters.
        parameters: how many of them are not zero.
        microseconds: median time of one action.
    """

    bytes: int
    parameters: int
    microseconds: float


@dataclass(frozen=True)
class Written:
    """A specialist's file, and what it costs beside the agent that it comes from.

    Attributes:
        file: the path.
        statistics: the file beside it for `VecNormalize.load`, where a model of Stable-Baselines3 needs
            normalized observations, or learned from normalized rewards; else None.
        format: `torch`, `onnx` or `sb3`.
        context: the task, complete.
        specialist: the plain network.
        cost: that of the file.
        generalist: the cost of the agent's acting networks, hypernetwork included, its weights cached.
        episodes: how many the returns are means over.
        played: results on the task before and after pruning and quantizing; None without either.
        options: the wrappers and the frame stack, on top of which the specialist expects to act.
        budget: share of the parameters that it was pruned to; None: all.
        quantized: whether its weights have eight bits.
        algorithm: the class that loads a model of Stable-Baselines3; None of other formats.
        card: the model card that says what the file is, once there is one.
    """

    file: Path
    statistics: Path | None
    format: str
    context: Context
    specialist: Specialist
    cost: Cost
    generalist: Cost
    episodes: int
    played: tuple[TaskResult, TaskResult] | None
    options: EnvironmentOptions
    budget: float | None = None
    quantized: bool = False
    algorithm: type[BaseAlgorithm] | None = None
    card: Path | None = None

    @property
    def returns(self) -> tuple[float, float] | None:
        """Mean return on the task before and after pruning and quantizing; None without either."""
        return None if self.played is None else (self.played[0].mean, self.played[1].mean)

    @property
    def wrapping(self) -> list[str]:
        """The lines that wrap an environment for a model of Stable-Baselines3, the innermost first."""
        if self.format != "sb3":
            return []
        statistics = None if self.statistics is None else str(self.statistics)
        return [*wrapping_lines(self.options, len(self.specialist.plan.inputs), statistics)]

    def to_json(self) -> dict[str, Any]:
        """What `hyperrl specialize --json` prints."""
        plan, returns = self.specialist.plan, None
        if self.returns is not None:
            returns = {"episodes": self.episodes, "before": self.returns[0], "after": self.returns[1]}
        return {
            "file": str(self.file),
            "statistics": None if self.statistics is None else str(self.statistics),
            "card": None if self.card is None else str(self.card),
            "format": self.format,
            "agent": plan.agent,
            "family": plan.family,
            "context": dict(self.context),
            "outside": self.context.outside,
            "unlisted": self.context.unlisted,
            "flag": None if plan.flag is None else plan.flag.model_dump(mode="json"),
            **vars(self.cost),
            "generalist": vars(self.generalist),
            "return": returns,
        }


def specialize(agent: Agent, request: SpecialistRequest, progress: Progress | None = None) -> Written:
    """Write a specialist to its file.

    Args:
        agent: the trained agent.
        request: which specialist, and where to.
        progress: told of the episodes that measure the return of a smaller specialist.

    Raises:
        UserError: an agent whose weights depend on more than the task, layers that the format cannot hold, a
            budget that is too small, or a file that cannot be written.
    """
    family, model = agent.family, agent.model
    full = extract_specialist(model, agent.run.spec.agent.name, family, request.context)
    small = full if request.budget is None else compress.prune(full, request.budget)
    small = compress.quantize(small) if request.quantize else small
    specialist = in_base_terms(small, family.adapter)
    if request.flag:
        plan = specialist.plan.model_copy(update={"flag": task_flag(agent, request.context)})
        specialist = replace(specialist, plan=plan)
    encoded = _encode(request.format, specialist, model, family)
    episodes, played = family.recipe.evaluation.episodes, None
    if small is not full:
        before, after = (
            evaluate_tasks(
                NumpyRuntime(each), family, [each.plan.context], episodes=episodes, progress=progress
            )[0]
            for each in (full, small)
        )
        played = before, after
    write_new(request.path, encoded.data)
    if request.statistics is not None:
        write_new(request.statistics, encoded.statistics)
    base_sample, sample = _samples(family, full)
    return Written(
        file=request.path,
        statistics=request.statistics,
        format=request.format,
        context=request.context,
        specialist=specialist,
        cost=Cost(len(encoded.data), small.parameters, _latency(encoded.act, base_sample)),
        generalist=_generalist_cost(model, sample),
        episodes=episodes,
        played=played,
        options=family.options,
        budget=request.budget,
        quantized=request.quantize,
        algorithm=encoded.algorithm,
    )


def task_flag(agent: Agent, context: Context) -> Flag:
    """Whether a task is far from an agent's training, by its networks too where it has several."""
    family, policy, networks = agent.family, None, None
    if view(agent.model).index is not None and not agent.run.spec.agent.remembers:
        policy, networks = ModelPolicy(agent.model), networks_of([agent])
    rule = flag_rule(family, policy, networks)
    found = flag_context(rule, family, context, policy, networks)
    return Flag(**found.to_json(), reasons=tuple(found.reasons))


def export(agent: Agent, path: Path, *, flag: bool = False) -> Path:
    """Write the generalist to a new file; UserError where it cannot be written.

    Args:
        agent: the agent.
        path: the file.
        flag: a second output, `far`, tells which contexts are far from training.
    """
    from hyperrl.deploy.generalist import onnx_bytes

    rule = flag_rule(agent.family) if flag else None
    write_new(path, onnx_bytes(agent.model, agent.run.spec.agent.name, agent.family, rule))
    return path


def acting_parameters(model: BaseAlgorithm) -> int:
    """How many parameters act, those of a hypernetwork included."""
    return sum(each.numel() for each in view(model).acting.parameters())


def write_new(path: Path, data: bytes) -> None:
    """Write a file, atomically, and make its folders; UserError where it cannot be written."""
    with report_write_errors("out", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, data)


@dataclass(frozen=True)
class _Encoded:
    """The bytes of a specialist's file, the function that acts by them, and the bytes of its statistics."""

    data: bytes
    act: Callable[[Any], Any]
    statistics: bytes = b""
    algorithm: type[BaseAlgorithm] | None = None


def _encode(format: str, specialist: Specialist, model: BaseAlgorithm, family: Family) -> _Encoded:
    if format == "torch":
        return _Encoded(files.safetensors_bytes(specialist), NumpyRuntime(specialist))
    if format == "onnx":
        from hyperrl.deploy.onnx_runtime import OnnxRuntime, onnx_bytes

        data = onnx_bytes(specialist)
        return _Encoded(data, OnnxRuntime(data, str(specialist.plan.family)))
    from hyperrl.deploy.sb3 import plain_model, vec_normalize, zip_bytes

    plain, normalization = plain_model(specialist, model, family), view(model).normalization
    if normalization is None:
        act = partial(plain.predict, deterministic=True)
        return _Encoded(zip_bytes(plain), act, algorithm=type(plain))
    wrapper = vec_normalize(normalization, plain, family)

    def act_normalized(observation: Any) -> Any:
        return plain.predict(wrapper.normalize_obs(observation), deterministic=True)

    return _Encoded(zip_bytes(plain), act_normalized, pickle.dumps(wrapper), type(plain))


def _samples(family: Family, specialist: Specialist) -> tuple[Any, dict[str, Any]]:
    """One observation, as the base environment gives it, and as a batch with the task for the agent."""
    space: Any = family.observation_space
    space.seed(0)
    parts = {part.name: space[part.name].sample() for part in specialist.plan.inputs}
    based = {name: part + family.adapter.starts.get(name, 0) for name, part in parts.items()}
    batch = {name: np.asarray(part)[None] for name, part in parts.items()}
    batch[CONTEXT] = family.space.descriptors([specialist.plan.context])
    return next(iter(based.values())) if len(based) == 1 else based, batch


def _generalist_cost(model: BaseAlgorithm, observation: dict[str, Any]) -> Cost:
    """Cost of the agent itself, whose generated weights are cached between actions."""
    parameters = list(view(model).acting.parameters())
    return Cost(
        bytes=sum(each.numel() * each.element_size() for each in parameters),
        parameters=acting_parameters(model),
        microseconds=_latency(ModelPolicy(model), observation),
    )


def _latency(act: Callable[[Any], Any], observation: Any) -> float:
    """Median microseconds of a call, after some that do not count."""
    times = []
    for _ in range(CALLS + CALLS // 10):
        start = perf_counter()
        act(observation)
        times.append(perf_counter() - start)
    return median(times[CALLS // 10 :]) * 1e6
