"""`list`, `describe` and `check`: what the suite's recipes say, without torch."""

import json
from pathlib import Path

import pytest

from hyperrl.recipes import ALGORITHMS, is_missing, load_agent, load_family, shipped
from tests.acceptance.driving import refused, succeeded


def test_every_recipe_is_listed_in_one_line(tmp_path: Path) -> None:
    agents, families = (sorted(shipped("agents")), sorted(shipped("envs")))
    shown = succeeded("list", cwd=tmp_path).splitlines()
    assert [line.split()[0] for line in shown if line] == ["agents", *agents, "envs", *families]
    assert all(len(line.split()) > 4 for line in shown if line and line.split()[0] in {*agents, *families})
    assert succeeded("list", "envs", cwd=tmp_path).splitlines() == shown[-len(families) - 1 :]


def test_the_list_says_which_agents_fit_which_families(tmp_path: Path) -> None:
    actions = {
        line.split()[0]: line.split()[1] for line in succeeded("list", cwd=tmp_path).splitlines() if line
    }
    assert {name: actions[name] for name in ("hyper-ppo", "hyper-sac", "blind-td3", "concat-dqn")} == {
        "hyper-ppo": "any",
        "hyper-sac": "continuous",
        "blind-td3": "continuous",
        "concat-dqn": "discrete",
    }
    families = {name: actions[name] for name in ("ode", "cartpole", "acrobot", "pendulum")}
    assert list(families.values()) == ["continuous", "discrete", "discrete", "continuous"]


def listed(*args: str, cwd: Path) -> list[str]:
    """The names, without the heading."""
    return [line.split()[0] for line in succeeded("list", *args, cwd=cwd).splitlines()[1:]]


def test_the_list_of_what_fits_one_recipe(tmp_path: Path) -> None:
    agents = {name: load_agent(name).algorithm.actions for name in sorted(shipped("agents"))}
    for family, kind in (("ode", "continuous"), ("cartpole", "discrete")):
        fit = [name for name, actions in agents.items() if actions in ("any", kind)]
        assert listed("--fits", family, cwd=tmp_path) == fit
        assert set(fit) < set(agents)
    families = listed("envs", "--fits", "hyper-sac", cwd=tmp_path)
    assert "pendulum" in families
    assert not {"cartpole", "acrobot"} & set(families)
    assert {"cartpole", "pendulum"} < set(listed("--fits", "hyper-ppo", cwd=tmp_path))
    (tmp_path / "far.yaml").write_text(
        "about: far\nbase: stranger:Far-v0\nfeatures:\n  g: {about: pull, default: 1, train: [0, 2]}\n"
    )
    refused("list", "--fits", "far.yaml", cwd=tmp_path, says="--fits far.yaml: its actions are not known")


def test_the_list_for_scripts(tmp_path: Path) -> None:
    told = json.loads(succeeded("list", "--json", cwd=tmp_path))
    assert [row["name"] for row in told["agents"]] == sorted(shipped("agents"))
    assert [row["name"] for row in told["envs"]] == sorted(shipped("envs"))
    actions = {row["name"]: row["actions"] for row in told["agents"]}
    for row in told["envs"]:
        fit = [name for name, kind in actions.items() if kind in ("any", row["actions"])]
        assert row["fits"] == (None if row["actions"] is None else fit)
    assert next(row for row in told["envs"] if row["name"] == "ode")["actions"] == "continuous"
    one = json.loads(succeeded("list", "--fits", "ode", "--json", cwd=tmp_path))
    assert [row["name"] for row in one["agents"]] == listed("--fits", "ode", cwd=tmp_path)


@pytest.mark.parametrize("name", sorted(shipped("envs")))
def test_a_family_is_described_with_units_and_splits(name: str, tmp_path: Path) -> None:
    shown = succeeded("describe", name, cwd=tmp_path)
    recipe = load_family(name)
    assert shown.startswith(f"{name} (environment family): {recipe.about}")
    for feature, said in recipe.features.items():
        row = next(line for line in shown.splitlines() if line.startswith(f"{feature} "))
        assert said.about in row
        assert (said.unit or "-") in row
        assert f"{said.default:g}" in row
    given = {name for name, value in recipe.training.model_dump().items() if value not in (None, {})}
    said_of_training = {
        line.split()[0] for line in shown.partition("Training and evaluation")[2].splitlines() if line
    }
    assert given - {algorithm().name for algorithm in ALGORITHMS} <= said_of_training
    for split in ("train", "validation", "interpolation", "extrapolation"):
        assert any(line.startswith(split) for line in shown.splitlines())


@pytest.mark.parametrize("name", sorted(shipped("agents")))
def test_an_agent_is_described_field_by_field(name: str, tmp_path: Path) -> None:
    shown = succeeded("describe", name, cwd=tmp_path)
    agent = load_agent(name)
    assert shown.startswith(f"{name} (agent): {agent.about}")
    rows = {line.split()[0]: line for line in shown.splitlines() if line}
    assert str(agent.policy.kind) in rows["policy.kind"]
    assert f"{agent.algorithm.learning_rate:g}" in rows["algorithm.learning_rate"]
    assert f"{agent.steps:,} " in rows["steps"]


def test_every_recipe_of_the_suite_is_right(tmp_path: Path) -> None:
    names = [
        *shipped("agents"),
        *(each for each in shipped("envs") if not is_missing(load_family(each).extra)),
    ]
    shown = succeeded("check", *names, cwd=tmp_path).splitlines()
    assert [line.partition(": ok, ")[0] for line in shown] == names


def test_a_proof_names_every_feature(tmp_path: Path) -> None:
    (line,) = succeeded("check", "cartpole", cwd=tmp_path).splitlines()
    for feature in load_family("cartpole").features:
        assert f"feature {feature} changes the transition" in line


def test_a_file_of_your_own(tmp_path: Path) -> None:
    (tmp_path / "valley.yaml").write_text(
        "about: a valley\nbase: MountainCar-v0\nfeatures:\n"
        "  gravity: {about: pull, default: 0.0025, train: [0.002, 0.003]}\n"
    )
    assert succeeded("check", "valley.yaml", cwd=tmp_path).startswith("valley.yaml: ok, a family")
    assert succeeded("describe", "valley.yaml", cwd=tmp_path).startswith("valley (environment family)")


def test_describing_a_file_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "stranger.py").write_text("open('owned', 'w').close()\n")
    (tmp_path / "far.yaml").write_text(
        "about: far\nbase: stranger:Far-v0\nfeatures:\n  g: {about: pull, default: 1, train: [0, 2]}\n"
    )
    assert "stranger:Far-v0" in succeeded("describe", "far.yaml", cwd=tmp_path)
    assert not (tmp_path / "owned").exists()
