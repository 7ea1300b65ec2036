"""Checks how an agent starts on a family: the size of its signals, and the effect of contexts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor

from hyperrl.analysis.minibatch import descriptors_of
from hyperrl.analysis.probe import Probe, run, run_generator, run_plain_generator, weighted_loss
from hyperrl.analysis.variances import VarianceRow, Variances, generator_rows, network_rows
from hyperrl.policies.normalization import normalized_by_themselves
from hyperrl.recipes import CONTEXT, AgentRecipe, BlindPolicyRecipe, Context
from hyperrl.tasks import Family
from hyperrl.tasks.spaces import draw_valid
from hyperrl.tasks.vector import FamilyVectorEnv
from hyperrl.training.build import bare_model, training_descriptors
from hyperrl.training.parameter_matching import match_widths

SEEDS = 16
"""Initializations whose variances are averaged."""

RATIO = (1e-2, 1e2)
"""Sane variances, as parts of the plain network's: a tenth to ten times in size.

Signals that are off by ten in one layer are off by a hundred after two. Chance plays no part: at worst, in a
layer of one output, the ratio of two means of 16 variances has an F distribution with 16 and 16 degrees of
freedom, beyond 100 once in 10^12 times. Published initializations differ by less, or by more where plain
networks are far from saturation: so activations explode only where they are also larger than `LARGE`.
"""

LARGE = 3.0
"""Root mean square of activations from which they are large.

The slope of tanh is 1 % there, and a logit of 3 makes one of two actions twenty times as likely as the other.
"""

LEAST_BETWEEN = 1e-8
"""A context that moves outputs by less than 1e-4 of what tells plain networks apart has no effect.

Rounding in single precision makes 1e-12 or so.
"""

UNIT_SIZE = (0.02, 20.0)
"""Root mean square of the inputs of a generator's activations.

Below, the generator's output is lost beside what all tasks share; above, all but one unit in ten are
saturated, so that weights stay the same between contexts and jump at some.
"""

GENERATOR_GRADIENTS = (1e-4, 1e4)
"""Gradients at a generator's hidden layers: wider, since residual and recurrent ones are no plain layers."""

FIRST_STEP = 1e-3
"""Each parameter's first step, as Adam and RMSprop take it: of one size whatever the gradient's."""

_TASKS = 16
_ROWS = 64
_STEPS = 64


@dataclass(frozen=True)
class Verdict:
    """A network's fault, empty where it starts sanely, and a remark."""

    network: str
    fault: str = ""
    remark: str = ""


