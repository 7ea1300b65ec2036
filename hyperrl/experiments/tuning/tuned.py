"""The recipe that a study found, as a file that `hyperrl train` takes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from hyperrl.experiments.tuning.plan import Plan
from hyperrl.experiments.tuning.study import TrialRecord
from hyperrl.recipes import AgentRecipe, HyperPolicyRecipe, parse_yaml
from hyperrl.recipes.fields import set_field
from hyperrl.recipes.resolve import family_fields, overridden
from hyperrl.recipes.yaml import dump_yaml

_LONGEST_NAME = 64
_SUFFIX = "-tuned"


def best_of(trials: Sequence[TrialRecord]) -> TrialRecord | None:
    """The finished trial with the highest validation return, the earliest of equal ones; None without any."""
    return next(iter(best_first(trials)), None)


def best_first(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The finished trials, from the highest validation return to the lowest."""
    finished = [(trial.value, trial) for trial in trials if trial.state == "finished"]
    return [trial for value, trial in sorted(finished, key=lambda pair: -(pair[0] or 0.0))]


def tuned_text(plan: Plan, trials: Sequence[TrialRecord], best: TrialRecord, command: str, place: str) -> str:
    """The text of the recipe of a trial, with how it was found as a comment.

    On the family of the study, its `training` replaces nothing in it.

    Args:
        plan: of the study.
        trials: all of the study.
        best: the trial.
        command: which made the study.
        place: the study's storage, without a password.
    """
    ended = sum(trial.state != "running" for trial in trials)
    seeds = f"{plan.seeds} seed{'s' * (plan.seeds > 1)}"
    own = next((trial.value for trial in trials if trial.own and trial.state == "finished"), None)
    compared = "" if own is None or best.own else f"; the recipe as it was: {own:.6g}"
    lines = [
        f"Found by: {command}",
        f"Study: {plan.name!r} in {place}, {ended} trials; this is trial {best.number}.",
        f"Validation return: {best.value:.6g}, mean over {seeds}, {plan.base.steps} steps each{compared}.",
        "Trials were compared by validation tasks alone.",
        f"Versions: hyperrl {version('hyperrl')}, optuna {version('optuna')}.",
    ]
    about = (
        f"{plan.agent.name} tuned on {plan.family.name}: trial {best.number} of {ended},"
        f" validation return {best.value:.4g}"
    )
    return recipe_text(plan, best.overrides, about, lines)


def recipe_text(plan: Plan, overrides: Sequence[str], about: str, comments: Sequence[str]) -> str:
    """The text of a recipe: the plan's agent with other fields.

    Args:
        plan: what was searched.
        overrides: the fields that were found.
        about: what it says of itself.
        comments: what stands above it, how it was found.
    """
    comment = "".join(f"# {line}\n" for text in comments for line in text.splitlines())
    return comment + dump_yaml(_fields(plan, overrides, about), inner_in_flow=True)


def study_command(
    plan: Plan, agent: str, family: str, trials: int, storage: str | None, pruner: str | None
) -> str:
    """The command that makes the study.

    Args:
        plan: of the study.
        agent: the agent's name or path.
        family: the family's name or path.
        trials: how many there are to be.
        storage: where it is kept, without a password; None: in the study's folder.
        pruner: what stops runs early; None: the default.
    """
    parts = ["hyperrl", "tune", agent, family, "--trials", str(trials), "--seeds", str(plan.seeds)]
    parts += [] if plan.steps is None else ["--steps", str(plan.steps)]
    parts += [part for override in plan.overrides for part in ("--set", override)]
    parts += [] if storage is None else ["--storage", storage]
    parts += [] if pruner is None else ["--pruner", pruner]
    return shlex.join([*parts, "--out", str(plan.out)])


def _fields(plan: Plan, overrides: Sequence[str], about: str) -> dict[str, Any]:
    """The fields that the recipe's file states, those of the family, of the user and those found."""
    stated = plan.agent.model_dump(mode="json", exclude_unset=True)
    name = plan.agent.name[: _LONGEST_NAME - len(_SUFFIX)] + _SUFFIX
    data = {**stated, "name": name, "about": about, "tuned_on": plan.family.name}
    for field, value in family_fields(plan.agent, plan.family).items():
        set_field(data, field, value)
    for override in (*plan.overrides, *overrides):
        set_field(data, overridden(override), parse_yaml(override.partition("=")[2], "override"))
    for group, tag in (("algorithm", "name"), ("policy", "kind")):
        data[group] = {tag: getattr(getattr(plan.agent, group), tag), **data[group]}
    _leave_out_defaults(data, plan.agent)
    return {field: value for field, value in data.items() if field != "wrappers" or value}


def _leave_out_defaults(data: dict[str, Any], agent: AgentRecipe) -> None:
    """Leave out the fields of the hypernetwork that have their defaults: no file states all of them."""
    if agent.policy.kind == "hyper":
        defaults = HyperPolicyRecipe().model_dump(mode="json")["hypernetwork"]
        policy = data["policy"]
        stated = policy.get("hypernetwork", {})
        policy["hypernetwork"] = {
            name: value for name, value in stated.items() if value != defaults.get(name, value)
        }
