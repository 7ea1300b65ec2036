"""The SB3 algorithm of an agent's recipe."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first
from stable_baselines3.common.vec_env import VecEnv, VecTransposeImage

from hyperrl.errors import UserError, did_you_mean
from hyperrl.nets import CNN
from hyperrl.policies.extractors import image_shape
from hyperrl.policies.inference import ContextInference
from hyperrl.policies.normalization import Normalization, register
from hyperrl.policies.registry import algorithm, view
from hyperrl.recipes import CONTEXT, AgentRecipe
from hyperrl.tasks import Family
from hyperrl.tasks.actions import refuse_algorithm
from hyperrl.tasks.context_errors import noise_sizes
from hyperrl.tasks.goals import Goals
from hyperrl.tasks.spaces import float_parts
from hyperrl.training.normalization import NormalizedVecEnv
from hyperrl.training.policy_arguments import (
    WITHOUT_OPTIMIZER,
    Descriptors,
    policy_class,
    policy_kwargs,
    policy_space,
)


def build_model(
    agent: AgentRecipe,
    env: VecEnv,
    seed: int,
    device: str = "cpu",
    descriptors: Descriptors = None,
    inference: ContextInference | None = None,
) -> BaseAlgorithm:
    """The agent's algorithm and policy on `env`, seeded and ready to learn.

    Sets torch's number of threads to the recipe's.

    Args:
        agent: a recipe in which `match_parameters` is resolved (`match_widths`).
        env: as many environments as `agent.n_envs` says; a `NormalizedVecEnv` where the agent normalizes.
        inference: what infers contexts, where the agent does; `env` observes its latents.
        seed: of Python, NumPy, torch and the environments.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        descriptors: of the training tasks, (tasks, D); needed where the hypernetwork sees an embedding.

    Raises:
        UserError: actions that the algorithm is not for, a device or an extra that is not there, exploration
            by gSDE with actions that are not continuous, convolutions of observations that are no images
            or too small ones, or normalization of observations that cannot be normalized.
    """
    _refuse(agent, env.observation_space, env.action_space)
    torch.set_num_threads(agent.threads)
    model_class: Any = algorithm(agent.algorithm.name).algorithm
    model: BaseAlgorithm = model_class(
        policy_class(agent),
        env,
        seed=seed,
        device=torch_device(device),
        policy_kwargs=policy_kwargs(agent, descriptors),
        **_arguments(agent, env.observation_space, env.action_space),
    )
    if agent.normalize.active:
        normalized = model.get_vec_normalize_env()
        if not isinstance(normalized, NormalizedVecEnv):
            raise ValueError(f"env: found {env}; allowed: a NormalizedVecEnv, as agent.normalize has it")
        register(model.policy, normalized.normalization)
    if inference is not None:
        view(model).set_inference(inference.to(model.device))
    return model


def bare_model(
    agent: AgentRecipe,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    device: str = "cpu",
    to_learn: bool = True,
    descriptors: Descriptors = None,
) -> BaseAlgorithm:
    """The same algorithm with no environment and no seed set, to load weights into.

    With `to_learn` False it has no optimizer and can only act.
    """
    observed = channels_first(observation_space)
    _refuse(agent, observed, action_space)
    observation_space = policy_space(agent, observed)
    model_class: Any = algorithm(agent.algorithm.name).algorithm
    model: BaseAlgorithm = model_class(
        policy_class(agent),
        None,
        device=torch_device(device),
        policy_kwargs={**policy_kwargs(agent, descriptors), **({} if to_learn else WITHOUT_OPTIMIZER)},
        _init_setup_model=False,
        **_arguments(agent, observation_space, action_space, to_learn),
    )
    model.observation_space, model.action_space, model.n_envs = observation_space, action_space, agent.n_envs
    model._setup_model()
    if agent.normalize.active:
        register(model.policy, Normalization(agent.normalize, observation_space))
    inference = build_inference(agent, observed, action_space, to_learn)
    if inference is not None:
        view(model).set_inference(inference.to(model.device))
    return model


def build_inference(
    agent: AgentRecipe,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    to_learn: bool = True,
    seed: int | None = None,
) -> ContextInference | None:
    """What infers the agent's contexts; None where the agent observes them.

    Args:
        agent: the recipe.
        observation_space: of one environment of the family.
        action_space: of one environment.
        to_learn: with an optimizer.
        seed: of its weights; None: torch's global generator draws them.

    Raises:
        UserError: actions that the algorithm is not for, or observations that are not of numbers alone.
    """
    if agent.inference is None:
        return None
    refuse_algorithm(agent, action_space)
    assert isinstance(observation_space, gym.spaces.Dict)
    numbers = {CONTEXT, *float_parts(observation_space)}
    for name, part in observation_space.spaces.items():
        if name not in numbers:
            raise UserError(
                f"agent {agent.name!r}: policy.inference: found observations {name!r} of {part}; allowed:"
                " Boxes of floating-point numbers alone"
            )
    if seed is None:
        return ContextInference(agent.inference, observation_space, action_space, to_learn)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ContextInference(agent.inference, observation_space, action_space, to_learn)


def _arguments(
    agent: AgentRecipe,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    to_learn: bool = True,
) -> dict[str, Any]:
    """The algorithm's arguments: the recipe's fields, which carry Stable-Baselines3's names.

    Schedules are functions, as Stable-Baselines3 takes them.
    """
    fields = agent.algorithm.model_dump(exclude={"name"}) | agent.algorithm.schedules
    if agent.inference is not None:
        fields["window"] = agent.inference.window
    if (indexed := agent.indexed) is not None:
        fields["index"] = {"index": indexed.index, "index_dim": indexed.index_dim}
    return algorithm(agent.algorithm.name).arguments(fields, observation_space, action_space, to_learn)


def training_descriptors(agent: AgentRecipe, family: Family) -> Descriptors:
    """The descriptors of the family's training tasks, (tasks, D), where the agent embeds them; else None."""
    policy = agent.policy
    if policy.kind != "hyper" or "embedding" not in policy.hypernetwork.inputs:
        return None
    return family.space.descriptors(family.tasks("train"))


