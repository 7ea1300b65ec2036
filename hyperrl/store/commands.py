"""How a run is trained again: the exact command, and its recipes as files."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from hyperrl.errors import UserError
from hyperrl.recipes import dump_yaml, load_agent, load_family, resolve, shipped
from hyperrl.store.spec import RunSpec
from hyperrl.tasks import Family


def train_command(spec: RunSpec) -> str:
    """The `hyperrl train` that repeats a run, or the `hyperrl distill`.

    Recipes of the suite go by their names where they are still the run's; others by the files `NAME.yaml`
    with the text of `recipe_text`.
    """
    if spec.distilled is not None:
        from_runs = spec.distilled
        parts = [
            "hyperrl",
            "distill",
            *from_runs.teachers,
            "--agent",
            _agent(spec),
            "--family",
            _family(spec),
        ]
        parts += ["--seed", str(spec.seed), "--episodes", str(from_runs.episodes)]
        parts += ["--updates", str(from_runs.updates)]
    else:
        parts = ["hyperrl", "train", _agent(spec), _family(spec)]
        parts += ["--seed", str(spec.seed), "--steps", str(spec.steps)]
    for override in spec.overrides:
        parts += ["--set", override]
    if spec.from_run is not None:
        parts += ["--from", spec.from_run]
    if spec.freeze is not None:
        parts += ["--freeze", spec.freeze]
    if spec.sequence:
        parts += ["--sequence", str(len(Family(spec.family).tasks("train")))]
    return shlex.join(parts)


def recipe_text(recipe: Any) -> str:
    """A resolved recipe as the text of its YAML file."""
    return dump_yaml(recipe.model_dump(mode="json", by_alias=True))


def _agent(spec: RunSpec) -> str:
    def same() -> bool:
        return resolve(load_agent(spec.agent.name), spec.family, spec.overrides) == spec.agent

    return _name(spec.agent.name, "agents", same)


def _family(spec: RunSpec) -> str:
    return _name(spec.family.name, "envs", lambda: load_family(spec.family.name) == spec.family)


def _name(name: str, kind: Any, same: Callable[[], bool]) -> str:
    try:
        return name if name in shipped(kind) and same() else f"{name}.yaml"
    except UserError:  # Its overrides no longer fit.
        return f"{name}.yaml"
