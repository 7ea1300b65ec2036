"""The file of the recipe that was found trains as its trial did."""

from pathlib import Path

import pytest

from hyperrl.experiments.tuning.study import TrialRecord
from hyperrl.experiments.tuning.tuned import best_first, best_of, study_command, tuned_text
from hyperrl.recipes import load_agent, load_family, resolve
from hyperrl.recipes.resolve import replaced
from tests.experiments.tuning.studies import plan


def trial(number: int, value: float | None, *overrides: str, state: str = "finished") -> TrialRecord:
    return TrialRecord(number, state, value, not number, overrides, None, False)  # type: ignore[arg-type]


TRIALS = (
    trial(0, -3.0), trial(1, -1.0, "algorithm.learning_rate=2e-05", 'policy.net_arch={"pi": [8], "vf": [4]}'),
    trial(2, -1.0), trial(3, None, state="failed"), trial(4, 9.0, state="pruned"),
)  # fmt: skip


def test_the_best_is_the_earliest_of_the_finished_ones() -> None:
    assert best_of(TRIALS) == TRIALS[1]
    assert [each.number for each in best_first(TRIALS)] == [1, 2, 0]
    assert best_of(TRIALS[3:]) is None


@pytest.mark.parametrize("name", ["hyper-ppo", "concat-ppo", "hyper-recurrent-ppo", "concat-ppo-matched"])
@pytest.mark.parametrize("where", ["pendulum", "ode"])
def test_it_trains_as_the_trial_did(name: str, where: str, tmp_path: Path) -> None:
    """With the family's fields and the user's, but for the steps that trials were given."""
    made = plan(
        tmp_path, agent=load_agent(name), family=load_family(where), steps=512,
        overrides=("algorithm.clip_range=lin_0.3", "policy.activation_fn=relu"),
    )  # fmt: skip
    best = trial(1, 5.0, *TRIALS[1].overrides, "algorithm.n_steps=64", "algorithm.gamma=0.5")
    file = tmp_path / "tuned.yaml"
    file.write_text(tuned_text(made, [*TRIALS[:1], best], best, "hyperrl tune x y", "a.log"))
    tuned, family = load_agent(str(file)), load_family(where)
    assert (tuned.name, tuned.tuned_on, tuned.search) == (f"{name}-tuned", where, load_agent(name).search)
    now, then = resolve(tuned, family), made.job(1, best.overrides, 0).agent
    own = {"name": "", "about": "", "steps": 1, "tuned_on": None}
    assert now.model_copy(update=own) == then.model_copy(update=own)
    assert now.steps == resolve(load_agent(name), family).steps
    assert replaced(tuned, family) == []
    elsewhere = load_family("double-integrator")
    assert resolve(tuned, elsewhere).n_envs == resolve(load_agent(name), elsewhere).n_envs == 16


def test_it_says_how_it_was_found(tmp_path: Path) -> None:
    made = plan(tmp_path, seeds=2)
    command = study_command(made, "concat-ppo", "my families/ode.yaml", 30, "a.log", "hyperband")
    lines = tuned_text(made, TRIALS, TRIALS[1], command, "a.log").splitlines()
    assert lines[:3] == [
        f"# Found by: hyperrl tune concat-ppo 'my families/ode.yaml' --trials 30 --seeds 2 --steps 128 --set"
        f" {' --set '.join(made.overrides)} --storage a.log --pruner hyperband --out {tmp_path}",
        "# Study: 'concat-ppo on ode' in a.log, 5 trials; this is trial 1.",
        "# Validation return: -1, mean over 2 seeds, 128 steps each; the recipe as it was: -3.",
    ]
    assert load_text(tmp_path, "\n".join(lines)) == (
        "concat-ppo tuned on ode: trial 1 of 5, validation return -1"
    )


def load_text(folder: Path, text: str) -> str:
    (folder / "tuned.yaml").write_text(text)
    return load_agent(str(folder / "tuned.yaml")).about


def test_files_of_wrappers_are_still_found(tmp_path: Path) -> None:
    (tmp_path / "agent.yaml").write_text(
        "about: a\nalgorithm: {name: ppo}\npolicy: {kind: blind}\n"
        "wrappers: ['own.py:Own', TimeAwareObservation]\n"
    )
    agent = load_agent(str(tmp_path / "agent.yaml"))
    made = plan(tmp_path, agent=agent)
    file = tmp_path / "deeper" / "tuned.yaml"
    file.parent.mkdir()
    file.write_text(tuned_text(made, TRIALS, TRIALS[0], "", ""))
    assert load_agent(str(file)).wrappers == agent.wrappers
