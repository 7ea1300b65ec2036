"""Off-policy agents as a user drives them."""

import json
from pathlib import Path

import pytest

from tests.acceptance.driving import hyperrl_here, refused, succeeded

QUICK = (
    "--set", "algorithm.learning_starts=200", "--set", "algorithm.gradient_steps=1",
    "--set", "algorithm.batch_size=32", "--set", "policy.net_arch=[16, 16]",
)  # fmt: skip


@pytest.mark.usefixtures("no_figures")
def test_train_evaluate_and_go_on(tmp_path: Path) -> None:
    shown = succeeded("train", "hyper-sac", "ode", "--steps", "400", *QUICK, cwd=tmp_path, torch=True)
    assert shown.startswith("hyper-sac on ode, seed 0: 400 steps\n")
    run = "runs/ode/hyper-sac/seed-0"
    found = json.loads(hyperrl_here("evaluate", run, "--json", cwd=tmp_path).stdout)
    assert found["splits"]["extrapolation"]["tasks"] == 10
    assert 0 < found["splits"]["extrapolation"]["mean"] < found["splits"]["extrapolation"]["oracle"]
    more = succeeded("train", "--resume", run, "--steps", "600", cwd=tmp_path, torch=True)
    assert more.startswith("hyper-sac on ode, seed 0: 600 steps\n")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (
            ("train", "hyper-sac", "cartpole"),
            "agent 'hyper-sac': the algorithm 'sac' is for continuous actions; found Discrete(2) "
            "(`hyperrl list --fits FAMILY` shows the agents that fit)",
        ),
        (
            ("train", "blind-dqn", "ode"),
            "agent 'blind-dqn': the algorithm 'dqn' is for discrete actions; found Box(-1.0, 1.0, (2,), "
            "float32) (`hyperrl list --fits FAMILY` shows the agents that fit)",
        ),
        (
            ("check", "hyper-td3", "--family", "cartpole"),
            "agent 'hyper-td3': the algorithm 'td3' is for continuous actions; found Discrete(2) "
            "(`hyperrl list --fits FAMILY` shows the agents that fit)",
        ),
        (
            ("train", "hyper-dqn", "cartpole", "--set", "policy.critic_lr_scale=3"),
            "--set: policy.critic_lr_scale: found 3.0; allowed: 1 with the algorithm 'dqn', which has one "
            "learning rate",
        ),
    ],
)
def test_a_mistake_is_one_line_and_reported_without_torch(
    command: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    refused(*command, cwd=tmp_path, says=f"hyperrl: error: {told}\n")


def test_a_sane_start(tmp_path: Path) -> None:
    done = hyperrl_here("check", "hyper-sac", "--family", "ode", "--set", "policy.net_arch=[8]", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = [line for line in done.stdout.splitlines() if line.endswith(": sane")]
    networks = ["actor", "critic0", "critic1", "actor's generator", "critic's generator"]
    assert told == [f"{network}: sane" for network in networks]


@pytest.mark.parametrize(
    ("agent", "family"), [("hyper-sac", "ode"), ("concat-td3", "ode"), ("blind-dqn", "cartpole")]
)
def test_a_pair_is_described(agent: str, family: str, tmp_path: Path) -> None:
    small = ("--set", "policy.net_arch=[8, 8]", "--set", "algorithm.batch_size=16")
    found = json.loads(hyperrl_here("describe", agent, family, *small, "--json", cwd=tmp_path).stdout)
    parameters = found["parameters"]
    assert parameters["total"] == sum(count for name, count in parameters.items() if name != "total")
    assert parameters["targets"] > 0
    assert found["minibatch"]["rows"] == 16
    assert all("why_not" not in choice for choice in found["choices"])
