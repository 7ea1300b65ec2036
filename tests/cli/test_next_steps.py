from pathlib import Path

import pytest

from hyperrl.cli import next_steps
from hyperrl.recipes import load_agent, load_family
from hyperrl.store import Run, RunSpec
from tests.store.conftest import created, spec

__all__ = ["spec"]


@pytest.fixture
def run(tmp_path: Path, spec: RunSpec) -> Run:
    return created(tmp_path / "a run", spec)


def test_the_commands_that_use_a_run(run: Run) -> None:
    path = f"'{run.path}'"
    assert next_steps.commands(run) == [
        ("evaluate", f"hyperrl evaluate {path}"),
        ("watch", f"hyperrl watch {path}"),
        ("specialize", f"hyperrl specialize {path} --context c0=-4"),
    ]


def test_what_a_run_cannot_do_is_not_offered(run: Run) -> None:
    blind = load_family("ode").model_copy(update={"base": "gymnasium/FrozenLake-v1"})
    recurrent = load_agent("hyper-recurrent-ppo")
    run = Run(run.path, run.spec.model_copy(update={"agent": recurrent, "family": blind}))
    assert [name for name, _ in next_steps.commands(run)] == ["evaluate"]


def test_what_trackers_have_in_the_runs_folder_is_shown(run: Run) -> None:
    assert next_steps.tracker_commands(run) == []
    (run.path / "wandb" / "offline-run-1-a").mkdir(parents=True)
    (run.path / "mlflow.db").touch()
    assert next_steps.tracker_commands(run) == [
        ("W&B", f"wandb sync '{run.path}'/wandb/offline-run-*"),
        ("MLflow", f"mlflow ui --backend-store-uri 'sqlite:///{run.path}/mlflow.db'"),
    ]


HEADER = "step,zero_shot/train,zero_shot/validation\n"


@pytest.mark.parametrize(
    ("rows", "best", "hint"),
    [
        ("0,10,10\n512,,\n1024,9,10\n", 1024, "on train from 10 to 9, on validation from 10 to 10"),
        ("0,10,10\n1024,12,9\n", 0, "on train from 10 to 12, on validation from 10 to 9"),
        ("0,10,10\n1024,9,10.5\n", 1024, None),
        ("0,10,10\n", 0, None),
        ("1024,9,9\n", 1024, None),
        ("\x00", 0, None),
    ],
)
def test_an_agent_that_got_no_better_is_reported(run: Run, rows: str, best: int, hint: str | None) -> None:
    (run.path / "progress.csv").write_text(HEADER + rows)
    told = next_steps.warning(run, {"checkpoint": {"name": "best", "steps": best}})
    assert (told is None) == (hint is None)
    if hint is not None and told is not None:
        assert f"did not get better than untrained ({hint})" in told
        assert f"`hyperrl train --resume '{run.path}' --steps N`" in told
