"""Distills what teachers do into one agent, by imitation and by temporal differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import polyak_update, set_random_seed
from torch import Tensor

from hyperrl.errors import DivergenceError, UserError
from hyperrl.evaluation.demonstrations import Demonstrations
from hyperrl.evaluation.progress import Progress, Ticker
from hyperrl.policies.registry import view
from hyperrl.policies.view import Imitated
from hyperrl.recipes import CONTEXT, AgentRecipe
from hyperrl.store import Run, RunSpec, refuse_existing
from hyperrl.store.spec import Distilled
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model, training_descriptors
from hyperrl.training.checkpoint import learned, save_state
from hyperrl.training.early_ends import explain_early_end
from hyperrl.training.hyperparameters import hyperparameters_of
from hyperrl.training.parameter_matching import match_widths
from hyperrl.training.session import evaluate_best
from hyperrl.training.writers import run_logger

LOGS = 50
"""How often losses are logged."""


def refuse_student(agent: AgentRecipe) -> None:
    """Raise a UserError where an agent cannot learn by imitation."""
    algorithm = agent.algorithm
    if not algorithm.distills:
        raise UserError(
            f"agent {agent.name!r}: algorithm.name: found {algorithm.name}; allowed of a student: a2c, ppo,"
            " sac, td3"
        )
    for path, found in (("policy.inference", agent.inference), ("normalize", agent.normalize.active or None)):
        if found is not None:
            raise UserError(f"agent {agent.name!r}: {path}: found some; allowed of a student: none")
    if algorithm.explores_by_sde:
        raise UserError(f"agent {agent.name!r}: algorithm.use_sde: found true; allowed of a student: false")


def distill(
    agent: AgentRecipe,
    family: Family,
    demonstrations: Demonstrations,
    origin: Distilled,
    *,
    out: Path,
    seed: int = 0,
    device: str = "cpu",
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> Run:
    """Train an agent on what teachers did, and make a run of it.

    The actor learns to do what the teachers do most likely, as HyperZero does (Rezaei-Shoshtari et al.,
    "Hypernetworks for Zero-shot Transfer in Reinforcement Learning", AAAI 2023): the mean squared error of
    actions, or the cross entropy of choices. The critic learns by temporal differences on their transitions,
    under the actor that is learned, and not from the teachers' critics.

    Args:
        agent: the student, resolved for the family.
        family: all tasks.
        demonstrations: transitions of the teachers.
        origin: where they come from, for the record, and the number of updates.
        out: the run's directory, which is created.
        seed: of the weights and the minibatches.
        device: as in `hyperrl.training.train`.
        overrides: what `agent` was resolved with, for the record.
        progress: called with the updates done and planned.

    Returns:
        The finished run, with the checkpoint `latest`; its steps are the teachers' transitions.

    Raises:
        UserError: as `refuse_student`; actions that the algorithm is not for; `out` holds a run already.
        DivergenceError: a loss is not finite.
    """
    refuse_existing(out)
    refuse_student(agent)
    agent = match_widths(agent, family)
    set_random_seed(seed)
    spaces = family.observation_space, family.action_space
    model = bare_model(agent, *spaces, device, descriptors=training_descriptors(agent, family))
    spec = RunSpec.now(
        agent, family.recipe, seed=seed, steps=len(demonstrations), overrides=overrides, distilled=origin
    )
    with Run.create(out, spec) as run, explain_early_end(run):
        with closing(run_logger(run.path)) as logger:
            interval, ticker = max(1, origin.updates // LOGS), None if progress is None else Ticker(progress)
            updates = imitate(model, agent, family, demonstrations, origin.updates, seed)
            for update, losses in enumerate(updates, start=1):
                if not all(np.isfinite(loss) for loss in losses.values()):
                    raise DivergenceError(
                        f"run {str(run.path)!r}: losses are not finite after {update} updates; a smaller"
                        " algorithm.learning_rate may help"
                    )
                for name, loss in losses.items():
                    logger.record_mean(f"distill/{name}_loss", loss)
                if update % interval == 0 or update == origin.updates:
                    logger.dump(update)
                if ticker is not None:
                    ticker(update, origin.updates)
        model.num_timesteps = len(demonstrations)
        save_state(run, "latest", {"steps": model.num_timesteps, **learned(model)})
        run.save_evaluation(evaluate_best(model, run, family, progress).to_json(), "final")
        run.write_status("finished", model.num_timesteps)
    return run


def imitate(
    model: BaseAlgorithm,
    agent: AgentRecipe,
    family: Family,
    demonstrations: Demonstrations,
    updates: int,
    seed: int,
) -> Iterator[dict[str, float]]:
    """Update a model on minibatches of demonstrations, and yield the losses of each update by name.

    Args:
        model: it learns.
        agent: its recipe.
        family: encodes the tasks as the model observes them.
        demonstrations: what it learns from.
        updates: how many.
        seed: of the minibatches.
    """
    student, random = view(model), np.random.default_rng(seed)
    rows = min(student.minibatches.rows, len(demonstrations))
    descriptors = family.space.descriptors(demonstrations.contexts)
    optimizers, readers = student.optimizers, hyperparameters_of(agent, family)

    def discount(observations: Any) -> float | Tensor:
        if "gamma" not in readers:
            return agent.algorithm.gamma
        factors: Tensor = readers["gamma"](observations[CONTEXT])
        return factors.reshape(-1, 1)

    model.policy.set_training_mode(True)
    for _ in range(updates):
        chosen = random.integers(len(demonstrations), size=rows)
        batch = _minibatch(model, demonstrations, descriptors, chosen)
        losses = student.imitation(batch, discount(batch.observations))
        for optimizer in optimizers.values():
            optimizer.zero_grad()
        total: Tensor = sum(losses.values(), torch.zeros((), device=model.device))
        total.backward()  # type: ignore[no-untyped-call]
        for name in {name if name in optimizers else "policy" for name in losses}:
            optimizers[name].step()
        for network, target in student.targets.values():
            polyak_update(network.parameters(), target.parameters(), model.tau)  # type: ignore[attr-defined]
        yield {name: loss.item() for name, loss in losses.items()}


def _minibatch(model: BaseAlgorithm, found: Demonstrations, descriptors: Any, rows: Any) -> Imitated:
    contexts = descriptors[found.tasks[rows]]

    def observed(parts: dict[str, Any]) -> Any:
        chosen = {name: part[rows] for name, part in parts.items()}
        return model.policy.obs_to_tensor({**chosen, CONTEXT: contexts})[0]

    def tensor(array: Any) -> Tensor:
        return torch.as_tensor(array[rows], device=model.device)

    return Imitated(
        observations=observed(found.observations),
        actions=tensor(found.actions),
        advised=tensor(found.advised),
        rewards=tensor(found.rewards).unsqueeze(1),
        next_observations=observed(found.next_observations),
        terminated=tensor(found.terminated).float().unsqueeze(1),
    )
