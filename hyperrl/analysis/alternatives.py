"""Compares the cost of an agent on a family with what other strategies and baselines would cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from math import ceil
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl.analysis.cost import Cost, measure
from hyperrl.analysis.minibatch import MinibatchShape, descriptors_of
from hyperrl.config import STRATEGY_OPTIONS, HypernetworkConfig
from hyperrl.errors import UserError
from hyperrl.policies.registry import view
from hyperrl.recipes import AgentRecipe, ConcatPolicyRecipe, HyperPolicyRecipe
from hyperrl.recipes.policy import Policy
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model, training_descriptors
from hyperrl.training.compiler import without_compiler
from hyperrl.training.parameter_matching import match_widths

RANKS = (1, 4, 8, 16)
"""Ranks of the low-rank strategy that are compared."""


@dataclass(frozen=True)
class Alternative:
    """A strategy or a baseline, with the agent's other fields.

    Attributes:
        name: "low-rank, rank 8", "full", "concat".
        own: whether it is the agent's own.
        cost: what it costs; None where it does not fit the agent's other fields.
        why_not: the error then.
    """

    name: str
    own: bool
    cost: Cost | None
    why_not: str = ""


@dataclass(frozen=True)
class Comparison:
    """An agent's cost on a family, and that of its alternatives.

    Attributes:
        agent: the agent's name.
        family: the family's name.
        rows: transitions in a minibatch.
        tasks: distinct tasks among them.
        alternatives: the agent itself and the others, in the order of `STRATEGY_OPTIONS`, concat last.
    """

    agent: str
    family: str
    rows: int
    tasks: int
    alternatives: tuple[Alternative, ...]

    @property
    def own(self) -> Cost:
        """The agent's cost."""
        return next(each.cost for each in self.alternatives if each.own and each.cost is not None)

    def to_json(self) -> dict[str, Any]:
        """As `hyperrl describe AGENT FAMILY --json` prints it."""
        return {
            "agent": self.agent,
            "family": self.family,
            "minibatch": {"rows": self.rows, "tasks": self.tasks},
            "choice": next(each.name for each in self.alternatives if each.own),
            **_numbers(self.own),
            "choices": [
                {"choice": each.name, "own": each.own}
                | ({"why_not": each.why_not} if each.cost is None else _numbers(each.cost))
                for each in self.alternatives
            ],
        }


def compare(agent: AgentRecipe, family: Family) -> Comparison:
    """Measure the cost of an agent and of its alternatives.

    A minibatch's rows are spread over as many training tasks as a rollout has episodes of full length, as the
    cost of generating weights depends on the number of tasks. Replayed experience is of all tasks.

    Args:
        agent: resolved for the family.
        family: needs to build one environment, for its spaces.

    Raises:
        UserError: the environment cannot be built, or `match_parameters` cannot be resolved.
    """
    family = family.for_agent(agent)
    spaces = family.observation_space, family.action_space
    with without_compiler():
        agent = match_widths(agent, family)
    tasks, descriptors = family.tasks("train"), training_descriptors(agent, family)

    def make(recipe: AgentRecipe) -> BaseAlgorithm:
        return bare_model(recipe, *spaces, descriptors=descriptors)

    with torch.random.fork_rng(devices=[]), without_compiler():
        model = make(agent)
        episodes, algorithm = len(tasks), view(model)
        if not algorithm.off_policy:
            n_steps = algorithm.rollout_steps // agent.n_envs
            episodes = agent.n_envs * ceil(n_steps / (family.max_steps or n_steps))
        rows = algorithm.minibatches.rows
        shape = MinibatchShape.of(model, descriptors_of(agent, family, tasks[:episodes], rows))
        alternatives = tuple(
            _measure(name, own, partial(make, variant), shape) for name, own, variant in _variants(agent)
        )
    return Comparison(agent.name, family.name, shape.rows, len(shape.descriptors), alternatives)


def _numbers(cost: Cost) -> dict[str, Any]:
    return {**asdict(cost), "parameters": {"total": cost.parameters.total, **asdict(cost.parameters)}}


def _variants(agent: AgentRecipe) -> Iterator[tuple[str, bool, AgentRecipe]]:
    """Yields name, whether it is the agent's own, and the recipe."""
    policy = agent.policy
    seen: dict[str, Any] = {"inference": agent.inference}
    if policy.kind == "hyper":
        generated = policy
    else:
        common = policy.common() | {"shared_lstm": None, "enable_critic_lstm": None}
        hypernetwork = HypernetworkConfig(**agent.algorithm.hypernetwork)
        generated = HyperPolicyRecipe(**common, **seen, hypernetwork=hypernetwork)
    own = generated.hypernetwork
    for strategy, options in STRATEGY_OPTIONS.items():
        for rank in sorted({*RANKS, own.rank}) if strategy == "low-rank" else [own.rank]:
            is_own = generated is policy and (strategy, rank) == (own.strategy, own.rank)
            name = f"{strategy}, rank {rank}" if "rank" in options else strategy
            changed = {"hypernetwork": own.with_strategy(strategy, rank)}
            yield name, is_own, _with(agent, generated.model_copy(update=changed))
    if policy.kind == "blind":
        yield "blind", True, agent
    concat = policy if policy.kind == "concat" else ConcatPolicyRecipe(**policy.common(), **seen)
    yield "concat", concat is policy, _with(agent, concat)


def _with(agent: AgentRecipe, policy: Policy) -> AgentRecipe:
    return agent.model_copy(update={"policy": policy})


def _measure(name: str, own: bool, make: Callable[[], BaseAlgorithm], shape: MinibatchShape) -> Alternative:
    try:
        return Alternative(name, own, measure(make, shape))
    except (UserError, ValueError, AssertionError) as error:
        if own:
            raise
        return Alternative(name, own, None, str(error))
