"""The generalist as one ONNX file: an observation and a task in, an action out, weights generated inside."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
import onnx
import torch
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from hyperrl.deploy.actions import OUTPUT, Action
from hyperrl.deploy.extract import action_of, channels_last, refuse_memory
from hyperrl.deploy.onnx_graph import optional_input
from hyperrl.deploy.onnx_runtime import refuse_part_of_masks
from hyperrl.errors import UserError
from hyperrl.evaluation.context_flag import ROUNDING, FlagRule
from hyperrl.masks import ACTION_MASKS
from hyperrl.nets.generators.head import Head
from hyperrl.policies.registry import view
from hyperrl.recipes import CONTEXT

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

    from hyperrl.tasks import Family
    from hyperrl.tasks.contexts import ContextSpace

OPSET = 18
"""The lowest that torch's exporter writes."""

ENTRY = "generalist"
FAR = "far"
"""The output that tells which contexts are far from training."""


def onnx_bytes(model: BaseAlgorithm, agent: str, family: Family, rule: FlagRule | None = None) -> bytes:
    """The bytes of an ONNX file that acts on any task of a family.

    Its inputs are the observation's parts by name and `context`, float32 (batch, features): raw values, a
    column for each feature in the order that the metadata's entry `context` tells. Its output is `action`.
    An agent that takes action masks has an input `action_masks` too, as a specialist's file has it.

    Args:
        model: a trained one of a run.
        agent: its recipe's name.
        family: the tasks that it was trained on.
        rule: when a context is far from training: a second output, `far`, bool (batch,), tells; None: none.

    Raises:
        UserError: a policy whose networks cannot be written as a graph, or a part of the observation that
            has the name of the masks.
    """
    refuse_memory(model.policy, agent)
    if model.use_sde:  # a policy otherwise holds noise with a graph that torch refuses to copy
        with torch.no_grad():
            model.policy.reset_noise()  # type: ignore[operator]
    generalist = Generalist(model.policy, family, rule).eval()
    names = [*generalist.keys, CONTEXT]
    examples = [_example(generalist.space[key]) for key in generalist.keys]
    examples += [torch.tensor(family.space.values([family.space.default] * _ROWS), dtype=torch.float32)]
    if generalist.view.masked:
        refuse_part_of_masks(names, agent)
        names.append(ACTION_MASKS)
        examples.append(torch.ones((_ROWS, sum(generalist.rule.action.sizes)), dtype=torch.bool))
    batch = {0: torch.export.Dim("batch")}
    with torch.no_grad(), _silence():
        try:
            program = torch.onnx.export(
                generalist,
                tuple(examples),
                input_names=names,
                output_names=[OUTPUT] if rule is None else [OUTPUT, FAR],
                dynamic_shapes=(tuple(batch for _ in names),),
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                custom_translation_table={torch.ops.aten.kthvalue.default: _kth_value},
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            reason = str(error.__cause__ or error).partition("\n")[0]
            raise UserError(f"agent {agent!r}: torch cannot write its networks as ONNX: {reason}") from error
    assert program is not None
    for value in program.model_proto.graph.input:
        if not value.type.tensor_type.shape.dim[0].dim_param:
            raise UserError(f"agent {agent!r}: torch can write its networks as ONNX for a fixed batch alone")
    return _with_metadata(program.model_proto, model, agent, family, rule)


@contextmanager
def _silence() -> Iterator[None]:
    """Hide the exporter's remarks on itself, none of which concerns a user."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


_ROWS = 3
"""Rows of the example that is traced; torch would take 1 for a constant."""


class Generalist(nn.Module):
    """The agent on any task, as a module of the environment's observation and the task's raw features.

    Args:
        policy: of a trained model; it is copied.
        family: the tasks.
        rule: when a context is far from training; None: no output tells.
    """

    def __init__(self, policy: BasePolicy, family: Family, rule: FlagRule | None = None) -> None:
        super().__init__()
        space = family.observation_space
        assert isinstance(space, gym.spaces.Dict)
        self.space = space
        self.keys = [key for key in space.spaces if key != CONTEXT]
        self.policy = deepcopy(policy).to("cpu").requires_grad_(False)
        self.view = view(self.policy)
        for part in self.view.parts.values():
            part.caching = part.groups = part.fused = False
        for module in self.policy.modules():
            if isinstance(module, Head):
                module.forward = partial(tuple, [each.clone() for each in module()])  # type: ignore[method-assign]
        self.encoder = ContextEncoder(family.space)
        self.far = None if rule is None else Far(rule, family.space)
        self.rule = Rule(*action_of(policy))
        adapter = family.adapter
        self.starts = {key: torch.as_tensor(start) for key, start in adapter.starts.items()}
        self.action_start = None if adapter.action_start is None else torch.as_tensor(adapter.action_start)

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Actions (batch, ...), and, with a rule, whether each context is far from training, (batch,).

        Args:
            inputs: the observation's parts, then (batch, features), and, where the agent takes them, masks
                (batch, choices).
        """
        parts, context, *masks = inputs[: len(self.keys)], *inputs[len(self.keys) :]
        observation = {CONTEXT: self.encoder(context)}
        for key, part in zip(self.keys, parts, strict=True):
            start = self.starts.get(key)
            shifted = part if start is None else part - start
            observation[key] = shifted.permute(0, 3, 1, 2) if channels_last(self.space[key]) else shifted
        if (normalization := self.view.normalization) is not None:
            observation = normalization(observation)
        with ExitStack() as acting:
            for generated in self.view.parts.values():
                acting.enter_context(generated.inputs.acting(deterministic=True))
            actions: Tensor = self.rule(self.view.act_outputs(observation), *masks)
        actions = actions if self.action_start is None else actions + self.action_start
        return actions if self.far is None else (actions, self.far(context, observation[CONTEXT]))


class ContextEncoder(nn.Module):
    """Raw features of tasks to descriptors, as `ContextSpace.descriptors` computes them."""

    low: Tensor
    span: Tensor

    def __init__(self, space: ContextSpace) -> None:
        super().__init__()
        self.features = list(space.features.values())
        trained = torch.tensor([feature.train for feature in self.features], dtype=torch.float64)
        self.register_buffer("low", trained[:, 0])
        self.register_buffer("span", trained[:, 1] - trained[:, 0])

    def forward(self, values: Tensor) -> Tensor:
        """(task, features) to (task, D)."""
        scaled = (2 * (values.double() - self.low) / self.span - 1).float()
        columns = []
        for index, feature in enumerate(self.features):
            raw = values[:, index]
            if feature.encoding == "circle":
                columns += [torch.cos(raw), torch.sin(raw)]
            elif feature.encoding == "categorical":
                columns += [(raw == float(np.float32(each))).float() for each in feature.values or ()]
            else:
                columns.append(scaled[:, index])
        return torch.stack(columns, dim=1)


class Far(nn.Module):
    """Whether contexts are far from training, by their ranges and the distance to the nearest training task.

    Args:
        rule: the largest distance that is not flagged.
        space: the features.
    """

    trained: Tensor
    low: Tensor
    high: Tensor

    def __init__(self, rule: FlagRule, space: ContextSpace) -> None:
        super().__init__()
        features = list(space.features.values())
        self.linear = [index for index, feature in enumerate(features) if feature.encoding == "linear"]
        bounds = torch.tensor([features[index].train for index in self.linear]).reshape(-1, 2)
        margin = 0.5 * ROUNDING * (bounds[:, 1] - bounds[:, 0])
        self.largest = float(rule.distance)
        self.register_buffer("trained", torch.as_tensor(rule.trained, dtype=torch.float32))
        self.register_buffer("low", bounds[:, 0] - margin)
        self.register_buffer("high", bounds[:, 1] + margin)

    def forward(self, values: Tensor, descriptors: Tensor) -> Tensor:
        """(task, features) and (task, D) to (task,)."""
        squares = (descriptors.unsqueeze(1) - self.trained).square().sum(dim=2)
        far = squares.amin(dim=1).sqrt() > self.largest + ROUNDING
        if self.linear:
            chosen = torch.stack([values[:, index] for index in self.linear], dim=1)
            far = far | ((chosen < self.low) | (chosen > self.high)).any(dim=1)
        return far


class Rule(nn.Module):
    """From outputs to actions: what `hyperrl.deploy.actions.Action` describes, in torch.

    Args:
        action: the rule.
        bounds: arrays of its bounds, where it has any.
    """

    low: Tensor
    high: Tensor

    def __init__(self, action: Action, bounds: dict[str, Any]) -> None:
        super().__init__()
        self.action = action
        low, high = (torch.as_tensor(each) for each in bounds.values()) if bounds else (torch.empty(0),) * 2
        self.register_buffer("low", low)
        self.register_buffer("high", high)

    def forward(self, x: Tensor, masks: Tensor | None = None) -> Tensor:
        """(batch, outputs) and, perhaps, masks (batch, outputs) to (batch, *shape)."""
        shape = self.action.shape
        match self.action.rule:
            case "argmax":
                # ONNX's ArgMax passes over NaN, which torch takes for the largest
                x = torch.where(x.isnan(), torch.inf, x.clamp(max=torch.finfo(x.dtype).max))
                if masks is not None:
                    x = torch.where(masks, x.clamp(min=torch.finfo(x.dtype).min), -torch.inf)
                parts = torch.split(x, list(self.action.sizes), dim=1)
                return torch.stack([part.argmax(dim=1) for part in parts], dim=1).reshape(-1, *shape)
            case "positive":
                return (x > 0).long().reshape(-1, *shape)
            case "clip":
                return torch.minimum(torch.maximum(x.reshape(-1, *shape), self.low), self.high)
        return self.low + (x.reshape(-1, *shape) + 1) * (0.5 * (self.high - self.low))


def _kth_value(x: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """`torch.kthvalue` with `keepdim` in ONNX's operators; torch's exporter does not know it."""
    from onnxscript import opset18

    operators: Any = opset18
    smallest = operators.TopK(x, operators.Constant(value_ints=[k]), axis=dim, largest=0, sorted=1)
    first, last, axes = (operators.Constant(value_ints=[each]) for each in (k - 1, k, dim))
    return tuple(operators.Slice(part, first, last, axes) for part in smallest)


def _example(space: gym.Space[Any]) -> Tensor:
    return torch.zeros((_ROWS, *(space.shape or ())), dtype=torch.as_tensor(np.zeros(1, space.dtype)).dtype)


def _with_metadata(
    proto: onnx.ModelProto, model: BaseAlgorithm, agent: str, family: Family, rule: FlagRule | None
) -> bytes:
    """The file's bytes, with a description of the agent and the features in its metadata."""
    features = {
        name: {"unit": feature.unit, "default": feature.default, "train": list(feature.train)}
        for name, feature in family.space.features.items()
    }
    origin = {"agent": agent, "algorithm": type(model).__name__.lower(), "family": family.name}
    about: dict[str, Any] = {"format": 1, **origin, "features": features}
    if rule is not None:
        about["flag"] = {"output": FAR, "largest_distance": rule.distance}
    proto.producer_name = "hyperrl"
    onnx.helper.set_model_props(proto, {ENTRY: json.dumps(about), CONTEXT: ",".join(features)})
    for value in proto.graph.input:
        if value.name == CONTEXT:
            value.doc_string = "raw values, columns: " + ", ".join(features)
        if value.name == ACTION_MASKS:
            choices = value.type.tensor_type.shape.dim[1].dim_value
            all_valid = np.ones((1, choices), np.bool_)
            value.CopyFrom(optional_input(ACTION_MASKS, all_valid))
            proto.graph.initializer.append(onnx.numpy_helper.from_array(all_valid, ACTION_MASKS))
    onnx.checker.check_model(proto)
    return bytes(proto.SerializeToString())
