"""The arguments of `hyperrl specialize` and `hyperrl export`, checked before torch is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hyperrl.errors import UserError, user_syntax
from hyperrl.recipes import AgentRecipe, Context
from hyperrl.store import Run, new_file
from hyperrl.tasks import Family
from hyperrl.tasks.contexts import assignment

SUFFIXES = {"torch": ".safetensors", "onnx": ".onnx", "sb3": ".zip"}
"""The formats of a specialist, each with its files' suffix."""
STATISTICS = ".pkl"
"""Ending of the file with running statistics beside a model of Stable-Baselines3's."""
GENERALIST = "generalist.onnx"
"""The file of a run that `hyperrl export` writes where the user names none."""
_LONGEST_NAME = 120


@dataclass(frozen=True)
class SpecialistRequest:
    """The arguments of `hyperrl.specialize`, checked.

    Attributes:
        context: the task, complete.
        format: `torch`, `onnx` or `sb3`.
        path: the file to write, a new one or one to replace.
        budget: share of the parameters to keep; None: all.
        quantize: store weights in eight bits.
        statistics: the file to write beside it, for `VecNormalize.load`; None where there is none.
        flag: tell in the file whether the task is far from training.
    """

    context: Context
    format: str
    path: Path
    budget: float | None
    quantize: bool
    statistics: Path | None = None
    flag: bool = False


def specialist_request(
    run: Run,
    family: Family,
    context: Mapping[str, float],
    format: str,
    out: str | Path | None,
    budget: float | None,
    quantize: str | None,
    force: bool = False,
    flag: bool = False,
) -> SpecialistRequest:
    """The arguments of `hyperrl.specialize`; UserError where they do not fit each other or the files.

    Each by itself is checked by `hyperrl.api`.
    """
    task = family.space.complete(context)
    suffix = SUFFIXES[format]
    if format == "sb3" and quantize:
        raise UserError(
            f"{user_syntax('quantize', '--quantize')}: found int8 with the format sb3, whose weights are"
            " float32; allowed: the formats torch, onnx"
        )
    if format == "sb3" and flag:
        raise UserError(
            f"{user_syntax('flag', '--flag')}: found with the format sb3, whose files have no place for it;"
            " allowed: the formats torch, onnx"
        )
    if format == "onnx":
        _need_extra("format onnx")
    path = new_file(out, default_specialist(run, family, task, format), suffix, force)
    statistics = None
    if format == "sb3" and run.spec.agent.normalize.active:
        statistics = new_file(None, path.with_suffix(STATISTICS), STATISTICS, force)
    return SpecialistRequest(task, format, path, budget, quantize is not None, statistics, flag)


def default_specialist(run: Run, family: Family, task: Context, format: str) -> Path:
    """The file of a specialist where the user names none: `RUN/specialists/CONTEXT.ENDING`."""
    changed = {name: value for name, value in task.items() if value != family.space.default[name]}
    name = (assignment(changed) or "default")[:_LONGEST_NAME]
    return run.path / "specialists" / (name + SUFFIXES[format])


def has_specialists(agent: AgentRecipe) -> bool:
    """Whether each task has a plain network of its own: without memory, and not following the observation."""
    follows = agent.policy.kind == "hyper" and "state" in agent.policy.hypernetwork.inputs
    return not follows and not agent.remembers


def generalist_request(run: Run, out: str | Path | None, force: bool = False) -> Path:
    """The file for `hyperrl.export` to write; UserError says why it cannot."""
    _need_extra("export")
    return new_file(out, run.path / GENERALIST, ".onnx", force)


def _need_extra(what: str) -> None:
    """UserError where a package that writes or runs ONNX is not installed."""
    for module in ("onnx", "onnxruntime", "onnxscript"):
        if find_spec(module) is None:
            raise UserError(f"{what}: needs the package {module}: pip install 'hyperrl[export]'")
