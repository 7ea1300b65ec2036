"""The allowed arguments of the Python functions, checked before anything is opened or loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

from hyperrl.arguments import (
    FLAG,
    MAPPING,
    NAMES,
    Constraint,
    finite,
    is_instance,
    is_list_of,
    is_number,
    one_of,
    validate_arguments,
)
from hyperrl.deploy.request import SUFFIXES
from hyperrl.evaluation.index_acting import INDEX_MODES
from hyperrl.evaluation.worst_tasks import CRITERIA
from hyperrl.experiments import ENGINES, Monitor
from hyperrl.experiments.tuning import PRUNERS
from hyperrl.identify.adaptation import FIRST
from hyperrl.identify.request import MODELS, RANGES
from hyperrl.recipes import AgentRecipe, FamilyRecipe, SuiteRecipe
from hyperrl.store import Run
from hyperrl.tasks import Family


def _is_sweep(value: Any) -> bool:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 4:
        return False
    feature, low, high, count = value
    return isinstance(feature, str) and all(map(is_number, (low, high))) and isinstance(count, Integral)


def _is_shard(value: Any) -> bool:
    if not isinstance(value, Sequence) or len(value) != 2 or not all(isinstance(n, Integral) for n in value):
        return False
    return bool(1 <= value[0] <= value[1])


def _is_device(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value) is not None


_is_run = is_instance(str, Path, Run)


CONSTRAINTS: dict[str, Constraint] = {
    "agent": Constraint("a name, the path of a YAML file, or a recipe", is_instance(str, Path, AgentRecipe)),
    "run": Constraint("a run, or the path of its directory", _is_run),
    "runs": Constraint(
        "a run, the path of its directory, or a list of them",
        lambda value: _is_run(value) or is_list_of(_is_run)(value),
    ),
    "from_run": Constraint("a run, the path of its directory", _is_run).or_none(),
    "suite": Constraint("a name, the path of a YAML file, or a recipe", is_instance(str, Path, SuiteRecipe)),
    "shard": Constraint("two whole numbers (i, n) with i from 1 to n", _is_shard).or_none(),
    "context": Constraint("a dictionary of features' values, such as {'c0': 2}", is_instance(Mapping)),
    "reference": Constraint("a dictionary of objectives' returns", MAPPING.holds).or_none(),
    **dict.fromkeys(
        ("contexts", "leave_out"),
        Constraint("a list of dictionaries, such as [{'c0': 2}]", is_list_of(is_instance(Mapping))),
    ),
    "sequence": Constraint(
        "a list of dictionaries, such as [{'c0': 2}, {'c0': 3}], or a number of tasks",
        lambda value: isinstance(value, int) or is_list_of(is_instance(Mapping))(value),
    ),
    "sweep": Constraint(
        "a list of (feature, low, high, count), such as [('c0', -1, 1, 5)]", is_list_of(_is_sweep)
    ),
    "schedules": Constraint(
        "a dictionary of features' schedules, such as {'sign': 'jump:50'}", MAPPING.holds
    ).or_none(),
    **dict.fromkeys(
        ("context_error", "observation_noise"),
        Constraint("a list of numbers, such as [0.05, 0.1]", is_list_of(is_number)),
    ),
    "splits": Constraint("a list of splits, such as ['train']", NAMES.holds).or_none(),
    **dict.fromkeys(("hidden", "overrides", "allow_import", "track"), NAMES),
    "checkpoint": Constraint("'best', 'latest', a number of steps", is_instance(str, Integral)).or_none(),
    "device": Constraint("cpu, cuda, cuda:N, mps, auto", _is_device),
    "data": Constraint(
        "the path of a .csv or .npz file, 'minari:NAME', or a dictionary of arrays",
        is_instance(str, Path, Mapping),
    ),
    "model": one_of(MODELS).or_none(),
    "within": one_of(RANGES),
    "first": one_of(FIRST),
    "index": one_of(INDEX_MODES).or_none(),
    "worst": one_of(CRITERIA).or_none(),
    "worst_within": one_of(RANGES).or_none(),
    "baseline": Constraint("an agent's name, such as 'concat-ppo'", is_instance(str)).or_none(),
    "freeze": one_of(("generator", "shared")).or_none(),
    "storage": Constraint("a file, or the URL of a database", is_instance(str, Path)).or_none(),
    "pruner": one_of(PRUNERS),
    "timeout": finite(above=0).or_none(),
    "format": one_of(SUFFIXES),
    "engine": one_of(ENGINES),
    "ray_address": Constraint("an address, such as '10.0.0.1:6379'", is_instance(str)).or_none(),
    "quantize": one_of(("int8",)).or_none(),
    "budget": Constraint(
        "a share of the parameters, above 0, at most 1", lambda value: is_number(value) and 0 < value <= 1
    ).or_none(),
    **dict.fromkeys(("out", "results", "video"), Constraint("a path", is_instance(str, Path)).or_none()),
    **dict.fromkeys(
        (
            "deterministic",
            "detect_anomaly",
            "save",
            "force",
            "shuffle_contexts",
            "animate",
            "uncertainty",
            "flag",
        ),
        FLAG,
    ),
    "progress": Constraint(
        "a function of the work done and planned",
        lambda value: callable(value) or isinstance(value, Monitor),
    ).or_none(),
    "family": Constraint("a family, as contextualize or Family.load give it", is_instance(Family)).or_none(),
}
"""By the arguments' names; numbers are checked where their limits are."""

checked = validate_arguments(CONSTRAINTS)
"""Decorates a function so that it refuses wrong arguments in one line, a UserError, before anything else."""

checked_recipes = validate_arguments(
    {
        **CONSTRAINTS,
        "family": Constraint(
            "a name, the path of a YAML file, a recipe or a family",
            is_instance(str, Path, Family, FamilyRecipe),
        ),
    }
)
"""Likewise, where `family` is required and may be a name or a recipe too."""
