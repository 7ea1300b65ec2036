"""What a study refuses, how it draws, and what it says of its fields."""

from pathlib import Path
from typing import Any

import optuna
import pytest

from hyperrl.experiments.tuning.storage import quiet_optuna
from hyperrl.recipes import load_family, parse_family
from tests.experiments.tuning.studies import (
    OVERRIDES,
    RATES,
    Fake,
    better_rates,
    narrow,
    opened,
    plan,
    rate,
    tune,
)
from tests.runs import message


def reopen(folder: Path, **changes: Any) -> None:
    with opened(plan(folder, **changes)):
        pass


ODE = load_family("ode").model_dump(mode="json", by_alias=True)
OTHER_RATES = {"algorithm.learning_rate": {"low": 2e-4, "high": 1e-2, "log": True}}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"agent": narrow(policy={"kind": "concat", "net_arch": [8]})}, "another recipe"),
        ({"overrides": (*OVERRIDES, "algorithm.gamma=0.9")}, "another recipe"),
        ({"agent": narrow({**RATES, "algorithm.gamma": {"choices": [0.9, 0.99]}})}, "another search space"),
        ({"agent": narrow(OTHER_RATES)}, "another search space"),
        ({"family": parse_family({**ODE, "evaluation": {"episodes": 2}}, "ode")}, "another family"),
        ({"steps": 256}, "128 steps, found 256"),
        ({"seeds": 2}, "1 seeds, found 2"),
    ],
)  # fmt: skip
def test_a_study_does_not_go_on_with_something_else(
    changes: dict[str, Any], what: str, tmp_path: Path
) -> None:
    reopen(tmp_path)
    assert message(reopen, tmp_path, **changes) == (
        f"study 'concat-ppo on ode': was begun with {what}; go on as it was begun, or begin another"
        " with out (and storage where you gave one)"
    )
    reopen(tmp_path)


def test_words_of_recipes_may_change(tmp_path: Path) -> None:
    reopen(tmp_path)
    reopen(tmp_path, agent=narrow(about="In other words."), recipe="moved/narrow.yaml")


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_study_of_another_program_is_refused(direction: Any, tmp_path: Path) -> None:
    file = optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal.log"))
    with quiet_optuna():
        theirs = optuna.create_study(
            storage=optuna.storages.JournalStorage(file), study_name="concat-ppo on ode", direction=direction
        )
        theirs.add_trial(optuna.trial.create_trial(value=1.0))
    assert message(reopen, tmp_path) == (
        "study 'concat-ppo on ode': is one that hyperrl did not begin; begin another with out"
    )


def test_a_resumed_study_draws_as_one_that_never_stopped(tmp_path: Path) -> None:
    """Past the trials that are drawn at random, too: the sampler has its state from the storage alone."""
    whole = Fake(better_rates)
    with opened(plan(tmp_path / "whole")) as study:
        tune(study, whole, 14)
    parts = Fake(better_rates)
    for trials in (1, 2, 9, 12, 14):
        with opened(plan(tmp_path / "parts")) as study:
            tune(study, parts, trials)
    assert list(map(rate, parts.finished)) == list(map(rate, whole.finished))
    assert len(set(map(rate, whole.finished))) == 14


def test_importances_name_the_field_that_matters(tmp_path: Path) -> None:
    space = {**RATES, "algorithm.gae_lambda": {"low": 0.8, "high": 1.0}}
    with opened(plan(tmp_path, agent=narrow(space))) as study:
        tune(study, Fake(better_rates), 7)
        assert study.importances() == {}
        tune(study, Fake(better_rates), 30)
        found = study.importances()
    assert next(iter(found)) == "algorithm.learning_rate"
    assert sum(found.values()) == pytest.approx(1)
    with opened(plan(tmp_path / "flat", agent=narrow(space))) as study:
        tune(study, Fake(lambda _: [1.0]), 9)
        assert study.importances() == {}


def test_trials_as_json(tmp_path: Path) -> None:
    with opened(plan(tmp_path)) as study:
        tune(study, Fake(better_rates), 2)
        first, second = (trial.to_json() for trial in study.records())
    assert first == {
        "trial": 0, "state": "finished", "validation": 400 * 3e-4, "own": True, "overrides": [], "error": None
    }  # fmt: skip
    assert second["overrides"][0].startswith("algorithm.learning_rate=")
