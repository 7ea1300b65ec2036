"""Mistakes in the command itself: one line that says what is allowed, status 2, nothing written, no torch."""

from pathlib import Path

import pytest

from tests.acceptance.driving import refused

MISTAKES = {
    "unknown command": (["trian"], ("trian", "Did you mean 'train'?", "hyperrl --help")),
    "unknown option": (["train", "--step", "3"], ("--step", "--steps")),
    "option without value": (["train", "hyper-ppo", "ode", "--steps"], "--steps"),
    "missing name": (["describe"], "NAME"),
    "missing recipe": (["check"], "RECIPE"),
    "missing run": (["evaluate"], "RUN"),
    "missing family": (["train", "hyper-ppo"], ("FAMILY", "--resume")),
    "one argument too many": (["describe", "hyper-ppo", "ode", "pendulum"], "pendulum"),
    "two families": (["describe", "ode", "pendulum"], ("'ode'", "family")),
    "unknown kind of list": (["list", "agent"], ("'agent'", "did you mean 'agents'?")),
    "unknown agent": (["train", "hyper-pp0", "ode"], ("hyper-pp0", "did you mean 'hyper-ppo'?")),
    "unknown family": (["train", "hyper-ppo", "pendulm"], ("pendulm", "did you mean 'pendulum'?")),
    "agent and family swapped": (["train", "ode", "hyper-ppo"], ("'ode'", "family")),
    "unknown name": (["describe", "cartpol"], ("cartpol", "did you mean 'cartpole'?")),
    "negative steps": (["train", "hyper-ppo", "ode", "--steps", "-5"], ("--steps", "'-5'")),
    "no steps": (["train", "hyper-ppo", "ode", "--steps", "0"], ("--steps", "'0'")),
    "steps in words": (["train", "hyper-ppo", "ode", "--steps", "many"], ("--steps", "'many'")),
    "endless steps": (["train", "hyper-ppo", "ode", "--steps", "inf"], ("--steps", "'inf'")),
    "negative seed": (["train", "hyper-ppo", "ode", "--seed", "-1"], ("--seed", "'-1'")),
    "seed too large": (["train", "hyper-ppo", "ode", "--seed", "4294967296"], ("--seed", "4,294,967,295")),
    "unknown device": (["train", "hyper-ppo", "ode", "--device", "gpu"], ("--device", "'gpu'", "cuda")),
    "unknown field": (
        ["train", "hyper-ppo", "ode", "--set", "algorithm.learning_rat=1"],
        ("--set", "algorithm.learning_rat", "did you mean 'learning_rate'?"),
    ),
    "field without value": (["train", "hyper-ppo", "ode", "--set", "steps"], ("--set", "FIELD=VALUE")),
    "field of a wrong type": (["train", "hyper-ppo", "ode", "--set", "steps=-1"], ("--set", "steps", "-1")),
    "resume nothing": (["train", "--resume", "runs/nowhere"], "runs/nowhere"),
    "resume beside an agent": (["train", "hyper-ppo", "ode", "--resume", "runs/a"], ("AGENT", "--resume")),
    "resume beside a seed": (["train", "--resume", "runs/a", "--seed", "1"], ("--seed", "--resume")),
    "start from nothing": (["train", "hyper-ppo", "ode", "--from", "runs/nowhere"], "runs/nowhere"),
    "a module beside no run": (
        ["train", "hyper-ppo", "ode", "--allow-import", "os"],
        ("--allow-import", "--resume", "--from"),
    ),
    "evaluate nothing": (["evaluate", "runs/nowhere"], "runs/nowhere"),
    "episodes": (["evaluate", "runs/nowhere", "--episodes", "0"], ("--episodes", "'0'")),
    "context": (["evaluate", "runs/nowhere", "--context", "c0=nan"], ("--context", "finite")),
    "context without value": (
        ["evaluate", "runs/nowhere", "--context", "c0"],
        ("--context", "FEATURE=NUMBER"),
    ),
    "missing context": (["evaluate", "runs/nowhere", "--context", ""], ("--context", "FEATURE=NUMBER")),
    "sweep": (["evaluate", "runs/nowhere", "--sweep", "c0=1:2"], ("--sweep", "FEATURE=LOW:HIGH:COUNT")),
}


@pytest.mark.parametrize(("command", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_command(command: list[str], says: str | tuple[str, ...], tmp_path: Path) -> None:
    refused(*command, cwd=tmp_path, says=says)


def test_the_terminal_cannot_be_driven_by_a_name(tmp_path: Path) -> None:
    refused("describe", "x\x1b[2J\nhyperrl: done", cwd=tmp_path, says="\\x1b[2J")


@pytest.mark.parametrize(
    "command", [["train", "hyper-ppo", "ode"], ["train", "hyper-ppo", "ode", "--out", "mine"]]
)
def test_a_directory_that_cannot_be_written(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    (tmp_path / "mine").write_text("in the way")
    refused(*command, cwd=tmp_path, says=(), torch=True)
