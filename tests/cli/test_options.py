"""Every option of a command reaches the Python function that does the work, and shells complete names."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from hyperrl import api
from hyperrl.cli import main
from hyperrl.errors import UserError
from hyperrl.recipes import load_agent
from hyperrl.store import Run
from tests.runs import untrained
from tests.store.conftest import run, spec

__all__ = ["run", "spec"]

LEAVE_OUT = {"progress"}


def handed(
    monkeypatch: pytest.MonkeyPatch, verb: str, *arguments: object, function: str = ""
) -> dict[str, Any]:
    """What `hyperrl VERB ARGUMENTS` hands to the function of that name, or to another one."""
    found: dict[str, Any] = {}

    def called(*given: Any, **options: Any) -> None:
        found.update({"": given, **{name: each for name, each in options.items() if name not in LEAVE_OUT}})
        raise UserError("called")

    with monkeypatch.context() as patch:
        patch.setattr(f"hyperrl.api.{function or verb}", called)
        assert main([verb, *map(str, arguments)]) == 2
    return found


def assert_defaults(function: str, options: dict[str, Any]) -> None:
    """Without an option, a command hands over what is the default in Python."""
    parameters = inspect.signature(getattr(api, function)).parameters
    for name, value in options.items():
        if name:
            assert (() if value == [] else value) == parameters[name].default, name


def test_evaluate(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    plain = handed(monkeypatch, "evaluate", run.path)
    assert (plain[""], len(plain)) == (([str(run.path)],), 10)
    assert_defaults("evaluate", plain)
    given = handed(
        monkeypatch, "evaluate", run.path, run.path, "--split", "validation", "--split", "train",
        "--context", "c0=2", "--sweep", "c0=-1:1:3", "--episodes", 7, "--seed", 5, "--stochastic",
        "--hide", "c0", "--checkpoint", "128", "--allow-import", "one", "--allow-import", "two",
    )  # fmt: skip
    assert [*map(tuple, given.pop("sweep"))] == [("c0", -1.0, 1.0, 3)]
    assert given == {
        "": ([str(run.path)] * 2,), "splits": ["validation", "train"], "contexts": [{"c0": 2.0}],
        "episodes": 7, "seed": 5, "deterministic": False, "hidden": ["c0"], "checkpoint": "128",
        "allow_import": ["one", "two"],
    }  # fmt: skip


def test_watch(monkeypatch: pytest.MonkeyPatch, run: Run, tmp_path: Path) -> None:
    loaded: list[Any] = []
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr("hyperrl.api.runs.load_agent", lambda *given: loaded.append(given))
    plain = handed(monkeypatch, "watch", run.path, function="agents.play")
    given = handed(
        monkeypatch, "watch", run.path, "--context", "c0=2", "--context", "c0=3",
        "--video", tmp_path / "x.gif", "--seed", 5, "--stochastic", "--checkpoint", "best",
        function="agents.play",
    )  # fmt: skip
    assert [(opened.path, family.name, name) for opened, family, name in loaded] == [
        (run.path, "ode", None), (run.path, "ode", "best"),
    ]  # fmt: skip
    names = ("contexts", "video", "seed", "deterministic")
    assert_defaults("watch", dict(zip(names, plain[""][1:], strict=True)))
    assert given[""][1:] == ([{"c0": 2.0}, {"c0": 3.0}], tmp_path / "x.gif", 5, False)


def test_watch_prints_the_checkpoint_that_played(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which may not be the one that a training has written meanwhile."""
    watched = untrained(tmp_path / "run", "hyper-ppo", "ode")

    def play(*given: Any) -> int:
        watched.save_checkpoint("best", *watched.load_checkpoint("latest"))
        return 3

    monkeypatch.setattr("hyperrl.api.agents.play", play)
    assert main(["watch", str(watched.path), "--video", str(tmp_path / "x.gif")]) == 0
    assert watched.checkpoint_steps("best") == 64
    assert "best, of 16 steps" in capsys.readouterr().out


