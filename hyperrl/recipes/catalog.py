"""Finds recipes by name or path, and reads them."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hyperrl.errors import UserError, did_you_mean
from hyperrl.recipes.agent import AgentRecipe
from hyperrl.recipes.family import FamilyRecipe
from hyperrl.recipes.messages import show
from hyperrl.recipes.suite import SuiteRecipe
from hyperrl.recipes.yaml import read_yaml
from hyperrl.shipped import Kind, shipped

_GYMNASIUM_ID = re.compile(r"[\w:.-]+-v\d+")
_SINGULAR: dict[Kind, str] = {"agents": "an agent", "envs": "a family", "suites": "a suite"}


parse_agent, parse_family = AgentRecipe.parse, FamilyRecipe.parse


def load_agent(name_or_path: str) -> AgentRecipe:
    """Read an agent: a name of the suite, or a path (with "/" or ending in ".yaml").

    Where a wrapper names a module or a file, its `folder` becomes an absolute path.

    Raises:
        UserError: unknown name (the nearest offered), unreadable file, wrong field.
    """
    path, label = _find(name_or_path, "agents")
    agent = parse_agent(_read(path), label)
    located = tuple(
        each.model_copy(update={"folder": _folder(path, each.folder)}) if each.code.imports else each
        for each in agent.wrappers
    )
    return agent.model_copy(update={"wrappers": located})


def load_family(name_or_path: str) -> FamilyRecipe:
    """Read a family: a name of the suite, or a path (with "/" or ending in ".yaml").

    Where its `base` names a module or a file, `folder` becomes an absolute path.

    Raises:
        UserError: unknown name (the nearest offered), unreadable file, wrong field.
    """
    path, label = _find(name_or_path, "envs")
    family = parse_family(_read(path), label)
    if family.parsed_base.imports is None:
        return family
    return family.model_copy(update={"folder": _folder(path, family.folder)})


def load_suite(name_or_path: str) -> SuiteRecipe:
    """Read a suite: a name of those that come with the library, or a path (with "/" or ending in ".yaml").

    Its `folder` becomes an absolute path.

    Raises:
        UserError: unknown name (the nearest offered), unreadable file, wrong field.
    """
    path, label = _find(name_or_path, "suites")
    suite = SuiteRecipe.parse(_read(path), label)
    return suite.model_copy(update={"folder": _folder(path, suite.folder)})


def _folder(recipe: Path, own: str | None) -> str:
    """Where a recipe's modules and files are looked for first: its own folder, or one seen from there."""
    return os.path.normpath(recipe.absolute().parent / (own or ""))


def is_environment(name_or_path: str) -> bool:
    """Whether a text names an environment, by a Python file or a Gymnasium id, and so no recipe."""
    return name_or_path.endswith(".py") or _GYMNASIUM_ID.fullmatch(name_or_path) is not None


def _find(name_or_path: str, kind: Kind) -> tuple[Path, str]:
    if name_or_path.endswith(".py"):
        base = f" with `base: {Path(name_or_path).name}:CLASS`" if kind == "envs" else ""
        raise UserError(f"{name_or_path}: found a Python file; allowed: a name, or a YAML file{base}")
    if "/" in name_or_path or name_or_path.endswith((".yaml", ".yml")):
        return Path(name_or_path), name_or_path
    known = shipped(kind)
    if name_or_path in known:
        return known[name_or_path], f"{kind}/{name_or_path}.yaml"
    name = name_or_path if len(name_or_path) <= 80 else name_or_path[:79] + "…"
    message = f"unknown {_SINGULAR[kind].split()[1]} {name!r}"
    others = [other for other in _SINGULAR if other != kind and name_or_path in shipped(other)]
    if others:
        message += f", which names {_SINGULAR[others[0]]}"
    hint = did_you_mean("" if others else name_or_path, known)
    are_listed = "known:" in hint or kind == "suites"
    message += hint if are_listed else f"{hint} (`hyperrl list {kind}` shows them all)"
    if kind == "envs" and is_environment(name_or_path):
        message += f"; a Gymnasium id becomes a family by a YAML file with `base: {name}`"
    raise UserError(message)


def _read(path: Path) -> Mapping[str, Any]:
    data = read_yaml(path)
    if not isinstance(data, Mapping):
        raise UserError(
            f"{path}: found {show(data)}; allowed: a mapping of fields, as `hyperrl describe` lists them"
        )
    return data if "name" in data else {**data, "name": path.stem}
