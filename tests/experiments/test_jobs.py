from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperrl.experiments import Job, jobs_of, part_of
from hyperrl.experiments.jobs import CLAIM, choose_tasks
from hyperrl.recipes import load_suite
from hyperrl.store.lock import locked
from hyperrl.tasks import Family
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
    assert parts[0] != part_of(range(1000), 1, 4, "smoke")


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


def specialists(folder: Path, oracle: Any, *blocks: dict[str, Any]) -> list[Job]:
    planned = jobs(folder, *blocks, oracle=oracle, overrides=["n_envs=2"])
    return [job for job in planned if job.specialist_of is not None]


def test_specialists_come_last_and_have_one_task_each(tmp_path: Path) -> None:
    block = {"families": ["point-goal", "double-integrator", "ode"], "steps": 96}
    planned = jobs(tmp_path, block, oracle="specialist")
    assert [job.specialist_of is None for job in planned[:6]] == [True] * 6
    ours = planned[6:]
    # `point-goal` has no extrapolation, and the best returns of `ode` are computed.
    assert [(job.family.name, job.specialist_of) for job in ours] == [
        *[("point-goal", "interpolation")] * 3,
        *[("double-integrator", "interpolation")] * 3,
        *[("double-integrator", "extrapolation")] * 3,
    ]
    for job in ours:
        assert job.task in Family.load(job.family.name).tasks(job.specialist_of or "")
        assert (job.agent.name, job.agent.policy.kind, job.agent.steps) == ("specialist", "blind", 96)
        assert (job.agent.n_envs, job.agent.policy.net_arch) == (2, planned[0].agent.policy.net_arch)
        again = Job.model_validate_json(job.model_dump_json(by_alias=True))
        assert (again, again.digest, again.task) == (job, job.digest, job.task)
    assert len({job.digest for job in ours}) == len({job.label for job in ours}) == 9
    first = ours[0]
    name = f"angle={first.task['angle']:.9g}"  # type: ignore[index]
    assert first.folder == tmp_path / "out/oracle/point-goal" / name
    assert first.result == tmp_path / "results/oracle/point-goal" / f"{name}.json"
    assert first.label == f"specialist on point-goal, angle={first.task['angle']:.6g}"  # type: ignore[index]


def test_an_oracle_says_who_and_how_many_and_how_long(tmp_path: Path) -> None:
    block = {"families": ["point-goal"]}
    (job,) = specialists(tmp_path, {"agent": "concat-sac", "tasks": 1, "steps": 500, "seed": 4}, block)
    assert (job.recipe, job.agent.algorithm.name, job.agent.steps, job.seed) == ("concat-sac", "sac", 500, 4)
    more = specialists(tmp_path, {"agent": "concat-sac", "tasks": 2, "steps": 500, "seed": 4}, block)
    assert job in more
    every = specialists(tmp_path, {"tasks": 1000}, block)
    assert [job.task for job in every] == Family.load("point-goal").tasks("interpolation")
    longest = specialists(
        tmp_path, {"tasks": 1}, {**block, "steps": 64}, {**block, "seeds": [9], "steps": 80}
    )
    assert [job.agent.steps for job in longest] == [80]


def test_tasks_are_chosen_by_seed_whatever_stands_beside_them() -> None:
    tasks = Family.load("cartpole").tasks("interpolation")
    chosen = choose_tasks(tasks, 5, 0)
    assert len(chosen) == 5
    assert set(chosen) == set(choose_tasks(tasks[::-1], 5, 0))
    assert set(choose_tasks(tasks, 3, 0)) < set(chosen)
    assert [task for task in tasks if task in chosen] == chosen
    assert choose_tasks(tasks, 5, 1) != chosen


@pytest.mark.parametrize(
    ("oracle", "says"),
    [
        ({"agent": "hyper-pop"}, "suite 'tiny': oracle.agent: unknown agent 'hyper-pop'; did you mean"),
        ({"agent": "hyper-dqn"}, "suite 'tiny': oracle.agent: hyper-dqn on point-goal: "),
    ],
)
def test_mistakes_of_an_oracle_are_found_before_anything_runs(
    oracle: dict[str, Any], says: str, tmp_path: Path
) -> None:
    line = message(jobs, tmp_path, {"families": ["point-goal"]}, oracle=oracle, overrides=[])
    assert line.startswith(says)