def training_goals(agent: AgentRecipe, family: Family) -> Goals | None:
    """The family's goals, where the agent relabels goals in hindsight; else None.

    Raises:
        UserError: a family without goals, or whose features change within an episode; a replay buffer that
            holds no whole episode; or goals that are hidden, or that `context_noise` would change.
    """
    algorithm, longest = agent.algorithm, family.max_steps
    if not algorithm.relabels_goals:
        return None
    size = int(vars(algorithm)["buffer_size"])
    if size // agent.n_envs < longest:
        raise UserError(
            f"agent {agent.name!r}: algorithm.buffer_size: found {size}; allowed with algorithm.her, which"
            f" replays whole episodes: at least n_envs * {longest} = {agent.n_envs * longest}"
        )
    sizes = dict(zip(family.space.names, noise_sizes(agent, family.space), strict=True))
    if family.schedules is not None:
        raise UserError(
            f"family {family.name!r}: found schedules of {', '.join(family.schedules.features)}; allowed with"
            " algorithm.her, which relabels the goal of a whole episode: none"
        )
    noisy = [name for name in family.recipe.goal or () if sizes[name]]
    if noisy:
        raise UserError(
            f"agent {agent.name!r}: context_noise: found some on {', '.join(noisy)}, the goal; allowed with"
            " algorithm.her: on other features"
        )
    goals = Goals(family)
    if agent.inference is not None and goals.features:
        raise UserError(
            f"agent {agent.name!r}: policy.inference: found some on family {family.name!r}, whose goal is in"
            " the context; allowed with algorithm.her: families whose observations tell the goal"
        )
    return goals


def torch_device(name: str) -> torch.device:
    """The device of that name; UserError when this machine has none."""
    try:
        if name == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        known = ["cpu", "auto", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        raise UserError(f"device {name!r}: not available here{did_you_mean(name, known)}") from error
    return device


def channels_first(space: gym.Space[Any]) -> gym.Space[Any]:
    """The observation space with images as SB3 hands them to a policy."""
    if isinstance(space, gym.spaces.Dict):
        return gym.spaces.Dict({name: channels_first(part) for name, part in space.spaces.items()})
    if isinstance(space, gym.spaces.Box) and is_image_space(space):
        return space if is_image_space_channels_first(space) else VecTransposeImage.transpose_space(space)
    return space


def _refuse(agent: AgentRecipe, observation_space: gym.Space[Any], action_space: gym.Space[Any]) -> None:
    refuse_algorithm(agent, action_space)
    if agent.algorithm.explores_by_sde and not isinstance(action_space, gym.spaces.Box):
        raise UserError(
            f"agent {agent.name!r}: algorithm.use_sde needs continuous actions, found {action_space}"
        )
    normalize = agent.normalize
    if normalize.norm_obs and not normalize.norm_reward and not float_parts(observation_space):
        raise UserError(
            f"agent {agent.name!r}: normalize.norm_obs: found true, with norm_reward false and observations"
            " of images or choices alone; allowed: false, or norm_reward true"
        )
    if agent.policy.kind == "hyper" and agent.policy.convolutions is not None:
        try:
            CNN(image_shape(channels_first(observation_space)), 1, agent.policy.convolutions)
        except ValueError as error:
            raise UserError(f"agent {agent.name!r}: policy.{error}") from error
