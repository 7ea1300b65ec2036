"""Agents are compared per family and split, and said to be below another where the interval says so."""

from pathlib import Path

import pytest

from benchmarks.synthetic_runs import synthetic_run
from hyperrl.evaluation import comparison as statistics
from hyperrl.experiments.collect import collect
from hyperrl.experiments.comparison import Contrast, compare, few_seeds, single_seeds
from hyperrl.tasks import Family
from tests.experiments.conftest import CONCAT, HYPER
from tests.runs import message


def test_the_numbers_are_those_of_the_statistics(folder: Path) -> None:
    experiments = collect([folder / "hyper", folder / "concat"])
    agents = experiments.families[0].agents
    split = compare(experiments).splits[2]
    assert (split.family, split.split, split.tasks) == ("ode", "interpolation", 6)
    hyper, concat = (agents[label].scores("interpolation") for label in (HYPER, CONCAT))
    assert [score.iqm for score in split.scores] == [statistics.estimate(hyper), statistics.estimate(concat)]
    (contrast,) = split.contrasts
    assert contrast.difference == statistics.difference(concat, hyper)
    assert contrast.improvement == statistics.probability_of_improvement(concat, hyper)
    assert contrast.paired == [0, 1, 2]
    oracles = experiments.families[0].oracles("interpolation")
    assert oracles is not None
    expected = statistics.estimate(hyper / oracles, statistics.optimality_gap)
    assert split.scores[0].optimality_gap == expected


def test_an_agent_below_another_is_named_whichever_is_the_baseline(folder: Path) -> None:
    for baseline in (HYPER, CONCAT):
        found = compare(collect([folder]), baseline)
        assert {contrast.baseline for split in found.splits for contrast in split.contrasts} == {baseline}
        assert len(found.findings) == 4
        assert found.findings[0].startswith(f"ode, train: {HYPER} is below {CONCAT} by ")
        low, high = found.splits[0].contrasts[0].difference[1:]
        assert low is not None
        assert high is not None
        ends = sorted([abs(low), abs(high)])
        assert found.findings[0].endswith(f"(95 % interval {ends[0]:.4g} to {ends[1]:.4g})")


def test_pairs_are_the_seeds_that_both_have(folder: Path) -> None:
    runs = [
        folder / "hyper/seed-0",
        folder / "hyper/seed-2",
        folder / "concat/seed-1",
        folder / "concat/seed-2",
    ]
    contrast = compare(collect(runs)).splits[0].contrasts[0]
    assert contrast.paired == [2]
    assert contrast.difference.low is None
    assert contrast.improvement.low is not None
    runs = [folder / "hyper/seed-0", folder / "hyper/seed-1", folder / "concat/seed-2"]
    contrast = compare(collect(runs)).splits[0].contrasts[0]
    assert contrast.paired == []


def test_one_seed_each_finds_nothing(folder: Path) -> None:
    found = compare(collect([folder / "hyper/seed-0", folder / "concat/seed-0"]))
    assert found.findings == []
    assert single_seeds(found.splits)
    assert not few_seeds(found.splits)


def test_equal_agents_are_not_below_each_other(tmp_path: Path, ode: Family) -> None:
    for seed in range(3):
        for agent in (HYPER, CONCAT):
            synthetic_run(tmp_path / f"{agent}-{seed}", agent, ode, seed, noise=0.0)
    found = compare(collect([tmp_path]))
    assert found.findings == []
    assert not single_seeds(found.splits)
    assert few_seeds(found.splits)


@pytest.mark.parametrize(
    ("low", "high", "lower"),
    [
        (1.0, 2.0, "concat"),
        (-2.0, -1.0, "hyper"),
        (0.0, 2.0, None),
        (-2.0, 0.0, None),
        (-1.0, 1.0, None),
        (None, None, None),
    ],
)
def test_an_agent_is_below_where_the_interval_leaves_zero_out(
    low: float | None, high: float | None, lower: str | None
) -> None:
    estimate = statistics.Estimate(0.5, low, high)
    found = Contrast("hyper", "concat", [0, 1], estimate, statistics.Estimate(0.5)).lower
    assert (None if found is None else found[0]) == lower


def test_an_unknown_baseline_is_refused(folder: Path) -> None:
    line = message(compare, collect([folder]), "concat-pop")
    assert "family 'ode' has no runs of agent 'concat-pop'; did you mean 'concat-ppo'?" in line


def test_the_json_has_all_of_it(folder: Path) -> None:
    data = compare(collect([folder]), HYPER).to_json()
    split = data["comparisons"][0]
    assert [agent["agent"] for agent in split["agents"]] == [CONCAT, HYPER]
    assert split["agents"][0]["iqm"].keys() == {"value", "low", "high"}
    assert split["contrasts"][0]["below"] == HYPER
    assert len(data["findings"]) == 4
    assert data["left_out"] == []


@pytest.mark.parametrize("family", ["ode", "cartpole"])
def test_families_without_known_oracles_have_no_gap(tmp_path: Path, family: str) -> None:
    synthetic_run(tmp_path / "run", HYPER, Family.load(family), 0, tasks=3)
    gaps = [split.scores[0].optimality_gap for split in compare(collect([tmp_path])).splits]
    tasks = Family.load(family)
    known = tasks.oracle(tasks.tasks("train")[0]) is not None
    assert all((gap is not None) == known for gap in gaps)
