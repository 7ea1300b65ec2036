"""A trained model from a run directory."""

from __future__ import annotations

from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl.policies.registry import view
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model, training_descriptors, training_goals
from hyperrl.training.checkpoint import load_learned, load_state, mismatch_prefix
from hyperrl.training.memory import SizeLimit, explain_lack_of_memory


def load_model(
    run: Run,
    checkpoint: str | None = None,
    device: str = "cpu",
    family: Family | None = None,
    *,
    to_learn: bool = True,
) -> BaseAlgorithm:
    """The run's SB3 algorithm with trained weights and no environment (give it one by `set_env`).

    No random generator is seeded, no number of threads set.

    Args:
        run: an open run.
        checkpoint: `latest`, `best` or a number of steps; None: the best, or the latest while there is none.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        family: the run's family, where it is at hand or cannot be built from its recipe (`contextualize`).
        to_learn: with an optimizer, which takes a second to load; False: a model to act with alone.

    Returns:
        The model; its `num_timesteps` are the environment steps behind the checkpoint.

    Raises:
        UserError: no such checkpoint, a corrupt one, or one of another agent; with `to_learn`, rollouts or
            replay that no memory holds.
    """
    name = run.default_checkpoint() if checkpoint is None else checkpoint
    state = load_state(run, name)
    agent = run.spec.agent
    family = (family or Family(run.spec.family)).for_agent(agent)
    descriptors = training_descriptors(agent, family)
    limit = SizeLimit(state["policy"], mismatch_prefix(run, name))
    with limit, explain_lack_of_memory(agent.name, family.name):
        spaces = family.observation_space, family.action_space
        model = bare_model(agent, *spaces, device, to_learn, descriptors)
    goals = training_goals(agent, family) if to_learn else None
    if goals is not None:
        view(model).set_goals(goals)
    load_learned(model, state, mismatch_prefix(run, name))
    model.num_timesteps = int(state["steps"])
    return model
