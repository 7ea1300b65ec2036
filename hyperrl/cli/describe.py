"""`hyperrl describe`: a recipe in words and units."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hyperrl.cli import completion, console, cost
from hyperrl.cli.options import Overrides
from hyperrl.errors import UserError

if TYPE_CHECKING:
    import gymnasium as gym

    from hyperrl.recipes import AgentRecipe, FamilyRecipe, Feature, Model, Part, Range
    from hyperrl.tasks import Family

_LISTED = 12


def describe(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            autocompletion=completion.recipes,
            help="An agent or a family: its name, or a YAML file.",
        ),
    ],
    family: Annotated[
        str | None,
        typer.Argument(
            metavar="FAMILY",
            autocompletion=completion.families,
            help="A family's name or YAML file: what the agent NAME costs on it.",
        ),
    ] = None,
    overrides: Overrides = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="With FAMILY: print one JSON object on stdout.")
    ] = False,
) -> None:
    """Say in words and units what an agent or a family is, or count what an agent costs on a family."""
    if family is not None:
        cost.describe(name, family, overrides or [], as_json)
        return
    for option, given in (("--set", bool(overrides)), ("--json", as_json)):
        if given:
            raise UserError(f"{option} needs an AGENT and a FAMILY: hyperrl describe AGENT FAMILY {option}")
    from hyperrl.cli.recipe import load
    from hyperrl.recipes import AgentRecipe

    recipe = load(name)
    if isinstance(recipe, AgentRecipe):
        _agent(recipe)
    else:
        _family(recipe)


def _agent(agent: "AgentRecipe") -> None:
    console.prose(f"{agent.name} (agent): {agent.about}")
    for title, part in (("policy", agent.policy), ("algorithm", agent.algorithm), ("training", agent)):
        prefix = "" if part is agent else f"{title}."
        console.heading(title.capitalize())
        rows = _fields(
            part, prefix, skip={"format", "name", "about", "policy", "algorithm"} if part is agent else ()
        )
        console.table(["field", "value", "what"], rows)
    console.line()
    console.line("A family may change the algorithm's fields, steps and n_envs for all agents alike;")
    console.line("`hyperrl train --set FIELD=VALUE` changes any of them.")


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
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_value(each)}" for name, each in value.items()) + "}"
    return console.number(value, digits=6) if isinstance(value, int | float) else str(value)


def _family(recipe: "FamilyRecipe") -> None:
    from hyperrl.recipes import SPLITS
    from hyperrl.tasks import Family

    family = Family(recipe)
    made = "".join(f", {key}={_value(value)}" for key, value in recipe.kwargs.items())
    console.prose(f"{recipe.name} (environment family): {recipe.about}")
    console.line()
    console.pairs(
        [
            ("base", f"{recipe.base}{made}"),
            *_spaces(family),
            ("optimum", "known for every task" if recipe.oracle else "not known"),
        ]
    )
    console.heading("Features (the context)")
    columns = ["feature", "unit", "default", "training", "extrapolation", "what"]
    console.table(columns, (_feature(*each) for each in recipe.features.items()), numbers=["default"])
    for name, derived in recipe.derived.items():
        console.line(
            f"{name} is then the {'sum' if derived.sum else 'product'} of {', '.join(derived.sources)}"
        )
    console.heading("Splits")
    rows = (
        [split, str(len(tasks)), _source(getattr(recipe.splits, split), len(tasks))]
        for split, tasks in ((split, family.tasks(split)) for split in SPLITS)
    )
    console.table(["split", "tasks", "from"], rows, numbers=["tasks"])
    console.heading("Training and evaluation")
    console.pairs(_use(recipe))


def _spaces(family: "Family") -> list[tuple[str, str]]:
    from hyperrl.recipes import is_missing
    from hyperrl.store.trust import may_import

    if not may_import(family.recipe):
        module = family.recipe.base_module
        return [("spaces", f"not looked up, since that would import {module!r}; known once you train here")]
    if is_missing(family.recipe.extra):
        return [("spaces", f"known after: pip install 'hyperrl[{family.recipe.extra}]'")]
    return [("observation", _space(family.observation_space)), ("action", _space(family.action_space))]


def _feature(name: str, feature: "Feature") -> list[str]:
    trained = (
        _value(feature.train) if feature.values is None else f"{{{', '.join(map(_value, feature.values))}}}"
    )
    seen = {"circle": "; the networks see (cos, sin)", "categorical": "; the networks see it one-hot"}
    carried = feature.carried_by(name)
    carried = "" if carried == f"attribute {name}" else f"; {carried}"
    widest = _value(feature.extrapolation)
    return [
        name,
        feature.unit or "-",
        _value(feature.default),
        trained,
        widest,
        feature.about + seen.get(feature.encoding, "") + carried,
    ]


def _source(parts: "Iterable[Part]", tasks: int) -> str:
    words = "; ".join(map(_part, parts)) or "none"
    if any(part.fewer and part.sample is not None and tasks < part.sample for part in parts):
        words = "every combination of values" if tasks else "none: no combination of values is left"
    return words


def _part(part: "Part") -> str:
    if part.sample is not None:
        words = f"sampled with seed {part.seed}"
        words += "".join(f", {name} in {_intervals(found)}" for name, found in (part.ranges or {}).items())
    elif part.grid is not None:
        words = f"grid: {' x '.join(f'{name} {_points(values)}' for name, values in part.axes.items())}"
    else:
        from hyperrl.tasks.contexts import assignment

        listed = [assignment(context) for context in part.explicit]
        words = f"list: {'  '.join(listed)}" if len(listed) <= _LISTED else "list"
    return f"{words}, {part.keep} the training ranges" if part.keep else words


def _points(values: tuple[float, ...]) -> str:
    if len(values) <= _LISTED // 2:
        return "{" + ", ".join(map(_value, values)) + "}"
    return f"{{{_value(values[0])} ... {_value(values[-1])}, {len(values)} values}}"


def _intervals(found: "tuple[Range, ...]") -> str:
    if len(found) <= _LISTED // 4:
        return " or ".join(map(_value, found))
    return f"{len(found)} intervals from {_value(found[0][0])} to {_value(found[-1][1])}"


def _use(recipe: "FamilyRecipe") -> Iterator[tuple[str, str]]:
    from hyperrl.recipes import ALGORITHMS

    training, evaluation = recipe.training, recipe.evaluation
    for name, unit in (("steps", "environment steps"), ("n_envs", "environments at once")):
        value = getattr(training, name)
        yield name, "as the agent says" if value is None else f"{_value(value)} {unit}"
    for algorithm in (each().name for each in ALGORITHMS):
        fields = getattr(training, algorithm)
        if fields:
            yield (
                f"with {algorithm}",
                ", ".join(f"{field} {_value(value)}" for field, value in fields.items()),
            )
    if training.log_std_init is not None:
        yield (
            "log_std_init",
            f"{_value(training.log_std_init)} (log standard deviation of actions at the start)",
        )
    episodes = "1 episode" if evaluation.episodes == 1 else f"{evaluation.episodes} episodes"
    start = ", ".join(f"{name} = {_value(value)}" for name, value in evaluation.options.items())
    yield "evaluation", f"{episodes} per task" + (f", each from {start}" if start else "")


def _space(space: "gym.Space[Any]") -> str:
    from gymnasium import spaces

    if isinstance(space, spaces.Dict):
        return "; ".join(f"{name}: {_space(part)}" for name, part in sorted(space.items(), reverse=True))
    if isinstance(space, spaces.Discrete):
        return f"one of {space.n} choices"
    if isinstance(space, spaces.Box):
        size = " x ".join(map(str, space.shape)) or "1"
        low, high = float(space.low.min()), float(space.high.max())
        same = bool(
            (space.low == low).all() and (space.high == high).all() and abs(low) + high < float("inf")
        )
        return f"{size} {'number' if size == '1' else 'numbers'}" + (
            f" in {_value((low, high))}" if same else ""
        )
    return " ".join(str(space).split())
