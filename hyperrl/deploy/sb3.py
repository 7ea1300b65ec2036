"""A specialist as an ordinary model of Stable-Baselines3, for `PPO.load` and its like."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.preprocessing import is_image_space
from torch import nn

from hyperrl.deploy.extract import Reader, networks
from hyperrl.deploy.layers import Layer, Reshape
from hyperrl.deploy.plan import BOUNDS, Specialist
from hyperrl.errors import UserError
from hyperrl.nets import NATURE
from hyperrl.policies.registry import view
from hyperrl.policies.view import Network
from hyperrl.recipes import CONTEXT
from hyperrl.tasks import Family
from hyperrl.training.build import channels_first

_EXTRACTED = 256
"""Features that Stable-Baselines3 makes of an image in a dictionary."""


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
    plain = _made(model, family, agent)
    descriptor = torch.as_tensor(family.space.descriptors([specialist.plan.context])[0])
    space = family.observation_space
    own = plain.policy
    layers = [layer for part in specialist.plan.inputs for layer in part.layers]
    arrays = {name: specialist.dense(name) for name in specialist.arrays if name not in BOUNDS}
    with torch.no_grad():
        acting, *others = networks(own, descriptor, agent).items()
        _copied([*layers, *specialist.plan.layers], arrays, acting[1], space, agent)
        trained = networks(model.policy, descriptor, agent)
        for name, network in others:
            reader = Reader()
            read = reader.sequence(trained[name], space, descriptor.numpy())
            _copied(read, reader.arrays, network, space, agent)
        learned = dict(model.policy.named_parameters())
        for name, parameter in own.named_parameters():
            if name.endswith("log_std") and name in learned:
                parameter.copy_(learned[name])
    view(plain).continue_from(view(model))
    return plain


def zip_bytes(plain: BaseAlgorithm) -> bytes:
    """The bytes of Stable-Baselines3's own zip."""
    file = io.BytesIO()
    plain.save(file)
    return file.getvalue()


def _made(model: BaseAlgorithm, family: Family, agent: str) -> BaseAlgorithm:
    """A plain model with networks of the same sizes, as it starts."""
    source: Any = model.policy
    space = _observed(family)
    name = "MultiInputPolicy" if isinstance(space, gym.spaces.Dict) else "MlpPolicy"
    kwargs: dict[str, Any] = {"net_arch": source.net_arch, "activation_fn": source.activation_fn}
    if is_image_space(space):
        name = "CnnPolicy"
        kwargs |= _of_images(source, agent)
    arguments, of_policy = view(model).plain_arguments(family.action_space)
    kwargs |= of_policy
    kind: Any = view(model).plain_algorithm or view(model).algorithm
    try:
        made: Any = kind(name, None, device="cpu", policy_kwargs=kwargs, _init_setup_model=False, **arguments)
        made.observation_space, made.action_space, made.n_envs = space, family.action_space, 1
        made._setup_model()
    except (AssertionError, RuntimeError, ValueError) as error:
        raise _inexpressible(agent, str(error)) from error
    made.gamma, made.num_timesteps = model.gamma, model.num_timesteps  # type: ignore[attr-defined]
    plain: BaseAlgorithm = made
    return plain


def _inexpressible(agent: str, why: str) -> UserError:
    return UserError(f"agent {agent!r}: sb3 has no policy of its layers ({why}); allowed: torch, onnx")


def _observed(family: Family) -> gym.Space[Any]:
    """The observation without its context, one part alone without its key, images as policies see them."""
    space = channels_first(family.observation_space)
    assert isinstance(space, gym.spaces.Dict)
    seen = {name: part for name, part in space.spaces.items() if name != CONTEXT}
    return next(iter(seen.values())) if len(seen) == 1 else gym.spaces.Dict(seen)


def _of_images(policy: Any, agent: str) -> dict[str, Any]:
    """Arguments of a `CnnPolicy` with the same networks."""
    convolutions = getattr(policy, "convolutions", None)
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
    made: dict[str, Any] = {"features_extractor_kwargs": {"features_dim": first.pop()}}
    if view(policy).off_policy:
        return {**made, "net_arch": rest["pi"]}
    return {**made, "net_arch": rest, "share_features_extractor": False}


def _copied(
    layers: list[Layer], arrays: Mapping[str, Any], network: Network, space: gym.Space[Any], agent: str
) -> None:
    """Put a network's arrays into a plain one; UserError where their layers are not the same."""
    reader = Reader()
    own = reader.sequence(network, space, None)
    wanted, found = ([each for each in some if not isinstance(each, Reshape)] for some in (layers, own))
    if wanted != found:
        extra = sorted({each.kind for each in wanted} - {each.kind for each in found})
        what = ", ".join(extra) or "their order"
        raise _inexpressible(agent, f"found {what}")
    for name, tensor in reader.sources.items():
        array = torch.as_tensor(np.asarray(arrays[name]))
        if tensor.shape != array.shape:
            raise _inexpressible(agent, f"found {tuple(array.shape)}, where it has {tuple(tensor.shape)}")
        tensor.copy_(array)
