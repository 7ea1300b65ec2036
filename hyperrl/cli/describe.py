"""`hyperrl describe`: a recipe in words and units."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hyperrl.cli import show

if TYPE_CHECKING:
    from hyperrl.recipes import AgentRecipe, FamilyRecipe, Feature, Model, Part


def describe(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="An agent or a family: its name, or a YAML file.")
    ],
) -> None:
    """Say what an agent or a family is: networks and algorithm, or features with units, ranges and splits."""
    from hyperrl.cli.recipe import load
    from hyperrl.recipes import AgentRecipe

    recipe = load(name)
    if isinstance(recipe, AgentRecipe):
        _agent(recipe)
    else:
        _family(recipe)


def _agent(agent: "AgentRecipe") -> None:
    show.prose(f"{agent.name} (agent): {agent.about}")
    for title, part in (("policy", agent.policy), ("algorithm", agent.algorithm), ("training", agent)):
        prefix = "" if part is agent else f"{title}."
        show.heading(title.capitalize())
        rows = _fields(
            part, prefix, skip={"format", "name", "about", "policy", "algorithm"} if part is agent else ()
        )
        show.table(["field", "value", "what"], rows)
    show.line()
    show.line("A family may change the algorithm's fields, steps and n_envs for all agents alike;")
    show.line("`hyperrl train --set FIELD=VALUE` changes any of them.")


def _fields(model: "Model", prefix: str = "", skip: Iterable[str] = ()) -> Iterator[tuple[str, str, str]]:
    from hyperrl.recipes import Model

    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if name in skip:
            continue
        if isinstance(value, Model):
            yield from _fields(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _value(value), field.description or ""


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_value, value))}]"
    return show.number(value, digits=6) if isinstance(value, int | float) else str(value)


def _family(recipe: "FamilyRecipe") -> None:
    from hyperrl.recipes import SPLITS
    from hyperrl.tasks import Family

    family = Family(recipe)
    made = "".join(f", {key}={_value(value)}" for key, value in recipe.kwargs.items())
    show.prose(f"{recipe.name} (environment family): {recipe.about}")
    show.line()
    show.pairs(
        [
            ("base", f"{recipe.base}{made}"),
            ("observation", str(family.observation_space)),
            ("action", str(family.action_space)),
            ("optimum", "known for every task" if recipe.oracle else "not known"),
        ]
    )
    show.heading("Features (the context)")
    columns = ["feature", "what", "unit", "default", "training", "extrapolation", "attribute"]
    show.table(columns, (_feature(*each) for each in recipe.features.items()), numbers=["default"])
    for name, derived in recipe.derived.items():
        show.line(f"{name} is then the {'sum' if derived.sum else 'product'} of {', '.join(derived.sources)}")
    show.heading("Splits")
    rows = (
        [split, str(len(family.tasks(split))), _source(getattr(recipe.splits, split))] for split in SPLITS
    )
    show.table(["split", "tasks", "from"], rows, numbers=["tasks"])
    show.heading("Of any agent")
    show.pairs(_needs(recipe))


def _feature(name: str, feature: "Feature") -> list[str]:
    trained = f"[{_value(feature.train[0])}, {_value(feature.train[1])}]"
    widest = _value(feature.extrapolation)
    if feature.values is not None:
        trained = f"{{{', '.join(map(_value, feature.values))}}}"
    circle = " (seen as cos, sin)" if feature.encoding == "circle" else ""
    return [
        name,
        feature.about + circle,
        feature.unit or "-",
        _value(feature.default),
        trained,
        widest,
        feature.attribute or name,
    ]


def _source(parts: "Iterable[Part]") -> str:
    return "; ".join(map(_part, parts)) or "none"


def _part(part: "Part") -> str:
    if part.sample is not None:
        inside = "".join(
            f", {name} in {' or '.join(map(_value, intervals))}"
            for name, intervals in (part.ranges or {}).items()
        )
        words = f"sampled with seed {part.seed}{inside}"
    elif part.grid is not None:
        axes = (f"{len(values)} of {name}" for name, values in part.axes.items())
        words = f"a grid, {' x '.join(axes)}"
    else:
        words = "a list"
    if part.keep:
        words += f", {part.keep} the training ranges"
    return words


def _needs(recipe: "FamilyRecipe") -> Iterator[tuple[str, str]]:
    for name in ("steps", "n_envs"):
        value = getattr(recipe.training, name)
        yield name, "the agent's own" if value is None else _value(value)
    for algorithm in ("ppo", "a2c"):
        fields = getattr(recipe.training, algorithm)
        if fields:
            yield algorithm, ", ".join(f"{field} {_value(value)}" for field, value in fields.items())
    yield "evaluation", f"{recipe.evaluation.episodes} episodes per task"
    for name, value in recipe.evaluation.options.items():
        yield "", f"every episode starts with {name} = {_value(value)}"
