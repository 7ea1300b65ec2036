"""`hyperrl describe`: a recipe in words and units."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

from hyperrl.actions import fits
from hyperrl.cli import console, cost, describe_file, options
from hyperrl.cli.options import argument, flag
from hyperrl.errors import UserError

if TYPE_CHECKING:
    import gymnasium as gym

    from hyperrl.config_fields import Config
    from hyperrl.recipes import AgentRecipe, FamilyRecipe, Feature, Model, Part
    from hyperrl.tasks import Family

_MAX_LISTED = 12


def describe(
    name: Annotated[
        str,
        argument(
            "NAME",
            "An agent or a family: a name or a YAML file; or an exported file.",
            options.complete_recipe,
        ),
    ],
    family: Annotated[
        str | None,
        argument("FAMILY", "Count what the agent NAME costs on this family.", options.complete_family),
    ] = None,
    overrides: options.Overrides = None,
    as_json: Annotated[bool, flag("--json", "With FAMILY: print one JSON object and nothing else.")] = False,
) -> None:
    """Describe an agent or a family, or what an agent costs.

    With FAMILY, counts the parameters, FLOPs and memory of an agent and of its alternatives.
    """
    if family is not None:
        cost.describe(name, family, overrides or [], as_json)
        return
    for option, value in {"--set": overrides, "--json": as_json}.items():
        if value:
            raise UserError(f"{option} needs an AGENT and a FAMILY: hyperrl describe AGENT FAMILY {option}")
    if describe_file.is_export(name):
        describe_file.describe(name)
        return
    from hyperrl.cli.recipe import load
    from hyperrl.recipes import AgentRecipe

    recipe = load(name)
    if isinstance(recipe, AgentRecipe):
        _agent(recipe)
    else:
        _family(recipe)


def _agent(agent: "AgentRecipe") -> None:
    console.prose(f"{agent.name} (agent): {agent.about}")
    own = {"format", "name", "about", "policy", "algorithm", "search"}
    for title, rows in {
        "Policy": _fields(agent.policy, "policy."),
        "Algorithm": _fields(agent.algorithm, "algorithm."),
        "Training": (row for row in _fields(agent) if row[0].partition(".")[0] not in own),
    }.items():
        console.heading(title)
        console.table(["field", "value", "what"], rows)
    console.heading("Search space of `hyperrl tune`")
    console.table(["field", "values"], ([name, str(each)] for name, each in agent.search_space.items()))
    console.line()
    console.line("A family may change fields of the algorithm, steps and n_envs, for all agents alike;")
    console.line("`hyperrl train --set FIELD=VALUE` changes any field.")


def _fields(model: "Model | Config", prefix: str = "") -> Iterator[tuple[str, str, str]]:
    from hyperrl.config_fields import Config
    from hyperrl.recipes import Model, described_fields

    for name, value, description in described_fields(model):
        if isinstance(value, Model | Config):
            yield from _fields(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _value(value), description


def _value(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, tuple | list):
        return f"[{_listed(value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_value(each)}" for name, each in value.items()) + "}"
    return console.number(value, digits=6) if isinstance(value, int | float) else str(value)


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(map(_value, values))


def _family(recipe: "FamilyRecipe") -> None:
    from hyperrl.recipes import ALL_SPLITS, SPLITS
    from hyperrl.tasks import Family

    family = Family(recipe)
    arguments = "".join(f", {key}={_value(value)}" for key, value in recipe.kwargs.items())
    console.prose(f"{recipe.name} (environment family): {recipe.about}")
    console.line()
    oracle = "known for every task" if recipe.oracle else "not known"
    console.pairs([("base", f"{recipe.base}{arguments}"), *_spaces(family), ("oracle", oracle)])
    console.heading("Features (the context)")
    columns = ["feature", "unit", "default", "training", "extrapolation", "what"]
    console.table(columns, (_feature(*each) for each in recipe.features.items()), numbers=["default"])
    for name, derived in recipe.derived.items():
        rule = "sum" if derived.sum else "product"
        console.line(f"{name} is then the {rule} of {', '.join(derived.sources)}")
    console.heading("Splits")
    sizes = {split: len(family.tasks(split)) for split in ALL_SPLITS}
    sizes = {split: size for split, size in sizes.items() if size or split in SPLITS}
    rows = ([split, str(size), _source(getattr(recipe.splits, split), size)] for split, size in sizes.items())
    console.table(["split", "tasks", "from"], rows, numbers=["tasks"])
    console.heading("Training and evaluation")
    console.pairs(_settings(recipe))


def _spaces(family: "Family") -> list[tuple[str, str]]:
    from hyperrl.recipes import is_missing
    from hyperrl.store.trust import may_import

    if not may_import(family.recipe):
        module = family.recipe.parsed_base.imports
        return [("spaces", f"not looked up, since that would import {module!r}; known once you train here")]
    if is_missing(family.recipe.extra):
        return [("spaces", f"known after: pip install 'hyperrl[{family.recipe.extra}]'")]
    masked = ", masked" if fits("masked", family.recipe.actions or "") else ""
    action = _space(family.action_space) + masked
    return [("observation", _space(family.observation_space)), ("action", action)]


def _feature(name: str, feature: "Feature") -> list[str]:
    encodings = {"circle": "; the networks see (cos, sin)", "categorical": "; the networks see it one-hot"}
    carrier = feature.carried_by(name)
    return [
        name,
        feature.unit or "-",
        _value(feature.default),
        _value(feature.train) if feature.values is None else f"{{{_listed(feature.values)}}}",
        _value(feature.extrapolation),
        feature.about
        + encodings.get(feature.encoding, "")
        + ("" if carrier == f"attribute {name}" else f"; {carrier}")
        + ("" if feature.schedule is None else f"; within an episode: {feature.schedule}"),
    ]


def _source(parts: "Iterable[Part]", tasks: int) -> str:
    if any(part.fewer and part.sample is not None and tasks < part.sample for part in parts):
        return "every combination of values" if tasks else "none: no combination of values is left"
    return "; ".join(map(_part, parts)) or "none"


def _part(part: "Part") -> str:
    if part.sample is not None:
        words = f"sampled with seed {part.seed}"
        for name, ranges in (part.ranges or {}).items():
            few = len(ranges) <= _MAX_LISTED // 4
            span = f"{len(ranges)} intervals from {_value(ranges[0][0])} to {_value(ranges[-1][1])}"
            words += f", {name} in {' or '.join(map(_value, ranges)) if few else span}"
    elif part.grid is not None:
        words = f"grid: {' x '.join(f'{name} {_points(values)}' for name, values in part.axes.items())}"
    else:
        from hyperrl.tasks.contexts import assignment

        contexts = [assignment(context) for context in part.explicit]
        words = f"list: {'  '.join(contexts)}" if len(contexts) <= _MAX_LISTED else "list"
    return f"{words}, {part.keep} the training ranges" if part.keep else words


def _points(values: tuple[float, ...]) -> str:
    if len(values) <= _MAX_LISTED // 2:
        return f"{{{_listed(values)}}}"
    return f"{{{_value(values[0])} ... {_value(values[-1])}, {len(values)} values}}"


def _settings(recipe: "FamilyRecipe") -> Iterator[tuple[str, str]]:
    from hyperrl.recipes import ALGORITHMS

    training, evaluation = recipe.training, recipe.evaluation
    for name, unit in (("steps", "environment steps"), ("n_envs", "environments at once")):
        value = getattr(training, name)
        yield name, "the agent's" if value is None else f"{_value(value)} {unit}"
    for algorithm in (each().name for each in ALGORITHMS):
        if fields := getattr(training, algorithm):
            yield (
                f"with {algorithm}",
                ", ".join(f"{field} {_value(value)}" for field, value in fields.items()),
            )
    if training.log_std_init is not None:
        value = _value(training.log_std_init)
        yield "log_std_init", f"{value} (log standard deviation of actions at the start)"
    start = ", ".join(f"{name} = {_value(value)}" for name, value in evaluation.options.items())
    episodes = console.count(evaluation.episodes, "episode")
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
        same = (space.low == low).all() and (space.high == high).all() and abs(low) + high < float("inf")
        bounds = f" in {_value((low, high))}" if same else ""
        return f"{size} {'number' if size == '1' else 'numbers'}{bounds}"
    return " ".join(str(space).split())
