"""`hyperrl describe AGENT FAMILY`: what a pair costs."""

import json
from pathlib import Path

import pytest

from tests.acceptance.driving import printed_here, refused

SMALL = ["--set", "policy.net_arch=[8, 8]", "--set", "policy.hypernetwork.hidden=[8]"]
FEW = ["--set", "n_envs=2", "--set", "algorithm.n_steps=8"]


def test_the_cost_of_a_pair_in_words(tmp_path: Path) -> None:
    shown = printed_here("describe", "hyper-ppo", "ode", *SMALL, *FEW, cwd=tmp_path)
    assert shown.startswith("hyper-ppo on ode (modulation)\n")
    for title in ("Parameters", "Networks of one task", "FLOPs", "Memory", "Per choice"):
        assert f"\n{title}" in shown
    table = shown.partition("Per choice")[2].splitlines()[2:]
    assert [line.split("  ")[0].strip() for line in table[: table.index("")]] == [
        *["low-rank 1", "low-rank 4", "low-rank 8", "low-rank 16"],
        *["full", "chunked", "adapter 8", "modulation *", "mask", "concat"],
    ]


@pytest.mark.parametrize(
    "command", [["describe", "hyper-ppo", "ode"], ["check", "hyper-ppo", "--family", "ode"]]
)
def test_tables_of_numbers_fit_a_narrow_terminal(command: list[str], tmp_path: Path) -> None:
    """Their columns are two spaces apart here, three on a terminal, which would cut what is beyond 80."""
    separate = ["--set", "policy.hypernetwork.trunk=separate"]
    shown = printed_here(*command, *SMALL, *FEW, *separate, cwd=tmp_path).splitlines()
    start = next(number for number, line in enumerate(shown) if line.startswith(("choice ", "network ")))
    table = shown[start : shown.index("", start)]
    assert max(map(len, table)) + len(table[0].split()) - 1 <= 80


def test_the_cost_of_a_pair_for_scripts(tmp_path: Path) -> None:
    shown = printed_here("describe", "hyper-ppo", "ode", *SMALL, *FEW, "--json", cwd=tmp_path)
    found = json.loads(shown)
    assert (found["agent"], found["family"], found["choice"]) == ("hyper-ppo", "ode", "modulation")
    assert found["minibatch"] == {"rows": 16, "tasks": 2}
    parts = dict(found["parameters"])
    assert parts.pop("total") == sum(parts.values()) > 0
    assert (
        0 < found["flops"]["action_cached"] < found["flops"]["action_uncached"] < found["flops"]["minibatch"]
    )
    assert found["flops"]["minibatch"] < found["flops"]["rollout"]
    (own,) = (choice for choice in found["choices"] if choice["own"])
    assert own["flops"] == found["flops"]
    assert own["memory"] == found["memory"]
    assert all(number > 0 for number in found["memory"].values())


@pytest.mark.parametrize("name", ["concat-ppo-matched", "blind-a2c"])
def test_agents_without_a_hypernetwork_have_a_cost_too(name: str, tmp_path: Path) -> None:
    found = json.loads(printed_here("describe", name, "cartpole", *FEW, "--json", cwd=tmp_path))
    assert found["generated"] == found["parameters"]["heads"] == found["memory"]["cache"] == 0
    assert found["parameters"]["networks"] == found["actor"] + found["critic"]
    assert found["flops"]["action_cached"] == found["flops"]["action_uncached"]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["describe", "hyper-pop", "ode"], "did you mean 'hyper-ppo'?"),
        (["describe", "hyper-ppo", "oed"], "did you mean 'ode'?"),
        (["describe", "ode", "hyper-ppo"], "hyper-ppo"),
        (["describe", "hyper-ppo", "ode", "--set", "algorithm.gama=1"], "did you mean 'gamma'?"),
        (["describe", "hyper-ppo", "--json"], "--json needs an AGENT and a FAMILY"),
        (["describe", "hyper-ppo", "--set", "steps=1"], "--set needs an AGENT and a FAMILY"),
        (["check", "hyper-ppo", "--family", "oed"], "did you mean 'ode'?"),
        (["check", "ode", "--family", "ode"], "ode"),
        (["check", "hyper-ppo", "concat-ppo", "--family", "ode"], "--family: found 2 recipes"),
        (["check", "hyper-ppo", "--set", "steps=1"], "--set needs --family"),
        (["check", "hyper-ppo", "--family", "ode", "--set", "policy.net_arh=[8]"], "net_arch"),
    ],
    ids=" ".join,
)
def test_mistakes_are_reported_without_torch(command: list[str], says: str, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    refused(*command, cwd=folder, says=says)
