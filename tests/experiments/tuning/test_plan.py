"""Plans: what is searched, when runs are compared, and what a run of a trial is."""

from pathlib import Path
from typing import Any

import pytest

from hyperrl.experiments.tuning.plan import require_choice
from hyperrl.recipes import load_agent, load_family, parse_family
from hyperrl.recipes.search import Categorical, Span
from hyperrl.tasks import Family
from tests.experiments.tuning.studies import OVERRIDES, narrow, plan
from tests.runs import message

GAMMA = "search={algorithm.gamma: {choices: [0.9, 0.99]}}"


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["algorithm.learning_rate"]),
        ({"overrides": (*OVERRIDES, GAMMA)}, ["algorithm.gamma"]),
        ({"agent": load_agent("hyper-ppo"), "overrides": ("algorithm={name: ppo}",)}, [
            "policy.effort_coef", "policy.hypernetwork.hidden", "policy.hypernetwork.lr_scale.generator",
        ]),
        ({"agent": load_agent("blind-ppo"), "overrides": ("policy={kind: blind}", "algorithm={name: ppo}")},
         []),
    ],
)  # fmt: skip
def test_what_is_searched(changes: Any, names: list[str], tmp_path: Path) -> None:
    made = plan(tmp_path, **changes)
    if names:
        assert [dimension.name for dimension in made.space] == names
    else:
        assert "found nothing to search; allowed: a field `search` with fields" in message(lambda: made.space)


def test_the_space_holds_what_the_family_sets(tmp_path: Path) -> None:
    """On `pendulum` PPO's learning rate is 1e-3 and n_steps is the family's."""
    search = {
        "algorithm.learning_rate": {"low": 1e-5, "high": 5e-4, "log": True},
        "algorithm.gamma": {"choices": [0.98, 0.99]},
    }
    made = plan(tmp_path, agent=narrow(search), family=load_family("pendulum"), overrides=())
    rates, gammas = made.space
    assert (rates.own, rates.values) == (1e-3, Span(low=1e-5, high=1e-3, log=True))
    assert gammas.values == Categorical(choices=(0.95, 0.98, 0.99))


def test_a_space_that_does_not_fit_what_is_overridden_is_refused(tmp_path: Path) -> None:
    wrong = plan(tmp_path, overrides=(GAMMA.replace("0.99", "2"),))
    assert message(lambda: wrong.space) == (
        "overrides: search.algorithm.gamma.choices.1: found 2; allowed: a number <= 1"
    )
    schedule = plan(tmp_path, overrides=("algorithm={name: ppo, learning_rate: lin_3e-4}",))
    assert "found nothing to search" in message(lambda: schedule.space)
    strategy = {"policy.hypernetwork.rank": {"low": 1, "high": 8}}
    hyper = plan(
        tmp_path, agent=load_agent("hyper-sac").model_copy(update={"search": narrow().search}),
        overrides=(f"search={strategy}", "policy.hypernetwork.strategy=full"),
    )  # fmt: skip
    assert "search.policy.hypernetwork.rank.low: found 1" in message(lambda: hyper.space)


@pytest.mark.parametrize(
    ("steps", "every", "number", "pairs"),
    [
        (128, 32, 4, [(0, 0), (31, 0), (32, 1), (64, 2), (95, 2), (128, 4), (160, 4)]),
        (100, 32, 4, [(96, 3), (99, 3), (100, 4), (128, 4)]),
        (10, 32, 1, [(0, 0), (9, 0), (10, 1), (64, 1)]),
    ],
)
def test_evaluations_are_counted_alike_whatever_a_rollout_is(
    steps: int, every: int, number: int, pairs: list[tuple[int, int]], tmp_path: Path
) -> None:
    made = plan(tmp_path, steps=steps, overrides=(f"evaluate_every={every}",))
    assert made.evaluations == number
    assert [made.evaluation(after) for after, _ in pairs] == [evaluation for _, evaluation in pairs]


def test_a_run_of_a_trial(tmp_path: Path) -> None:
    made = plan(tmp_path)
    job = made.job(7, ("algorithm.learning_rate=0.002",), seed=2)
    assert (job.label, job.seed) == ("trial 7 on ode, seed 2", 2)
    assert job.folder == tmp_path / "trial-7" / "seed-2"
    assert job.result == tmp_path / "results" / "trial-7" / "seed-2.json"
    assert (job.agent.name, job.agent.steps, job.agent.search) == ("concat-ppo-trial-7", 128, {})
    assert job.overrides == (*OVERRIDES, "steps=128", "algorithm.learning_rate=0.002")
    long = plan(tmp_path, agent=narrow(name="x" * 64)).job(12, (), seed=0)
    assert long.agent.name == "x" * 55 + "-trial-12"


def test_a_family_without_validation_tasks_is_refused(tmp_path: Path) -> None:
    data = load_family("ode").model_dump(mode="json", by_alias=True)
    data["splits"] = {"train": data["splits"]["train"]}
    without = parse_family({**data, "splits": {"train": [{"list": [{"c0": 1}]}], "validation": []}}, "ode")
    require_choice(Family.load("ode"))
    assert message(require_choice, Family(without)) == (
        "family 'ode': found no task in the split validation; allowed: one or more, as trials are compared by"
        " them and by no other split"
    )
