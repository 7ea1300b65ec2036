"""Many runs as one agent."""

from pathlib import Path

import pytest

from hyperrl import api
from hyperrl.tasks import Family
from tests.runs import SMALL, message, untrained

QUICK = {"episodes": 1, "updates": 30}


@pytest.fixture(scope="module")
def specialists(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Runs of plain agents on one task of `ode` each."""
    folder = tmp_path_factory.mktemp("specialists")
    return [
        api.train(
            "blind-ppo", "ode", contexts=[{"c0": c0}], steps=32, overrides=SMALL, out=folder / str(c0)
        ).path
        for c0 in (-5, 5)
    ]


def test_many_specialists_become_one_agent(specialists: list[Path], tmp_path: Path) -> None:
    run = api.distill(specialists, family="ode", out=tmp_path / "one", **QUICK)  # type: ignore[arg-type]
    family = Family(run.spec.family)
    assert [task["c0"] for task in family.tasks("train")] == [-5.0, 5.0]
    assert run.spec.distilled is not None
    assert run.spec.distilled.teachers == tuple(map(str, specialists))
    assert run.spec.steps == 2 * 200
    evaluation = api.evaluate(run, splits=["interpolation"], save=False)
    assert len(evaluation.tasks) == 6
    api.specialize(run, {"c0": 2.5}, out=tmp_path / "one.safetensors")
    assert "hyperrl distill" in (run.path / "README.md").read_text()


def test_a_run_on_many_tasks_teaches_all_of_them(tmp_path: Path) -> None:
    run = untrained(tmp_path / "wide", "concat-sac", "ode")
    student = api.distill(run, agent="hyper-td3", out=tmp_path / "one", **QUICK)  # type: ignore[arg-type]
    assert student.spec.steps == 4 * 200
    assert Family(student.spec.family).tasks("train") == Family.load("ode").tasks("train")


def test_who_does_not_go_together_is_refused(specialists: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "one"
    other = untrained(tmp_path / "other", "hyper-ppo", "pendulum")
    assert "was trained on another family than 'ode'" in message(
        api.distill, [specialists[0], other], out=out
    )
    stacked = untrained(tmp_path / "stacked", "hyper-ppo", "ode", ["frame_stack=2"])
    assert "has other wrappers or frame_stack than the student" in message(api.distill, stacked, out=out)
    assert "actions" in message(api.distill, specialists, agent="hyper-dqn", out=out)
    assert "at least one run is needed" in message(api.distill, [], out=out)
    assert "updates" in message(api.distill, specialists, updates=0, out=out)
    assert "holds a run already" in message(api.distill, specialists, out=specialists[0])
    changing = Family.load("ode").with_schedules({"c0": "jump:50"})
    assert "found features with a schedule" in message(api.distill, specialists, family=changing, out=out)
    beyond = api.train(
        "blind-ppo", "ode", contexts=[{"c0": 7}], steps=32, overrides=SMALL, out=tmp_path / "beyond"
    )
    assert "found c0 outside its training range" in message(api.distill, beyond, out=out)
    assert not out.exists()
