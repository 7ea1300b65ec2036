"""`hyperrl distill`, as a user drives it."""

from pathlib import Path

import pytest

from hyperrl.cli import main
from tests.cli.calls import arguments_of, assert_defaults

SMALL = ("--set", "algorithm.n_steps=16", "--set", "algorithm.batch_size=32", "--set", "n_envs=2")


def test_specialists_are_trained_and_distilled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    teachers = [f"runs/ode/blind-ppo/on-c0={c0}/seed-0" for c0 in ("5", "-5")]
    for c0, run in zip(("5", "-5"), teachers, strict=True):
        assert main(["train", "blind-ppo", "ode", "--context", f"c0={c0}", "--steps", "32", *SMALL]) == 0
        assert run in capsys.readouterr().out
    quick = ("--episodes", "1", "--updates", "20")
    assert main(["distill", *teachers, "--agent", "hyper-sac", *quick, "--out", "one"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "hyper-sac on ode, distilled from 2 runs: 400 transitions"
    assert any(line.split() == ["evaluate", "hyperrl", "evaluate", "one"] for line in rest)
    assert main(["distill", *teachers, "--updates", "0", "--out", "two"]) == 2
    assert "--updates: found '0'" in capsys.readouterr().err


def test_options_are_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = arguments_of(monkeypatch, "distill", "one", "two")
    assert plain[""] == (["one", "two"],)
    assert_defaults("distill", plain)
    found = arguments_of(monkeypatch, "distill", "one", "--family", "ode", "--set", "a=1", "--seed", 3)
    assert (found["family"], found["overrides"], found["seed"]) == ("ode", ["a=1"], 3)
