"""A specialist as a model of Stable-Baselines3, for `PPO.load` and so on, and for `VecNormalize.load`."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any

import gymnasium as gym
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from torch import nn

from hyperrl.deploy.extract import Reader, networks
from hyperrl.deploy.layers import Layer, Reshape
from hyperrl.deploy.plan import Input, Specialist
from hyperrl.errors import UserError
from hyperrl.nets import NATURE
from hyperrl.policies.normalization import BufferedMeanStd, Normalization
from hyperrl.policies.registry import view
from hyperrl.policies.view import Network
from hyperrl.recipes import CONTEXT
from hyperrl.tasks import Family
from hyperrl.training.build import channels_first
from hyperrl.training.compiler import without_compiler

_EXTRACTED = 256
"""Features of an image in a dictionary, as Stable-Baselines3 extracts them."""


def plain_model(specialist: Specialist, model: BaseAlgorithm, family: Family) -> BaseAlgorithm:
    """The model with `MlpPolicy`, `CnnPolicy` or `MultiInputPolicy` that acts as a specialist does.

    Its critics are the task's too, so that it can learn on; replay starts empty.

    Args:
        specialist: of the model.
        model: a trained one of a run.
        family: the tasks that it was trained on.

    Raises:
        UserError: layers that Stable-Baselines3's policies do not have.
    """
    agent = specialist.plan.agent
    if family.adapter.starts or family.adapter.action_start is not None:
        raise UserError(
            f"agent {agent!r}: sb3 counts choices from 0, which the base environment's spaces do not;"
            " allowed: torch, onnx"
        )
    with without_compiler():
        plain = _untrained(model, family, agent)
    plan, space = specialist.plan, family.observation_space
    plain.gamma = _discount(model, family, plan.context)  # type: ignore[attr-defined]
    descriptor = torch.as_tensor(family.space.descriptors([plan.context])[0])
    with torch.no_grad():
        acting, *critics = networks(plain.policy, descriptor, agent).items()
        _copy_weights(plan.inputs, plan.layers, specialist.dense, acting[1], space, agent)
        trained = networks(model.policy, descriptor, agent)
        for name, network in critics:
            reader = Reader()
            inputs, layers = reader.network(trained[name], space, descriptor)
            _copy_weights(inputs, layers, reader.arrays.__getitem__, network, space, agent)
        learned = dict(model.policy.named_parameters())
        for name, parameter in plain.policy.named_parameters():
            if name.endswith("log_std") and name in learned:
                parameter.copy_(learned[name])
    view(plain).continue_from(view(model))
    return plain


def _discount(model: Any, family: Family, context: Mapping[str, float]) -> float:
    """The discount factor of a task: the algorithm's, or that of a feature."""
    named = [name for name, each in family.space.features.items() if each.hyperparameter == "gamma"]
    return float(context[named[0]] if named else model.gamma)


def zip_bytes(plain: BaseAlgorithm) -> bytes:
    """The bytes of Stable-Baselines3's own zip."""
    file = io.BytesIO()
    plain.save(file)
    return file.getvalue()


def vec_normalize(normalization: Normalization, plain: Any, family: Family) -> VecNormalize:
    """Stable-Baselines3's own wrapper with the statistics by which a specialist's model acts and learns on.

    Args:
        normalization: of the trained model.
        plain: the specialist's model.
        family: the tasks that the model was trained on.
    """
    settings, space = normalization.settings, _without_context(family.observation_space)
    env = DummyVecEnv([lambda: _Spaces(space, family.action_space)])
    keys = list(normalization.parts)
    wrapper = VecNormalize(
        env, norm_obs=bool(keys), norm_reward=settings.norm_reward, clip_obs=settings.clip_obs,
        clip_reward=settings.clip_reward, gamma=plain.gamma, epsilon=settings.epsilon,
        norm_obs_keys=keys if isinstance(space, gym.spaces.Dict) and keys else None,
    )  # fmt: skip
    statistics: Any = {name: part.copy() for name, part in normalization.running_means().items()}
    if keys:
        wrapper.obs_rms = statistics if isinstance(space, gym.spaces.Dict) else statistics[keys[0]]
    if normalization.returns is not None:
        wrapper.ret_rms = BufferedMeanStd(normalization.returns).copy()
    return wrapper


