from typing import Any

import torch

from hyperrl.evaluation.play_run import EvaluationPlan, play_run
from hyperrl.evaluation.task_selection import select_tasks
from hyperrl.evaluation.worst_tasks import WorstRequest
from hyperrl.tasks import Family
from tests.evaluation.conftest import Observation

ODE = Family.load("ode")


def drawn(observation: Observation) -> Any:
    """Actions that torch's generator draws."""
    return 2 * torch.rand(len(observation["obs"]), 2).numpy() - 1


def test_each_part_is_played_as_if_it_were_the_only_one() -> None:
    selection = select_tasks(ODE, ["interpolation"], [{"c0": 1.0}])
    alone = play_run(drawn, ODE, EvaluationPlan(selection, 1, 3), None)
    worst = WorstRequest("return", "training", 100, 1)
    calls: list[tuple[int, int]] = []
    plan = EvaluationPlan(selection, 1, 3, None, [0.1], [0.2, 0.3], worst)
    whole = play_run(drawn, ODE, plan, lambda done, total: calls.append((done, total)))
    assert (len(whole.split_tasks), len(whole.own_tasks)) == (6, 1)
    assert whole.split_tasks == alone.split_tasks
    only = play_run(drawn, ODE, EvaluationPlan(selection, 1, 3, worst=worst), None)
    assert only.worst == whole.worst
    assert (alone.errors, alone.worst) == ((), None)
    assert [each.error for each in whole.errors] == [0.1]
    assert [each.error for each in whole.noise] == [0.2, 0.3]
    assert calls == sorted(calls)
    assert {total for _, total in calls} == {200 * (7 + 4 * 7 + 2 * 7 + worst.episodes)}
