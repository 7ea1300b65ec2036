"""The cost of an agent on a family, beside that of what could be generated instead, all else equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from math import ceil
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl.analysis.cost import Cost, measure
from hyperrl.analysis.minibatch import MinibatchShape
from hyperrl.errors import UserError
from hyperrl.nets import STRATEGIES
from hyperrl.nets.strategies import options_of
from hyperrl.policies.registry import view
from hyperrl.recipes import AgentRecipe, ConcatPolicyRecipe, Hypernetwork, HyperPolicyRecipe
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model, training_descriptors
from hyperrl.training.parameter_matching import match_widths

RANKS = (1, 4, 8, 16)
"""Ranks of the low-rank strategy that are compared."""


@dataclass(frozen=True)
class Choice:
    """One choice of what is generated.

    Attributes:
        name: "low-rank, rank 8", "full", "concat".
        own: whether it is the agent's.
        cost: what it costs; None where it does not go with the agent's other fields.
        why_not: what the networks say then.
    """

    name: str
    own: bool
    cost: Cost | None
    why_not: str = ""


@dataclass(frozen=True)
class Comparison:
    """An agent's cost on a family, and what it is compared with.

    Attributes:
        agent: the agent's name.
        family: the family's name.
        rows: transitions in a minibatch.
        tasks: distinct tasks among them.
        choices: the agent's own choice and the others, in the order of `STRATEGIES`, concat last.
    """

    agent: str
    family: str
    rows: int
    tasks: int
    choices: tuple[Choice, ...]

    @property
    def own(self) -> Cost:
        """The agent's cost."""
        return next(choice.cost for choice in self.choices if choice.own and choice.cost is not None)

    def to_json(self) -> dict[str, Any]:
        """As `hyperrl describe AGENT FAMILY --json` prints it."""
        own = next(choice.name for choice in self.choices if choice.own)
        return {
            "agent": self.agent,
            "family": self.family,
            "minibatch": {"rows": self.rows, "tasks": self.tasks},
            "choice": own,
            **_numbers(self.own),
            "choices": [
                {"choice": each.name, "own": each.own}
                | ({"why_not": each.why_not} if each.cost is None else _numbers(each.cost))
                for each in self.choices
            ],
        }


def compare(agent: AgentRecipe, family: Family) -> Comparison:
    """Measure the cost of an agent and of its alternatives.

    A minibatch's rows are spread over as many training tasks as a rollout has episodes, if every episode runs
    to its limit: where weights are formed, their number is part of the cost. Replayed experience is of all
    tasks.

    Args:
        agent: resolved for the family.
        family: needs to build one environment, for its spaces.

    Raises:
        UserError: the environment cannot be built, or `match_parameters` cannot be resolved.
    """
    seen, done = family.observation_space, family.action_space
    agent = match_widths(agent, seen, done)
    tasks = family.tasks("train")
    embedded = training_descriptors(agent, family)
    make = partial(bare_model, observation_space=seen, action_space=done, descriptors=embedded)
    with torch.random.fork_rng(devices=[]):
        asked = view(model := make(agent))
        episodes = len(tasks)
        if not asked.off_policy:
            n_steps = asked.rollout_steps // agent.n_envs
            episodes = agent.n_envs * ceil(n_steps / (family.max_steps or n_steps))
        load = MinibatchShape.of(model, family.space.descriptors(tasks[:episodes]))
        choices = tuple(
            _measured(name, own, partial(make, variant, hypernetwork=changes), load)
            for name, own, variant, changes in _variants(agent)
        )
    return Comparison(agent.name, family.name, load.rows, len(load.descriptors), choices)


def _numbers(cost: Cost) -> dict[str, Any]:
    return {**asdict(cost), "parameters": {"total": cost.parameters.total, **asdict(cost.parameters)}}


def _variants(agent: AgentRecipe) -> Iterator[tuple[str, bool, AgentRecipe, Mapping[str, Any]]]:
    """Name, whether it is the agent's own, the recipe, and what differs in its hypernetwork's arguments."""
    policy = agent.policy
    equal = policy.common()
    generated = policy if policy.kind == "hyper" else _generated(agent)
    own = (generated.hypernetwork.strategy, generated.hypernetwork.rank)
    hyper = agent.model_copy(update={"policy": generated})
    for strategy in STRATEGIES:
        ranks = sorted({*RANKS, own[1]}) if strategy == "low-rank" else [own[1]]
        for rank in ranks:
            is_own = generated is policy and (strategy, rank) == own
            yield (
                f"{strategy}, rank {rank}" if "rank" in options_of(strategy) else strategy,
                is_own,
                hyper,
                {} if is_own else {"strategy": strategy, "rank": rank},
            )
    if policy.kind == "blind":
        yield "blind", True, agent, {}
    concat = policy if policy.kind == "concat" else ConcatPolicyRecipe(**equal)
    yield "concat", concat is policy, agent.model_copy(update={"policy": concat}), {}


def _generated(agent: AgentRecipe) -> HyperPolicyRecipe:
    """What a baseline is compared with."""
    common = agent.policy.common() | {"shared_lstm": None, "enable_critic_lstm": None}
    return HyperPolicyRecipe(**common, hypernetwork=Hypernetwork(**agent.algorithm.hypernetwork))


def _measured(name: str, own: bool, make: Callable[[], BaseAlgorithm], load: MinibatchShape) -> Choice:
    try:
        return Choice(name, own, measure(make, load))
    except (UserError, ValueError, AssertionError) as error:
        if own:
            raise
        return Choice(name, own, None, str(error))
