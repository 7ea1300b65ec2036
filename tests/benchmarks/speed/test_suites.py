"""The benchmark of suites runs the same trainings through RL Zoo, and compares seconds on the clock."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from torch import nn

from benchmarks.measures import Spent
from benchmarks.speed import suites
from benchmarks.speed.suites import EVALUATED, NOT_EVALUATED, commands, hyperparameters
from hyperrl.config import HypernetworkConfig
from hyperrl.experiments import jobs_of
from hyperrl.policies import HyperActorCriticPolicy
from hyperrl.recipes import load_suite
from hyperrl.tasks import Family
from hyperrl.training.session import TrainingSession
from tests.benchmarks.speed.test_quick import quick
from tests.experiments.suites import jobs

TINY = """
about: one short run of each agent
overrides: [n_envs=2, algorithm.n_steps=64, algorithm.batch_size=32, "policy.net_arch=[4]"]
runs: [{agents: [hyper-ppo, concat-ppo], families: [ode], seeds: 1, steps: 128}]
"""


def test_each_side_makes_all_runs(tmp_path: Path) -> None:
    sides = commands("smoke", tmp_path)
    assert [len(listed) for listed in sides.values()] == [1, 8, 8]
    (bench,) = sides["hyperrl bench"]
    assert bench[2:7] == ["hyperrl", "bench", "smoke", "--jobs", "2"]
    planned = jobs_of(load_suite("smoke"), tmp_path, tmp_path)
    for side, frequency in ((EVALUATED, "2048"), (NOT_EVALUATED, "-1")):
        for job, command in zip(planned, sides[side], strict=True):
            given = dict(zip(command[3::2], command[4::2], strict=True))
            assert given["--env"] == f"hyperrl/{job.family.name}-v0"
            assert (given["--seed"], given["--eval-freq"]) == (str(job.seed), frequency)
            recipe = yaml.safe_load(Path(given["-conf"]).read_text())
            assert recipe == {given["--env"]: hyperparameters(job)}


def test_the_episodes_are_those_that_training_plays(tmp_path: Path) -> None:
    ode, *_ = jobs_of(load_suite("smoke"), tmp_path, tmp_path)
    times, number = suites.episodes(ode)
    family = Family(ode.family)
    others = sum(len(family.tasks(split)) for split in ("train", "interpolation", "extrapolation"))
    assert (times, number) == (2, 4 * len(family.tasks("validation")) + others)
    assert suites.episodes(jobs(tmp_path, overrides=["evaluate_every=32"])[0])[0] == 3


def test_the_hyperparameters_are_those_of_the_recipe(tmp_path: Path) -> None:
    for job in jobs_of(load_suite("smoke"), tmp_path, tmp_path)[:4]:
        entry = hyperparameters(job)
        session = TrainingSession(job.agent, Family(job.family), job.seed, "cpu")
        model = session.model
        session.close()
        for name in ("n_envs", "n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "ent_coef"):
            assert entry.pop(name) == getattr(model, name)
        arguments = eval(entry["policy_kwargs"], {"nn": nn})
        ours = {k: v for k, v in model.policy_kwargs.items() if k not in suites.OURS_ALONE}
        if isinstance(model.policy, HyperActorCriticPolicy):
            arguments["hypernetwork"] = vars(HypernetworkConfig(**arguments["hypernetwork"]))
            assert entry["policy"] == "hyperrl.policies.ppo.HyperActorCriticPolicy"
        else:
            assert entry["policy"] == "MultiInputPolicy"
        assert arguments == ours


@pytest.mark.parametrize("override", ["normalize=true", "algorithm.learning_rate=lin_3e-4", "frame_stack=2"])
def test_what_rl_zoo_does_otherwise_is_refused(override: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="hyper-ppo on ode, seed 0: needs an agent"):
        hyperparameters(jobs(tmp_path, overrides=[override])[0])


def test_a_ratio_is_of_one_round(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    times = iter([9.0, 9.0, 9.0, 3.0, 10.0, 4.0, 6.0, 10.0, 8.0])
    numbers = []

    def seconds(listed: list[list[str]], *_: object) -> Spent:
        numbers.append(len(listed))
        return Spent(next(times), cpu=2.0)

    monkeypatch.setattr(suites, "seconds", seconds)
    with_, without, ours, *zoo = suites.measure("smoke", 2)
    assert numbers == [1, 1, 1, 1, 8, 8, 1, 8, 8]
    assert (list(with_.values), with_.goal) == ([0.3, 0.6], ("<=", 0.6))
    assert (list(without.values), without.goal) == ([0.75, 0.75], None)
    assert ours.beside == {"CPU seconds": 2.0}
    assert (list(ours.values), [list(each.values) for each in zoo]) == ([3, 6], [[10, 10], [4, 8]])


@pytest.mark.slow
@pytest.mark.skipif(find_spec("rl_zoo3") is None, reason="needs the extra zoo")
def test_both_sides_run(tmp_path: Path) -> None:
    suite = tmp_path / "tiny.yaml"
    suite.write_text(TINY)
    found = quick(lambda options: suites.main([*options, "--suite", str(suite)]), tmp_path / "suites.json")
    assert len(found) == 5
    assert all(each["value"] > 0 for each in found.values())
