"""The section of a card as Markdown: its template, and the sentences that differ between agents."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from hyperrl.deploy.cards.results import MeanReturn
from hyperrl.recipes import Context, Feature
from hyperrl.store import RunSpec
from hyperrl.tasks import Family

_DIGITS = 4
_BEYOND = {
    "saturate": "the networks see each number of the context held at the edge of its training range",
    "linear": "the networks see the context as it is, and extrapolate",
}


def render(**content: Any) -> str:
    """The text of a section; texts of recipes are made harmless."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("hyperrl.deploy.cards", "."), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, autoescape=False,
    )  # fmt: skip
    environment.filters.update(
        words=words, number=number, interval=interval, trained=trained_on, shape=shape_of
    )
    lines = environment.get_template("section.md").render(**content).splitlines()
    kept_lines = [line for place, line in enumerate(lines) if line or (place and lines[place - 1])]
    return "\n".join(kept_lines)


def words(text: object) -> str:
    """A text of somebody's in one line of a table, without tags, columns or code of its own."""
    plain = " ".join(str(text).split())
    for mark, harmless in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("`", "'"), ("[", "\\[")):
        plain = plain.replace(mark, harmless)
    return plain


def number(value: float | None) -> str:
    """A number with a few significant digits; a dash for None."""
    return "-" if value is None else f"{value:.{_DIGITS}g}"


def interval(row: MeanReturn) -> str:
    """The 95 % interval of a mean; a dash where it is not known."""
    return "-" if row.low is None or row.high is None else f"{number(row.low)} to {number(row.high)}"


def trained_on(feature: Feature) -> str:
    """The training range of a feature, or those of its values that lie there."""
    low, high = feature.train
    if feature.values is not None:
        inside = [value for value in feature.values if feature.within(value, feature.train)]
        return ", ".join(f"{value:g}" for value in inside)
    if feature.encoding == "circle" and math.isclose(high - low, 2 * math.pi, rel_tol=1e-6):
        return "a circle"
    return f"{low:g} to {high:g}"


def shape_of(shape: Sequence[int], batch: bool) -> str:
    """A shape as Python writes it, with n rows where there is a batch."""
    sizes = ["n"] * batch + [str(size) for size in shape]
    return f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"


def observations(family: Family, *, normalized: bool, format: str) -> str:
    """What an observation is, beside its shape."""
    options, base = family.options, family.recipe.base
    text = [f"Observations and actions are those of the environment `{base}`, in its order and its units."]
    if options.wrappers:
        text.append(f"Around it are the wrappers {words(', '.join(map(str, options.wrappers)))}.")
    if options.frame_stack > 1:
        text.append(
            f"The caller stacks: the last {options.frame_stack} observations are joined along the last axis,"
            " the oldest first, and zeros stand before the start of an episode."
        )
    if normalized and format == "stable-baselines3":
        text.append("Observations are normalized with the statistics in the `.pkl` beside the model.")
    elif normalized:
        text.append("Observations are given as they are; the statistics that normalize them are inside.")
    return " ".join(text)


def return_of_task(row: MeanReturn | None, *, smaller: bool) -> str:
    """The return on the task of a specialist in a sentence."""
    if row is None:
        return "No evaluation of the agent on this task is known."
    interval_text = f", 95 % interval {interval(row)}" if row.low is not None else ""
    best = f"; the best known return is {number(row.oracle)}" if row.oracle is not None else ""
    episodes = f"{row.episodes} episode{'s' * (row.episodes != 1)}"
    whose = (
        "It is that of this smaller network"
        if smaller
        else "It is that of the agent, whose actions the file repeats but for rounding"
    )
    return (
        f"Mean return on this task ({row.split}): {number(row.mean)}{interval_text}, over {episodes}, start"
        f" seed {row.start_seed}{best}. {whose}."
    )


def conditions(returns: Sequence[MeanReturn]) -> str:
    """How the evaluations were played."""
    played = dict.fromkeys((row.episodes, row.start_seed) for row in returns)
    how = "; ".join(
        f"{episodes} episode{'s' * (episodes != 1)} a task, start seed {seed}" for episodes, seed in played
    )
    left_out = " After a short training some tasks were left out." if any(r.left_out for r in returns) else ""
    return (
        f"A return is the undiscounted sum of an episode's rewards. Played with the most likely actions:"
        f" {how}."
        " The interval is for tasks like these and other starts. The best weights are chosen on validation."
        f"{left_out}"
    )


def limits(
    spec: RunSpec, family: Family, context: Context | None, returns: Sequence[MeanReturn]
) -> list[str]:
    """What a file is not known to do, in sentences: of a specialist with its task."""
    of_tasks = _of_all_tasks(spec, family, returns) if context is None else _of_one_task(family, context)
    return [
        *of_tasks,
        "It was trained in simulation, with the versions above; nothing is known of any other environment.",
        "Actions are the most likely ones. An observation with NaN gets an action too: check it before.",
    ]


def _of_one_task(family: Family, context: Context) -> Iterator[str]:
    yield "It is for this task alone, and acts on any other one as if it were this one."
    outside = [f"{name} ({low:g} to {high:g})" for name, (low, high) in context.outside.items()]
    if outside:
        yield f"The task lies outside the training range of {', '.join(outside)}: this is extrapolation."
    else:
        trained = family.flag(context) == "train"
        yield f"The task lies inside the training ranges and was {'' if trained else 'not '}trained on."
    for name, values in context.unlisted.items():
        listed = ", ".join(f"{value:g}" for value in values)
        yield f"{name} = {context[name]:g} is none of the feature's values, {listed}."


def _of_all_tasks(spec: RunSpec, family: Family, returns: Sequence[MeanReturn]) -> Iterator[str]:
    tasks = len(family.tasks("train"))
    yield f"It was trained on {tasks} task{'s' * (tasks != 1)} inside the ranges of the table above."
    policy = spec.agent.policy
    if policy.kind == "blind":
        yield "It never sees the context, and acts alike on all tasks."
    elif policy.inference is not None:
        yield f"It infers the context from the last {policy.inference.window} transitions of an episode."
    else:
        yield f"Beyond the training ranges {_BEYOND[policy.beyond]}."
    if not any(row.split == "extrapolation" for row in returns):
        yield "What it returns on tasks beyond the training ranges was not measured."
