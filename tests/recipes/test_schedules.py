"""Schedules: the values of Stable-Baselines3's and torch's, data that comes back, refusals in one line."""

import math
import warnings
from typing import Any

import pytest
import torch
from stable_baselines3.common.utils import ConstantSchedule, LinearSchedule
from torch.optim.lr_scheduler import CosineAnnealingLR

from hyperrl.recipes import ALGORITHMS, AgentRecipe, load_family
from hyperrl.recipes.base import RecipeError
from hyperrl.recipes.schedules import AnySchedule
from hyperrl.recipes.yaml import parse_yaml
from hyperrl.store.spec import RunSpec, spec_text
from tests.recipes.mistakes import agent, refusal

REMAINING = [*(1 - step / 96 for step in range(97)), -0.03]
"""Progress remaining at 97 moments, and where the last rollout went beyond the planned steps."""


def scheduled(value: object, field: str = "learning_rate", algorithm: str = "ppo") -> Any:
    recipe = AgentRecipe.parse(agent(algorithm={"name": algorithm, field: value}), "mine.yaml")
    return getattr(recipe.algorithm, field)


def values(schedule: Any) -> list[float]:
    return [schedule(remaining) for remaining in REMAINING]


@pytest.mark.parametrize(("start", "end", "part"), [(3e-4, 0.0, 1.0), (1e-3, 1e-5, 0.7), (1e-5, 1e-3, 0.1)])
def test_a_linear_schedule_is_sb3s(start: float, end: float, part: float) -> None:
    ours = scheduled({"schedule": "linear", "start": start, "end": end, "end_fraction": part})
    assert values(ours) == values(LinearSchedule(start, end, part))


def test_rl_zoos_text_is_a_linear_schedule_to_zero() -> None:
    ours = scheduled("lin_3e-4")
    assert ours == scheduled({"schedule": "linear", "start": "3e-4"})
    assert values(ours) == values(LinearSchedule(3e-4, 0, 1))
    assert values(ours)[:-1] == pytest.approx([3e-4 * remaining for remaining in REMAINING[:-1]])


def test_a_constant_schedule_is_sb3s() -> None:
    assert values(scheduled({"schedule": "constant", "value": 0.2})) == values(ConstantSchedule(0.2))


def test_a_cosine_schedule_is_torchs() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no step is taken
        annealing = CosineAnnealingLR(optimizer, T_max=96, eta_min=1e-5)
        expected = [1e-3]
        for _ in range(96):
            annealing.step()
            expected += [float(rate) for rate in annealing.get_last_lr()]
    ours = scheduled({"schedule": "cosine", "start": 1e-3, "end": 1e-5})
    assert values(ours)[:-1] == pytest.approx(expected, rel=1e-9)
    assert values(ours)[-1] == 1e-5


@pytest.mark.parametrize(
    "course",
    [
        {"schedule": "constant", "value": 0.4},
        {"schedule": "linear", "start": 0.4, "end": 0.1},
        {"schedule": "cosine", "start": 0.4, "end": 0.1, "end_fraction": 0.75},
    ],
)
def test_a_warmup_rises_from_zero_and_what_follows_begins_at_its_end(course: dict[str, Any]) -> None:
    with_warmup, without = scheduled({**course, "warmup": 0.25}), scheduled(course)
    assert [with_warmup(1 - done) for done in (0, 0.0625, 0.125)] == pytest.approx([0, 0.1, 0.2])
    whole = course.get("end_fraction", 1.0)
    for part in (0, 0.1, 0.5, 0.9, 1):  # of the way from the warm-up's end to the schedule's
        found = with_warmup(1 - (0.25 + part * (whole - 0.25)))
        assert found == pytest.approx(without(1 - part * whole))


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_no_value_is_negative(schedule: str) -> None:
    for part in (0.1, 0.3, 0.7, 1.0):
        ours = scheduled({"schedule": schedule, "start": 0.3, "end_fraction": part})
        assert min(ours(1 - step * part / 4096) for step in range(4100)) == 0.0


EVERY = [
    ("lin_1e-3", "linear from 0.001 to 0"),
    (
        {"schedule": "linear", "start": 1e-3, "end": 1e-4, "end_fraction": 0.5},
        "linear from 0.001 to 0.0001 at 0.5 of the training",
    ),
    ({"schedule": "cosine", "start": 1e-3, "warmup": 0.05}, "cosine from 0.001 to 0, warm-up 0.05"),
    ({"schedule": "constant", "value": "3e-4", "warmup": 0.1}, "constant 0.0003, warm-up 0.1"),
]