@dataclass(frozen=True)
class InitReport:
    """How an agent starts on a family: variances by layer, and a verdict for each network."""

    agent: str
    family: str
    tasks: int
    observations: int
    rows: tuple[VarianceRow, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def fault(self) -> str:
        """The first fault, with its network; empty where all are sane."""
        return next((f"{each.network} {each.fault}" for each in self.verdicts if each.fault), "")


@dataclass(frozen=True)
class ProbeBatch:
    """Observations and contexts that policies are run on.

    Attributes:
        observations: parts (R, ...) of observations without their context.
        descriptors: (T, D), one for each task.
        tasks: the tasks.
    """

    observations: dict[str, NDArray[Any]]
    descriptors: NDArray[np.float32]
    tasks: Sequence[Context] = ()

    @property
    def rows(self) -> int:
        """Number R of observations."""
        return len(next(iter(self.observations.values())))

    def of(self, tasks: int) -> dict[str, NDArray[Any]]:
        """All observations with the first task's context, then with the next one's: (tasks * R, ...)."""
        parts = {name: np.concatenate([part] * tasks) for name, part in self.observations.items()}
        return {**parts, CONTEXT: self.descriptors[:tasks].repeat(self.rows, axis=0)}


def gather(family: Family, seed: int = 0) -> ProbeBatch:
    """Collect observations under random actions, drawn equally from several training tasks.

    Raises:
        UserError: the family's environments cannot be built.
    """
    tasks = family.tasks("train")
    tasks = [tasks[index] for index in np.linspace(0, len(tasks) - 1, min(_TASKS, len(tasks))).astype(int)]
    with closing(family.make_vec(len(tasks), contexts=tasks)) as env:
        env.action_space.seed(seed)
        steps = [deepcopy(env.reset(seed=seed)[0])]
        rng = np.random.default_rng(seed)
        steps += [deepcopy(env.step(_random_actions(env, rng))[0]) for _ in range(_STEPS)]
    rows = np.random.default_rng(seed).permutation(len(steps) * len(tasks))[:_ROWS]
    pooled = {name: np.concatenate([step[name] for step in steps])[rows] for name in steps[0]}
    pooled.pop(CONTEXT)
    return ProbeBatch(pooled, family.space.descriptors(tasks), tasks)


def _random_actions(env: FamilyVectorEnv, rng: np.random.Generator) -> NDArray[Any]:
    """Random actions of all environments; valid ones, drawn by `rng`, where they tell which are."""
    if not env.masked:
        return np.asarray(env.action_space.sample())
    return np.stack([draw_valid(env.single_action_space, mask, rng) for mask in env.action_masks()])


def check_initialization(agent: AgentRecipe, family: Family) -> InitReport:
    """Check how an agent starts on a family.

    Args:
        agent: resolved for the family.
        family: its environments are played.

    Raises:
        UserError: environments that cannot be built, or `match_parameters` that cannot be resolved.
    """
    family = family.for_agent(agent)
    spaces = family.observation_space, family.action_space
    agent = match_widths(agent, family)
    batch, descriptors = gather(family), training_descriptors(agent, family)
    seen = normalized_by_themselves(agent.normalize, spaces[0], batch.observations)
    batch = replace(batch, observations=seen, descriptors=descriptors_of(agent, family, batch.tasks, _TASKS))

    def make(recipe: AgentRecipe, seed: int) -> BasePolicy:
        torch.manual_seed(seed)
        return bare_model(recipe, *spaces, to_learn=False, descriptors=descriptors).policy

    plain: Callable[[int], BasePolicy] | None = None
    sees = agent.policy.kind != "blind"
    if agent.policy.kind == "hyper":
        sees = not {"context", "embedding"}.isdisjoint(agent.policy.hypernetwork.inputs)
    else:
        blind = BlindPolicyRecipe(**agent.policy.common())
        plain = partial(make, agent.model_copy(update={"policy": blind}))
    with torch.random.fork_rng(devices=[]):
        rows, verdicts = assess(partial(make, agent), plain, batch, sees)
    return InitReport(agent.name, family.name, len(batch.descriptors), batch.rows, rows, verdicts)


def assess(
    make: Callable[[int], BasePolicy],
    plain: Callable[[int], BasePolicy] | None,
    batch: ProbeBatch,
    sees_context: bool = True,
) -> tuple[tuple[VarianceRow, ...], tuple[Verdict, ...]]:
    """Measure and assess policies.

    Args:
        make: makes the policy that a seed gives.
        plain: makes the plain one; None where networks are generated, and the plain network is theirs.
        batch: observations and contexts that they are run on.
        sees_context: whether the context should have an effect, where there are several tasks.
    """
    tasks = len(batch.descriptors)
    own, reference = Variances(tasks), Variances(1)
    own_generators, plain_generators = Variances(1), Variances(1)
    for seed in range(SEEDS):
        policy = make(seed)
        probe = _run(policy, batch, tasks)
        own.add(probe.networks)
        reference.add(_run(policy if plain is None else plain(seed), batch, 1, plain is None).networks)
        for name, (hyper, inputs) in probe.generators.items():
            signals = run_generator(hyper, inputs)
            widths = [values.shape[1] for values, _ in signals.values()]
            own_generators.add(signals, f"{name}.")
            plain_generators.add(run_plain_generator(hyper, inputs, widths), f"{name}.")
    rows = [*network_rows(own, reference), *generator_rows(own_generators, plain_generators)]
    generated = {layer.partition(".")[0] for layer in probe.generated or probe.networks}
    varying = generated if sees_context and tasks > 1 else set()
    all_vary = all(_varies(_last(rows, network)) for network in varying)
    late = set() if all_vary else _varying_after_a_step(policy, batch, reference)
    networks = dict.fromkeys([row.network for row in rows])
    return tuple(rows), tuple(_verdict(name, rows, name in varying, name in late) for name in networks)


def _run(policy: BasePolicy, batch: ProbeBatch, tasks: int, plain: bool = False) -> Probe:
    def draw(outputs: int) -> Tensor:
        generator = torch.Generator().manual_seed(outputs)
        return torch.randn(batch.rows, outputs, generator=generator).repeat(tasks, 1)

    return run(policy, policy.obs_to_tensor(batch.of(tasks))[0], draw, plain)


def _last(rows: Iterable[VarianceRow], network: str) -> VarianceRow:
    return [row for row in rows if row.network == network][-1]


def _varies(row: VarianceRow) -> bool:
    return row.between is None or row.between >= LEAST_BETWEEN


def _varying_after_a_step(policy: BasePolicy, batch: ProbeBatch, plain: Variances) -> set[str]:
    """The networks on whose outputs the context has an effect after a first step of learning.

    The step follows the gradient of a sum that weights each task's outputs differently.
    """
    policy, tasks = deepcopy(policy), len(batch.descriptors)
    observation = policy.obs_to_tensor(batch.of(tasks))[0]
    loss = weighted_loss(policy, observation, lambda outputs: torch.randn(tasks * batch.rows, outputs))
    loss.backward()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for parameter in policy.parameters():
            if parameter.grad is not None:
                parameter.sub_(FIRST_STEP * parameter.grad.sign())
    stepped = Variances(tasks)
    stepped.add(_run(policy, batch, tasks).networks)
    rows = list(network_rows(stepped, plain))
    return {row.network for row in rows if _varies(_last(rows, row.network))}


def _verdict(network: str, rows: Sequence[VarianceRow], should_vary: bool, late: bool) -> Verdict:
    layers = [row for row in rows if row.network == network]
    find_fault = _generator_fault if network.endswith("generator") else _fault
    for row in layers:
        if fault := find_fault(row):
            return Verdict(network, f"layer {row.layer} {fault}")
    if not should_vary or _varies(layers[-1]):
        return Verdict(network)
    if late:
        return Verdict(network, remark="the context has no effect yet, and has one after the first step")
    return Verdict(
        network,
        f"layer {layers[-1].layer}: context without effect, nor does it get any by a first step of learning",
    )


def _fault(row: VarianceRow) -> str:
    """What is wrong with a layer of an actor or a critic; "" where it is sane."""
    low, high = RATIO
    most = high if not row.size <= LARGE else inf
    for what, value, bounds in (
        ("activations within tasks", row.within, (low, most)),
        ("activations between tasks", row.between, (0.0, most)),
        ("gradients within tasks", row.gradients_within, (low, high)),
        ("gradients between tasks", row.gradients_between, (0.0, high)),
    ):
        if fault := _outside(value, bounds, f"{what} vary {{}} times as much as a plain network's"):
            return fault
    return ""


def _generator_fault(row: VarianceRow) -> str:
    """What is wrong with a hidden layer of a generator."""
    return _outside(row.size, UNIT_SIZE, "what enters its activations has size {}") or _outside(
        row.gradients_between, GENERATOR_GRADIENTS, "gradients vary {} times as much as a plain network's"
    )


def _outside(value: float | None, bounds: tuple[float, float], words: str) -> str:
    """What is wrong with a value that is not between the bounds; "" where it is, or where there is none."""
    least, most = bounds
    if value is None or least <= value <= most:
        return ""
    kind, bound = ("vanishes", f"at least {least:g}") if value < least else ("explodes", f"at most {most:g}")
    return f"{kind}: {words.format(f'{value:.3g}')} ({bound} is sane)"