def test_specialize_and_export(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    given = handed(
        monkeypatch, "specialize", run.path, "--context", "c0=2", "--format", "onnx", "--out", "x.onnx",
        "--budget", 0.5, "--quantize", "int8", "--force", "--checkpoint", "latest", "--allow-import", "one",
    )  # fmt: skip
    assert given == {
        "": (str(run.path), {"c0": 2.0}), "format": "onnx", "out": "x.onnx", "budget": 0.5,
        "quantize": "int8", "force": True, "checkpoint": "latest", "allow_import": ["one"],
    }  # fmt: skip
    plain = handed(monkeypatch, "specialize", run.path, "--context", "c0=2")
    assert (plain[""], len(plain)) == ((str(run.path), {"c0": 2.0}), 8)
    assert_defaults("specialize", plain)
    assert_defaults("export", handed(monkeypatch, "export", run.path))
    written = ("--out", "x.onnx", "--force", "--checkpoint", "latest", "--allow-import", "one")
    assert handed(monkeypatch, "export", run.path, *written) == {
        "": (str(run.path),), "out": "x.onnx", "force": True, "checkpoint": "latest",
        "allow_import": ["one"],
    }  # fmt: skip


def test_train(monkeypatch: pytest.MonkeyPatch, run: Run, tmp_path: Path) -> None:
    given = handed(
        monkeypatch, "train", "hyper-ppo", "ode", "--steps", 64, "--seed", 5, "--set", "n_envs=2",
        "--set", "threads=2", "--out", tmp_path / "new", "--leave-out", "c0=1", "--from", run.path,
        "--keep", 3, "--detect-anomaly", "--device", "cuda:1", "--allow-import", "one",
    )  # fmt: skip
    agent, family = given.pop("")
    assert (agent, family.name) == (load_agent("hyper-ppo"), "ode")
    assert given == {
        "steps": 64, "seed": 5, "overrides": ["n_envs=2", "threads=2"], "out": str(tmp_path / "new"),
        "leave_out": [{"c0": 1.0}],
        "from_run": str(run.path), "keep": 3, "detect_anomaly": True, "device": "cuda:1",
        "allow_import": ["one"],
    }  # fmt: skip
    plain = handed(monkeypatch, "train", "hyper-ppo", "ode")
    assert len(plain) == 11
    assert_defaults("train", plain)


def test_resume(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    options = ("--steps", 64, "--detect-anomaly", "--device", "cuda:1", "--allow-import", "one")
    plain = handed(monkeypatch, "train", "--resume", run.path, function="resume")
    assert plain[""] == (str(run.path),)
    assert_defaults("resume", plain)
    assert handed(monkeypatch, "train", "--resume", run.path, *options, function="resume") == {
        "": (str(run.path),), "steps": 64, "detect_anomaly": True, "device": "cuda:1",
        "allow_import": ["one"],
    }  # fmt: skip


def test_nothing_of_a_runs_recipe_goes_with_resume(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for option, value in (
        ("--seed", "0"), ("--set", "n_envs=2"), ("--leave-out", "c0=1"), ("--out", "x"), ("--from", "x"),
        ("--keep", "0"),
    ):  # fmt: skip
        assert main(["train", "--resume", str(run.path), option, value]) == 2
        assert f"{option} does not go with --resume" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("hyperrl tr", ["train"]),
        ("hyperrl train hyper-a", ["hyper-a2c"]),
        ("hyperrl train hyper-ppo ode", ["ode", "ode-2d", "ode-aib", "ode-da", "ode-da-2d"]),
        ("hyperrl describe concat-a", ["concat-a2c"]),
        ("hyperrl check pend", ["pendulum", "pendulum-actuator"]),
        ("hyperrl train hyper-ppo tan", ["tank.yaml"]),
        ("hyperrl check envs/li", ["envs/lift.yaml"]),
        ("hyperrl ne", ["new"]),
        ("hyperrl new fam", ["family"]),
        ("hyperrl evaluate a-run --split inter", ["interpolation"]),
    ],
)
def test_a_shell_is_offered_names(
    typed: str,
    offered: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "envs").mkdir()
    for name in ("tank.yaml", "tank_env.py", "envs/lift.yaml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("_HYPERRL_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(typed.count(" ")))
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    assert capsys.readouterr().out.split() == offered
