import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.learning import beyond
from hyperrl.recipes import load_agent
from hyperrl.tasks import Family

STEPS = 2048


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seed of pendulum, with a price on effort and without."""
    results = tmp_path_factory.mktemp("results")
    command = ["--families", "pendulum", "--seeds", "100", "--steps", str(STEPS)]
    assert beyond.main([*command, "--results", str(results / "with")]) == 0
    assert beyond.main([*command, "--effort-0", "--results", str(results / "without")]) == 0
    return results


def result_of(folder: Path, which: str) -> Any:
    return json.loads((folder / which / "pendulum" / "seed-100.json").read_text())


def test_a_result_has_both_choices_and_blind_on_every_split(folder: Path) -> None:
    result = result_of(folder, "with")
    family = Family.load("pendulum").hold_out_rim()
    assert result["agents"] == {"hyper": "hyper-ppo", "blind": "blind-ppo"}
    assert (result["planned_steps"], result["rim"]) == (STEPS, {"factor": 0.8, "count": 16, "seed": 4})
    assert result["recipe"]["agent"]["policy"] == load_agent("hyper-ppo").policy.model_dump(mode="json")
    for split in ("rim", "interpolation", "extrapolation"):
        rows = result["splits"][split]
        assert rows["contexts"] == [[*task.values()] for task in family.tasks(split)]
        scores = {name: np.array(rows[name]) for name in ("linear", "saturate", "blind")}
        assert {each.shape for each in scores.values()} == {(len(rows["contexts"]), 5)}
        same = np.array_equal(scores["linear"], scores["saturate"])
        assert same == (split == "interpolation")
        for name, each in scores.items():
            assert result["worst"][name][split]["mean"] == pytest.approx(each.mean(axis=1).min(), abs=1e-3)


def test_without_a_price_on_effort_the_same_is_asked_of_one_agent(folder: Path) -> None:
    result = result_of(folder, "without")
    assert result["agents"] == {"hyper": "hyper-ppo"}
    assert result["recipe"]["agent"]["policy"]["effort_coef"] == 0
    assert set(result["splits"]["rim"]) == {"contexts", "oracle", "linear", "saturate"}
    assert result["splits"]["rim"]["linear"] != result_of(folder, "with")["splits"]["rim"]["linear"]


def test_what_has_a_result_is_not_made_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "with" / "pendulum" / "seed-100.json").stat()
    command = ["--families", "pendulum", "--seeds", "100", "--results", str(folder / "with")]
    assert beyond.main(command) == 0
    assert (folder / "with" / "pendulum" / "seed-100.json").stat() == before
    assert capsys.readouterr().out == ""


def test_jobs_come_seed_by_seed_and_those_of_sac_last() -> None:
    jobs = beyond.jobs_of(["ode-da", "ode", "cartpole"], [100, 101])
    found = [(job.family, job.seed) for job in jobs]
    assert found[:4] == [("ode", 100), ("cartpole", 100), ("ode", 101), ("cartpole", 101)]
    assert found[4:] == [("ode-da", 100), ("ode-da", 101)]
    assert [
        job.family for job in beyond.jobs_of(["ode-da", "ode", "cartpole"], [100], with_effort=False)
    ] == ["ode"]


def test_every_family_has_extrapolation_tasks_and_a_rim() -> None:
    for name in beyond.FAMILIES:
        for factor in beyond.FACTORS:
            family = Family.load(name).hold_out_rim(factor, **beyond.HELD_OUT)
            assert len(family.tasks("rim")) == beyond.HELD_OUT["count"]
            assert len(family.tasks("extrapolation")) > 0
            assert len(family.tasks("interpolation")) > 0 or factor < beyond.FACTORS[0]


def test_results_of_other_ranges_and_of_no_effort_lie_apart(tmp_path: Path) -> None:
    places = [beyond.folder(f, e, tmp_path).name for f in beyond.FACTORS for e in (True, False)]
    assert places == ["beyond", "beyond-effort-0", "beyond-0.5", "beyond-0.5-effort-0"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--families", "ode,od"], "found 'od'; allowed: ode, ode-2d"),
        (["--seeds", "1,x"], "found '1,x'; allowed: whole numbers"),
    ],
)
def test_a_mistake_is_reported(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        beyond.main(options)
    assert error.value.code == 2
    assert words in capsys.readouterr().err
