"""An agent as it will train on a family: its own fields, then the family's, then the user's overrides."""

from collections.abc import Mapping, Sequence
from typing import Any

from hyperrl.errors import UserError, nearest, user_syntax
from hyperrl.recipes.agent import AgentRecipe
from hyperrl.recipes.base import RecipeError
from hyperrl.recipes.family import FamilyRecipe
from hyperrl.recipes.fields import covers, dotted_fields, set_field
from hyperrl.recipes.messages import FieldError, show
from hyperrl.recipes.yaml import parse_yaml


def resolve(
    agent: AgentRecipe, family: FamilyRecipe, overrides: Sequence[str] = (), *, keep_search: bool = False
) -> AgentRecipe:
    """The agent with the family's needs and the user's overrides, validated again.

    Args:
        agent: the recipe.
        family: its `training` comes before the agent's own fields, unless the agent was tuned on it.
        overrides: "algorithm.learning_rate=1e-3", "steps=1000"; values in YAML; they come before all else.
        keep_search: whether the agent has the search space of an override `search=...`; what trains has none,
            since no number of a training depends on it.

    Raises:
        UserError: an override that is not `FIELD=VALUE`, names no field (the nearest is offered), or breaks a
            rule.
    """
    data = agent.model_dump(exclude={"search"})
    for name, value in family_fields(agent, family).items():
        set_field(data, name, value)
    for override in overrides:
        _set(data, override)
    try:
        resolved = AgentRecipe.parse(data, _source() if overrides else f"{agent.name} on {family.name}")
    except RecipeError as error:
        hint = _on_another_kind(agent, data, error.field) or _on_another_place(agent, overrides, error.field)
        raise (UserError(f"{_source()}: {hint}") if hint else error) from None
    return resolved if keep_search or not resolved.search else resolved.model_copy(update={"search": {}})


def replaced(
    agent: AgentRecipe, family: FamilyRecipe, overrides: Sequence[str] = ()
) -> list[tuple[str, Any, Any]]:
    """The fields that an agent states and the family replaces, unless an override has the last word.

    Returns:
        For each of them its dotted name, the agent's value and the family's.
    """
    own, needs = dict(dotted_fields(agent.model_dump())), family_fields(agent, family)
    chosen = list(map(overridden, overrides))
    return [
        (name, own[name], needs[name])
        for name, _ in dotted_fields(agent.model_dump(exclude_unset=True))
        if own[name] != needs.get(name, own[name]) and not any(covers(name, key) for key in chosen)
    ]


def overridden(override: str) -> str:
    """The dotted name of the field that an override sets."""
    return override.partition("=")[0].strip()


def family_fields(agent: AgentRecipe, family: FamilyRecipe) -> dict[str, Any]:
    """What the family's `training` sets for the agent, by dotted names; an agent tuned on it has that."""
    if agent.tuned_on == family.name:
        return {}
    training = family.training.model_dump()
    general = {"policy.log_std_init": training["log_std_init"]}
    general |= {name: training[name] for name in ("steps", "n_envs")}
    own = {f"algorithm.{name}": value for name, value in training[agent.algorithm.name].items()}
    return own | {name: value for name, value in general.items() if value is not None}


def _on_another_kind(agent: AgentRecipe, data: Mapping[str, Any], field: FieldError) -> str | None:
    """What to say where the agent's own fields are refused because its algorithm or policy was replaced."""
    for group, name in (("algorithm", "name"), ("policy", "kind")):
        own = getattr(getattr(agent, group), name)
        kind = data[group].get(name) if isinstance(data[group], dict) else own
        if kind != own and field.path[:1] == (group,) and field.path != (group, name):
            return (
                f"{group}.{name}: found {show(kind)}; allowed: {show(own)}, which the other fields of agent"
                f" {agent.name!r} are for; take another agent (`hyperrl list agents`)"
            )
    return None


def _on_another_place(agent: AgentRecipe, overrides: Sequence[str], field: FieldError) -> str | None:
    """What to say where an override's field is unknown, but another group has one of that name."""
    paths = [path for path, _ in dotted_fields(agent.model_dump(exclude={"search"}))]
    for key in map(overridden, overrides):
        group, _, last = key.rpartition(".")
        if not field.unknown or ".".join(map(str, field.path)) not in (key, key.partition(".")[0]):
            continue
        name = nearest(last, (path.rpartition(".")[2] for path in paths))
        same = [path for path in paths if path.rpartition(".")[2] == name]
        meant = max(same, key=lambda path: path.endswith(f".{key}"), default=key)
        if meant.rpartition(".")[0] != group:
            return f"{key}: unknown field; did you mean {meant!r}?"
    return None


def _source() -> str:
    """How messages name the overrides: in Python or on the command line."""
    return user_syntax("overrides", "--set")


def _set(data: dict[str, Any], override: str) -> None:
    name, (_, equals, text) = overridden(override), override.partition("=")
    if not equals or not all(name.split(".")):
        raise UserError(
            f"{_source()}: found {show(override)}; allowed: FIELD=VALUE, such as algorithm.learning_rate=1e-3"
        )
    value = parse_yaml(text, f"{_source()} {name}")
    try:
        set_field(data, name, value)
    except FieldError as error:
        raise UserError(f"{_source()}: {error}") from None
