from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperrl.experiments import Job, jobs_of, part_of
from hyperrl.experiments.jobs import CLAIM
from hyperrl.recipes import load_suite
from hyperrl.store.lock import locked
from tests.experiments.suites import NARROW, jobs
from tests.runs import message


def test_every_agent_on_every_family_with_every_seed(tmp_path: Path) -> None:
    block = {"families": ["ode", "point-goal"], "seeds": {"from": 7, "n": 2}}
    planned = jobs(tmp_path, block, {"seeds": [3], "steps": None})
    assert [job.label for job in planned] == [
        "hyper-ppo on ode, seed 7", "concat narrow on ode, seed 7",
        "hyper-ppo on point-goal, seed 7", "concat narrow on point-goal, seed 7",
        "hyper-ppo on ode, seed 8", "concat narrow on ode, seed 8",
        "hyper-ppo on point-goal, seed 8", "concat narrow on point-goal, seed 8",
        "hyper-ppo on ode, seed 3", "concat narrow on ode, seed 3",
    ]  # fmt: skip
    job = planned[3]
    assert job.folder == tmp_path / "out/point-goal/concat-narrow/seed-7"
    assert job.result == tmp_path / "results/point-goal/concat-narrow/seed-7.json"
    assert (job.recipe, job.agent.name, job.agent.policy.kind) == ("concat-ppo", "concat-narrow", "concat")
    assert (job.agent.steps, planned[-1].agent.steps) == (64, 150_000)
    assert job.overrides[-2:] == ("steps=64", "policy.net_arch=[4]")
    assert len({each.digest for each in planned}) == len(planned)


def test_a_job_survives_as_json(tmp_path: Path) -> None:
    for job in jobs(tmp_path, {"families": ["ode", "cartpole"]}, evaluation={"seed": 3}):
        again = Job.model_validate_json(job.model_dump_json(by_alias=True))
        assert (again, again.digest) == (job, job.digest)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"agents": ["hyper-pop"]}, "agents.0: unknown agent 'hyper-pop'; did you mean 'hyper-ppo'?"),
        ({"agents": ["ode"]}, "agents.0: unknown agent 'ode', which names a family"),
        ({"families": ["ode", "od"]}, "families.1: unknown family 'od'; did you mean 'ode'?"),
        ({"families": ["./no.yaml"]}, "families.0: "),
        (
            {"overrides": ["algorithm.gama=1"]},
            "agents.0: hyper-ppo on ode: overrides: algorithm.gama: unknown field; did you mean 'gamma'?",
        ),
        (
            {"agents": ["hyper-dqn"]},
            "agents.0: hyper-dqn on ode: agent 'hyper-dqn': the algorithm",
        ),
        (
            {"families": ["ode", "cartpole"], "agents": ["hyper-sac"]},
            "agents.0: hyper-sac on cartpole: ",
        ),
    ],
)
def test_mistakes_are_found_before_anything_runs(fields: dict[str, Any], says: str, tmp_path: Path) -> None:
    overrides: dict[str, Any] = {"overrides": []} if "agents" in fields else {}
    line = message(jobs, tmp_path, fields, **overrides)
    assert line.startswith(f"suite 'tiny': runs.0.{says}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "blocks",
    [({}, {}), ({"families": ["ode", "ode"]},), ({"agents": [NARROW, {**NARROW, "name": "concat-narrow"}]},)],
)
def test_a_run_that_occurs_twice_is_refused(blocks: tuple[dict[str, Any], ...], tmp_path: Path) -> None:
    assert "found 2 runs of " in message(jobs, tmp_path, *blocks)


def test_a_path_is_seen_from_the_suites_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "about: mine\nruns: [{agents: [./own.yaml], families: [ode], seeds: 1}]\n"
    )
    (tmp_path / "own.yaml").write_text("about: own\nalgorithm: {name: ppo}\npolicy: {kind: blind}\n")
    (job,) = jobs_of(load_suite(str(tmp_path / "mine.yaml")), tmp_path, tmp_path)
    assert (job.suite, job.name, job.folder) == ("mine", "own", tmp_path / "ode/own/seed-0")


@given(size=st.integers(0, 60), count=st.integers(1, 8), key=st.text())
def test_parts_are_all_items_once_and_of_the_same_size(size: int, count: int, key: str) -> None:
    items = list(range(size))
    parts = [part_of(items, index, count, key) for index in range(1, count + 1)]
    assert sorted(item for part in parts for item in part) == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert all(part == sorted(part) for part in parts)
    assert parts == [part_of(items, index, count, key) for index in range(1, count + 1)]


def test_parts_mix_what_stands_together() -> None:
    parts = [part_of(range(1000), index, 4, "paper") for index in range(1, 5)]
    assert all(100 < sum(item < 500 for item in part) < 150 for part in parts)


def test_cores_are_the_most_that_a_run_takes_at_a_time(tmp_path: Path) -> None:
    def cores(*overrides: str) -> int:
        return jobs(tmp_path, {"overrides": overrides})[0].cores

    assert (cores(), cores("threads=3"), cores("subprocesses=2")) == (1, 3, 2)
    assert cores("threads=2", "simulation_threads=4") == 4


def test_a_job_is_claimed_by_whoever_holds_a_lock_of_it(tmp_path: Path) -> None:
    job = jobs(tmp_path)[0]
    assert not job.is_claimed
    job.folder.mkdir(parents=True)
    for name in (CLAIM, "lock"):
        with locked(job.folder, name):
            assert job.is_claimed
        assert not job.is_claimed
