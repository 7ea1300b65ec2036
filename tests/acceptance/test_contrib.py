"""Agents that need the extra `contrib`, with it and without it."""

import json
from pathlib import Path

import pytest

from hyperrl.recipes import EXTRAS
from tests.acceptance.driving import hyperrl_here, succeeded
from tests.suite import learnable, needs

QUICK = (
    "--steps", "512", "--set", "algorithm.n_steps=64", "--set", "algorithm.batch_size=256",
    "--set", "algorithm.n_epochs=1", "--set", "policy.lstm_hidden_size=8", "--set", "policy.net_arch=[8]",
)  # fmt: skip
ALGORITHMS = {
    "hyper-tqc": "tqc",
    "concat-trpo": "trpo",
    "blind-recurrent-ppo": "recurrent_ppo",
    "hyper-maskable-ppo": "maskable_ppo",
    "hyper-qrdqn": "qrdqn",
}


@needs("contrib")
@pytest.mark.usefixtures("no_figures")
def test_train_evaluate_and_go_on(tmp_path: Path) -> None:
    agent = "hyper-recurrent-ppo"
    done = hyperrl_here("train", agent, "cartpole", *QUICK, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{agent} on cartpole, seed 0: 512 steps\n")
    run = f"runs/cartpole/{agent}/seed-0"
    found = json.loads(hyperrl_here("evaluate", run, "--json", cwd=tmp_path).stdout)
    assert found["splits"]["interpolation"]["tasks"] > 0
    more = hyperrl_here("train", "--resume", run, "--steps", "1024", cwd=tmp_path)
    assert more.stdout.startswith(f"{agent} on cartpole, seed 0: 1,024 steps\n")


@pytest.mark.parametrize(
    ("agent", "fault"),
    [
        learnable("hyper-trpo", ""),
        learnable(
            "blind-recurrent-ppo",
            "the check of a start is for the algorithms ppo, a2c, trpo, maskable_ppo, sac, td3, dqn",
        ),
    ],
)
def test_the_check_of_a_start(agent: str, fault: str, tmp_path: Path) -> None:
    done = hyperrl_here("check", agent, "--family", "ode", "--set", "policy.net_arch=[8, 8]", cwd=tmp_path)
    assert done.returncode == (2 if fault else 0)
    assert fault in done.stderr if fault else "\nactor: sane\n" in done.stdout


@pytest.mark.parametrize("agent", ALGORITHMS)
def test_without_the_extra_one_line_says_what_to_install(
    agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXTRAS, "contrib", "no_such_package")
    families = {"hyper-qrdqn": "cartpole", "hyper-maskable-ppo": "wall-gap"}
    family = families.get(agent, "ode")
    commands: list[tuple[str, ...]] = [("train", agent, family), ("describe", agent, family)]
    if agent.endswith("trpo"):
        commands.append(("check", agent, "--family", family))
    for command in commands:
        done = hyperrl_here(*command, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            f"hyperrl: error: agent {agent!r}: the algorithm {ALGORITHMS[agent]!r} needs an extra: "
            "pip install 'hyperrl[contrib]'\n"
        )
    assert not list(tmp_path.iterdir())
    assert agent in hyperrl_here("list", "agents", cwd=tmp_path).stdout
    for verb in ("describe", "check"):
        assert hyperrl_here(verb, agent, cwd=tmp_path).returncode == 0


def test_what_says_so_loads_no_torch(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    assert "hyper-tqc" in succeeded("list", "agents", cwd=folder)
    assert succeeded("describe", "hyper-tqc", cwd=folder).startswith("hyper-tqc (agent): TQC")
