"""The search in one run: which values, which tasks, and which wins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.experiments.tuning.as_context import (
    ContextTuningReport,
    ValueRecord,
    combined,
    family_with,
    play_values,
    values_to_try,
)
from hyperrl.recipes import load_agent, load_family
from hyperrl.tasks import Family
from tests.experiments.tuning.studies import plan


def planned(out: Path, agent: str, *overrides: str) -> Any:
    return plan(out, agent=load_agent(agent), family=load_family("ode"), overrides=overrides)


def test_the_values_are_those_of_the_search_and_the_agents_own(tmp_path: Path) -> None:
    search = "search={algorithm.gamma: {choices: [0.5, 0.9]}, algorithm.clip_range: {low: 0.1, high: 0.3}}"
    assert values_to_try(planned(tmp_path, "hyper-ppo", search)) == {"gamma": (0.5, 0.9, 0.99)}
    entropy = "search={algorithm.ent_coef: {choices: [auto, 0.5, 0.05]}}"
    assert values_to_try(planned(tmp_path, "hyper-sac", entropy)) == {"ent_coef": (0.05, 0.5)}
    spread = "search={algorithm.gamma: {low: 0.5, high: 0.9}}"
    (values,) = values_to_try(planned(tmp_path, "hyper-ppo", spread, "algorithm.gae_lambda=1")).values()
    assert values == pytest.approx((0.5, 0.6225, 0.745, 0.8675, 0.99))


@pytest.mark.parametrize(
    ("agent", "overrides", "message"),
    [
        ("blind-ppo", (), "found agent 'blind-ppo', which is blind to contexts"),
        ("hyper-ppo", ("search={n_envs: {choices: [1, 2]}}",), "found no search of algorithm.gamma"),
    ],
)
def test_where_there_is_nothing_to_search(
    agent: str, overrides: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        values_to_try(planned(tmp_path, agent, *overrides))


def test_each_task_has_every_value(tmp_path: Path) -> None:
    made = planned(tmp_path, "hyper-ppo")
    family, base = Family(family_with(made, {"gamma": (0.5, 0.99)})), Family.load("ode")
    for split in ("train", "validation"):
        expected = {(task["c0"], gamma) for task in base.tasks(split) for gamma in (0.5, 0.99)}
        assert {(task["c0"], task["gamma"]) for task in family.tasks(split)} == expected
    assert not family.tasks("interpolation")
    assert family.space.default["gamma"] == 0.99


def test_the_value_with_the_highest_return_wins(tmp_path: Path) -> None:
    values = {"gamma": (0.5, 0.99)}
    family = Family(family_with(planned(tmp_path, "hyper-ppo"), values))

    def policy(observation: Mapping[str, Any]) -> Any:
        """Right where the discount is 0.99; it pushes away from the goal elsewhere."""
        context = observation["context"]
        push = -np.sign(observation["obs"][:, 0] * context[:, 0]) * np.where(context[:, 2] == 1, 1, -1)
        return np.stack([push, push], axis=1).astype(np.float32)

    low, high = play_values(policy, family, values)
    assert high > 150 > low
    means = zip(combined(values), (low, high), strict=True)
    records = tuple(ValueRecord(each, (mean,)) for each, mean in means)
    made = planned(tmp_path, "hyper-ppo")
    report = ContextTuningReport(made, records, (tmp_path,), tmp_path / "tuned.yaml")
    assert report.best_first[0].overrides == ("algorithm.gamma=0.99",)
    assert report.to_json()["best"] == {"values": {"gamma": 0.99}, "returns": [high], "mean": high}