@pytest.mark.parametrize(("given", "words"), EVERY)
def test_a_run_records_it_as_data_that_reads_back_equal(given: object, words: str) -> None:
    fields = {"name": "ppo", "learning_rate": given, "clip_range": given, "clip_range_vf": given}
    recipe = AgentRecipe.parse(agent(algorithm=fields), "mine.yaml")
    family = load_family("ode").model_dump()
    family["training"]["ppo"] = {"learning_rate": given}
    spec = RunSpec.parse({"agent": recipe, "family": family, "seed": 0, "steps": 8}, "")
    again = RunSpec.parse(parse_yaml(spec_text(spec), "run.yaml"), "run.yaml")
    assert again == spec
    assert again.agent.algorithm.schedules.keys() == {"learning_rate", "clip_range", "clip_range_vf"}
    for schedule in again.agent.algorithm.schedules.values():
        assert isinstance(schedule, AnySchedule)
        assert str(schedule) == words


def test_a_number_stays_a_number() -> None:
    for given in (3e-4, "3e-4"):
        assert scheduled(given) == 3e-4
        assert type(scheduled(given)) is float
    assert AgentRecipe.parse(agent(), "").algorithm.schedules == {}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_fields_that_may_be_schedules_are_those_that_are_named(algorithm: Any) -> None:
    taking = set()
    for field in algorithm.model_fields:
        try:
            algorithm.parse({field: "lin_3e-4"}, "")
        except RecipeError:
            continue
        taking.add(field)
    assert taking == set(algorithm.scheduled)
    assert ("clip_range" in taking) == (algorithm().name in ("ppo", "recurrent_ppo", "maskable_ppo"))


FORMS = "allowed: a finite number, lin_3e-4, or {schedule: linear, start: 3e-4, end: 0}"
WRONG: list[tuple[object, str]] = [
    ("lin_abc", ': found "lin_abc"; allowed: lin_ and a number > 0, such as lin_3e-4'),
    ("lin_", ': found "lin_"; allowed: lin_ and a number > 0'),
    ("lin_-3e-4", ': found "lin_-3e-4"; allowed: lin_ and a number > 0'),
    ("lin_nan", ': found "lin_nan"; allowed: lin_ and a number > 0'),
    ("log_3e-4", f': found "log_3e-4"; {FORMS}'),
    (None, f": found null; {FORMS}"),
    ([3e-4], f": found [0.0003]; {FORMS}"),
    (True, f": found true; {FORMS}"),
    (-3e-4, ": found -0.0003; allowed: a number > 0"),
    (math.inf, f": found Infinity; {FORMS}"),
    (1e13, ": found 10000000000000.0; allowed: a number <= 1000000000000.0"),
    ("lin_1e13", ': found "lin_1e13"; allowed: lin_ and a number > 0'),
    (
        {"schedule": "linear", "start": 1e13},
        ".start: found 10000000000000.0; allowed: a number <= 1000000000000.0",
    ),
    ({}, ": found {}; allowed: a mapping with the field 'schedule'"),
    (
        {"schedule": "lineer"},
        ".schedule: found \"lineer\"; did you mean 'linear'? known: constant, linear, co",
    ),
    ({"schedule": "linear"}, ".start: missing"),
    ({"schedule": "linear", "strat": 1}, ".strat: unknown field; did you mean 'start'?"),
    ({"schedule": "constant", "start": 1}, ".start: unknown field; known: schedule, warmup, value"),
    ({"schedule": "constant", "value": 0}, ".value: found 0; allowed: a number > 0"),
    ({"schedule": "constant", "value": 1, "warmup": 2}, ".warmup: found 2; allowed: a number <= 1"),
    ({"schedule": "constant", "value": 1, "warmup": 1}, ".warmup: found 1; allowed: a number < 1"),
    ({"schedule": "linear", "start": -1}, ".start: found -1; allowed: a number >= 0"),
    ({"schedule": "cosine", "start": 1, "end": -1}, ".end: found -1; allowed: a number >= 0"),
    ({"schedule": "cosine", "start": 0}, ".start: found 0.0; allowed: a number > 0 where end is 0"),
    ({"schedule": "cosine", "start": 1, "end_fraction": 0}, ".end_fraction: found 0; allowed: a number > 0"),
    (
        {"schedule": "cosine", "start": 1, "warmup": 0.5, "end_fraction": 0.4},
        ".warmup: found 0.5; allowed: less than end_fraction, 0.4",
    ),
]


@pytest.mark.parametrize(("given", "says"), WRONG, ids=lambda value: str(value)[:40])
def test_a_schedule_that_cannot_be_read_is_refused(given: object, says: str) -> None:
    for algorithm, field in (("sac", "learning_rate"), ("ppo", "clip_range")):
        message = refusal(scheduled, given, field, algorithm)
        assert message.startswith(f"mine.yaml: algorithm.{field}{says}")
