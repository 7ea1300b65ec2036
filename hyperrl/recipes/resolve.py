"""An agent as it will train on a family: its own fields, then the family's, then the user's overrides."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from hyperrl.errors import UserError, spelled
from hyperrl.recipes.agent import AgentRecipe
from hyperrl.recipes.catalog import parse_agent
from hyperrl.recipes.family import FamilyRecipe
from hyperrl.recipes.messages import show
from hyperrl.recipes.yaml import parse_yaml


def resolve(agent: AgentRecipe, family: FamilyRecipe, overrides: Sequence[str] = ()) -> AgentRecipe:
    """The agent with the family's needs and the user's overrides, validated again.

    Args:
        agent: the recipe.
        family: its `training` comes before the agent's own fields.
        overrides: "algorithm.learning_rate=1e-3", "steps=1000"; values in YAML; they come before all else.

    Raises:
        UserError: an override that is no `key=value`, names no field (the nearest offered), or breaks a rule.
    """
    data = agent.model_dump()
    needs = family.training
    data["algorithm"].update(getattr(needs, agent.algorithm.name))
    if needs.log_std_init is not None:
        data["policy"]["log_std_init"] = needs.log_std_init
    data.update({name: value for name in ("steps", "n_envs") if (value := getattr(needs, name)) is not None})
    for override in overrides:
        _set(data, override)
    try:
        return parse_agent(data, _source() if overrides else f"{agent.name} on {family.name}")
    except UserError as error:
        kind = _of_another_kind(agent, data, str(error))
        raise kind or _at_another_place(agent, overrides, str(error)) or error from None


def _of_another_kind(agent: AgentRecipe, data: dict[str, Any], mistake: str) -> UserError | None:
    """The mistake itself where the agent's own fields are refused for an algorithm or policy not its own."""
    for group, name in (("algorithm", "name"), ("policy", "kind")):
        given, own = data[group], getattr(getattr(agent, group), name)
        found = given.get(name) if isinstance(given, dict) else own
        if found != own and f": {group}." in mistake and f": {group}.{name}: " not in mistake:
            return UserError(
                f"{_source()}: {group}.{name}: found {show(found)}; allowed: {show(own)}, which the other"
                f" fields of agent {agent.name!r} are for; take another agent (`hyperrl list agents`)"
            )
    return None


def _at_another_place(agent: AgentRecipe, overrides: Sequence[str], mistake: str) -> UserError | None:
    """The mistake itself where an override's field is unknown, but a group holds one of that name."""
    known = list(_paths(agent.model_dump()))
    for override in overrides:
        key = override.partition("=")[0].strip()
        place = key if f": {key}: unknown field" in mistake else key.partition(".")[0]
        if f": {place}: unknown field" not in mistake or key in known:
            continue
        last = key.rpartition(".")[2]
        names = {path.rpartition(".")[2] for path in known}
        close = get_close_matches(last, names, n=1, cutoff=0.8)
        found = [path for path in known if path.endswith(f".{key}")] or [
            path for name in close for path in known if path.rpartition(".")[2] == name
        ]
        if found and found[0].rpartition(".")[0] != key.rpartition(".")[0]:
            return UserError(f"{_source()}: {key}: unknown field; did you mean {found[0]!r}?")
    return None


def _paths(data: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted names of all fields."""
    for name, value in data.items():
        yield prefix + name
        if isinstance(value, Mapping):
            yield from _paths(value, f"{prefix}{name}.")


def _source() -> str:
    """What a message calls the place where a field was given."""
    return spelled("overrides", "--set")


def _set(data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    fields = key.strip().split(".")
    if not equals or not all(fields):
        raise UserError(
            f"{_source()}: found {show(override)}; allowed: key=value, such as algorithm.learning_rate=1e-3"
        )
    value = parse_yaml(text, f"{_source()} {key.strip()}")
    here = data
    for depth, field in enumerate(fields[:-1], start=1):
        inner = here.setdefault(field, {})
        if not isinstance(inner, dict):
            where = ".".join(fields[:depth])
            raise UserError(
                f"{_source()}: {where}: found {show(inner)}, which has no fields; allowed: {where}=value"
            )
        here = inner
    here[fields[-1]] = value
