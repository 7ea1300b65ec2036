"""What a shell completes names to."""

from pathlib import Path

import pytest

from hyperrl.cli import main


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
        ("hyperrl train hyper-ppo ode --track w", ["wandb"]),
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
