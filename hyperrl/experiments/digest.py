"""A digest of what decides a run's numbers, as far as its recipes say it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from hashlib import sha256
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from hyperrl.recipes import AgentRecipe, FamilyRecipe
from hyperrl.store.spec import SourceFile

_WORDS = ("about", "unit", "folder", "format", "search", "tuned_on")
"""Fields of recipes that no number depends on, once an agent is resolved."""
_IN_THE_AGENT = ("training",)
"""Fields of a family that the agent has once it is resolved."""


def source_files(agent: AgentRecipe, family: FamilyRecipe) -> list[SourceFile | None]:
    """The Python files of environment and wrappers, as they are now; None for what imports none."""
    return [SourceFile.of(code) for code in (family.parsed_base, *(each.code for each in agent.wrappers))]


def recipe_digest(
    agent: AgentRecipe,
    family: FamilyRecipe,
    seed: int,
    sources: Sequence[SourceFile | None],
    evaluation: Mapping[str, Any],
) -> str:
    """The digest of a run, 16 hexadecimal digits.

    It covers all fields that differ from their defaults, so that a new field with a default changes no
    digest, and the content of the Python files of one's own environments and wrappers. It covers no texts,
    and not where files lie.

    Args:
        agent: resolved for the family, with the planned steps.
        family: what it trains on.
        seed: of the run.
        sources: the files that environment and wrappers are imported from.
        evaluation: how the run is evaluated.
    """
    content = {
        "agent": _essence(agent),
        "family": {name: part for name, part in _essence(family).items() if name not in _IN_THE_AGENT},
        "seed": seed,
        "evaluation": dict(evaluation),
        "sources": [None if source is None else source.sha256 for source in sources],
    }
    return _digest(content)


def digest_of(value: Any) -> str:
    """A digest of recipes, or parts of them, 16 hexadecimal digits: without defaults and texts."""
    return _digest(_essence(value))


def _digest(content: Any) -> str:
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _essence(value: Any) -> Any:
    """A recipe, or a part of one, without defaults and texts, as JSON values."""
    if isinstance(value, BaseModel):
        return {
            name: _essence(part)
            for name, field in type(value).model_fields.items()
            if name not in _WORDS
            and ((part := getattr(value, name)) != field.get_default() or _is_tag(field.annotation))
        }
    if is_dataclass(value):
        return {
            each.name: _essence(part)
            for each in fields(value)
            if (part := getattr(value, each.name)) != each.default or each.default is MISSING
        }
    if isinstance(value, Mapping):
        return {str(name): _essence(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_essence(part) for part in value]
    return value


def _is_tag(annotation: Any) -> bool:
    """Whether a field says of which kind a recipe is, such as the name of an algorithm."""
    return get_origin(annotation) is Literal and len(get_args(annotation)) == 1
