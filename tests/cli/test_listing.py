"""`hyperrl list`: which agents and families there are, and which fit which; without torch."""

import json
from pathlib import Path

import pytest

from hyperrl.cli import listing, main
from hyperrl.cli import recipe as cli_recipe
from hyperrl.extras import EXTRAS
from hyperrl.recipes import catalog, load_agent, load_family, shipped
from hyperrl.shipped import Kind
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


@pytest.mark.parametrize("kind", ["agents", "envs"])
def test_shipped_recipes_say_what_is_listed_of_them(kind: Kind) -> None:
    for name, path in shipped(kind).items():
        recipe = load_agent(name) if kind == "agents" else load_family(name)
        undeclared = recipe if kind == "agents" else recipe.model_copy(update={"actions": None})
        assert listing._declared(name, path) == listing._row(recipe) == listing._row(undeclared)


@pytest.mark.parametrize(
    ("actions", "wanted"), [("", "continuous"), ("actions: discrete\n", "discrete"), ("actions: no\n", None)]
)
def test_a_recipe_added_to_the_suite_need_not_declare_its_actions(
    actions: str,
    wanted: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"about: my own\nbase: Pendulum-v1\n{actions}features:\n"
        "  g: {about: pull, default: 1, train: [0, 2]}\n"
    )
    for module in (listing, catalog, cli_recipe):
        monkeypatch.setattr(module, "shipped", lambda kind: {"mine": path} if kind == "envs" else {})
    status = main(["list", "envs", "--json"])
    shown = capsys.readouterr()
    if wanted is None:
        assert status == 2
        assert 'envs/mine.yaml: actions: found "no"' in shown.err
    else:
        assert json.loads(shown.out)["envs"] == [
            {"name": "mine", "actions": wanted, "about": "my own", "fits": []}
        ]


def test_where_an_extra_is_missing_the_actions_of_its_families_are_not_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(EXTRAS, "mujoco", "no_such_package")
    assert main(["list", "envs", "--json"]) == 0
    told = {row["name"]: row["actions"] for row in json.loads(capsys.readouterr().out)["envs"]}
    assert told["ant-density"] is None
    assert told["pendulum"] == "continuous"


def listed(*args: str, cwd: Path) -> list[str]:
    """The names, without the heading."""
    return [line.split()[0] for line in succeeded("list", *args, cwd=cwd).splitlines()[1:]]


def test_the_list_of_what_fits_one_recipe(tmp_path: Path) -> None:
    agents = {name: load_agent(name).algorithm.actions for name in sorted(shipped("agents"))}
    kinds = {"ode": "continuous", "cartpole": "discrete", "wall-gap": "masked discrete"}
    for family, kind in kinds.items():
        fit = [name for name, actions in agents.items() if actions in ("any", *kind.split())]
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
        fit = [name for name, kind in actions.items() if kind in ("any", *(row["actions"] or "").split())]
        assert row["fits"] == (None if row["actions"] is None else fit)
    assert next(row for row in told["envs"] if row["name"] == "ode")["actions"] == "continuous"
    one = json.loads(succeeded("list", "--fits", "ode", "--json", cwd=tmp_path))
    assert [row["name"] for row in one["agents"]] == listed("--fits", "ode", cwd=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["runs", "nowhere"], f"'nowhere': no such directory in '{Path.cwd()}'"),
        (["agents", "runs"], "DIR is for `list runs` alone"),
        (["runs", "--fits", "ode"], "--fits is for agents and families"),
        (["agents", "--fits", "hyper-sac"], "found agents with --fits hyper-sac; allowed: envs, or neither"),
        (["envs", "--fits", "ode"], "found envs with --fits ode; allowed: agents, or neither"),
        (["--fits", "hyper-sack"], "no agent or family 'hyper-sack'"),
        (["rums"], "did you mean 'runs'?"),
    ],
)
def test_a_wrong_question_is_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", *arguments]) == 2
    assert told in capsys.readouterr().err