class _Spaces(gym.Env[Any, Any]):
    """An environment of these spaces that is never played."""

    def __init__(self, observations: gym.Space[Any], actions: gym.Space[Any]) -> None:
        self.observation_space, self.action_space = observations, actions


def _untrained(model: BaseAlgorithm, family: Family, agent: str) -> BaseAlgorithm:
    """A plain model with networks of the same sizes, as it is before training."""
    source: Any = model.policy
    space = _without_context(channels_first(family.observation_space))
    name = "MultiInputPolicy" if isinstance(space, gym.spaces.Dict) else "MlpPolicy"
    kwargs: dict[str, Any] = {"net_arch": source.net_arch, "activation_fn": source.activation_fn}
    if is_image_space(space):
        name = "CnnPolicy"
        kwargs |= _cnn_arguments(source, agent)
    arguments, policy_arguments = view(model).plain_arguments(family.action_space)
    algorithm: Any = view(model).plain_algorithm or view(model).algorithm
    arguments |= {"policy_kwargs": kwargs | policy_arguments, "_init_setup_model": False}
    try:
        plain = algorithm(name, None, device="cpu", **arguments)
        plain.observation_space, plain.action_space, plain.n_envs = space, family.action_space, 1
        plain._setup_model()
    except (AssertionError, RuntimeError, ValueError) as error:
        raise _inexpressible(agent, str(error)) from error
    plain.num_timesteps = model.num_timesteps
    return plain  # type: ignore[no-any-return]


def _inexpressible(agent: str, why: str) -> UserError:
    return UserError(f"agent {agent!r}: sb3 has no policy of its layers ({why}); allowed: torch, onnx")


def _without_context(space: Any) -> gym.Space[Any]:
    """The observations without the context, an only part without its key."""
    parts = {name: part for name, part in space.spaces.items() if name != CONTEXT}
    return next(iter(parts.values())) if len(parts) == 1 else gym.spaces.Dict(parts)


def _cnn_arguments(policy: Any, agent: str) -> dict[str, Any]:
    """Arguments of a `CnnPolicy` with the same networks."""
    hyper = view(policy).hyper
    convolutions = None if hyper is None else hyper.convolutions
    if convolutions is None:
        return {"features_extractor_kwargs": {"features_dim": _EXTRACTED}}
    arch = policy.net_arch
    hidden = {"pi": arch, "vf": arch} if isinstance(arch, list) else arch
    first = {widths[0] if widths else 0 for widths in hidden.values()}
    if tuple(convolutions) != NATURE or policy.activation_fn is not nn.ReLU or len(first) != 1 or 0 in first:
        raise UserError(
            f"agent {agent!r}: sb3 has no policy of its convolutions; allowed: torch, onnx, or"
            f" policy.convolutions={[list(each) for each in NATURE]} with activation_fn=relu and equal first"
            " widths"
        )
    rest = {name: list(widths[1:]) for name, widths in hidden.items()}
    options: dict[str, Any] = {"features_extractor_kwargs": {"features_dim": first.pop()}}
    if view(policy).off_policy:
        return {**options, "net_arch": rest["pi"]}
    return {**options, "net_arch": rest, "share_features_extractor": False}


def _copy_weights(
    inputs: Iterable[Input], layers: Iterable[Layer], array: Callable[[str], NDArray[Any]],
    network: Network, space: gym.Space[Any], agent: str,
) -> None:  # fmt: skip
    """Copy the arrays of layers into a plain network; UserError where its layers are not the same."""
    reader = Reader()
    source, target = _sequence(inputs, layers), _sequence(*reader.network(network, space))
    if source != target:
        extra = sorted({each.kind for each in source} - {each.kind for each in target})
        raise _inexpressible(agent, f"found {', '.join(extra) or 'their order'}")
    for name, parameter in reader.parameters.items():
        values = torch.as_tensor(array(name))
        if parameter.shape != values.shape:
            shapes = f"found {tuple(values.shape)}, where it has {tuple(parameter.shape)}"
            raise _inexpressible(agent, shapes)
        parameter.copy_(values)


def _sequence(inputs: Iterable[Input], layers: Iterable[Layer]) -> list[Layer]:
    """All layers but those that only change shapes."""
    sequence = chain(*(part.layers for part in inputs), layers)
    return [layer for layer in sequence if not isinstance(layer, Reshape)]
