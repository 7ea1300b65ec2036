"""The command and the files that reports and model cards show train the same run again."""

import shlex
from pathlib import Path

from hyperrl.recipes import load_agent, load_family, resolve
from hyperrl.store import RunSpec
from hyperrl.store.commands import recipe_text, train_command
from hyperrl.store.spec import Distilled
from hyperrl.tasks import Family


def test_recipes_of_the_suite_go_by_name(spec: RunSpec) -> None:
    expected = "hyperrl train hyper-ppo ode --seed 3 --steps 4096 --set algorithm.learning_rate=1e-05"
    assert train_command(spec) == expected
    started = spec.model_copy(update={"from_run": "my runs/one"})
    assert shlex.split(train_command(started))[-2:] == ["--from", "my runs/one"]
    frozen = started.model_copy(update={"freeze": "shared"})
    assert shlex.split(train_command(frozen))[-2:] == ["--freeze", "shared"]


def test_what_was_distilled_is_distilled_again(spec: RunSpec) -> None:
    origin = Distilled(teachers=("my runs/one", "two"), episodes=7, updates=50)
    words = shlex.split(train_command(spec.model_copy(update={"distilled": origin})))
    assert words[:4] == ["hyperrl", "distill", "my runs/one", "two"]
    assert words[4:8] == ["--agent", "hyper-ppo", "--family", "ode"]
    assert words[8:14] == ["--seed", "3", "--episodes", "7", "--updates", "50"]
    assert words[14:] == ["--set", "algorithm.learning_rate=1e-05"]


def test_others_go_by_files_that_train_the_same(spec: RunSpec, tmp_path: Path) -> None:
    agent = spec.agent.model_copy(update={"n_envs": 3})
    family = spec.family.model_copy(update={"about": "Another one: [yes], & 'no'."})
    own = spec.model_copy(update={"agent": agent, "family": family})
    assert train_command(own).startswith("hyperrl train hyper-ppo.yaml ode.yaml --seed 3")
    for name, recipe in (("hyper-ppo", agent), ("ode", family)):
        (tmp_path / f"{name}.yaml").write_text(recipe_text(recipe))
    read = load_family(str(tmp_path / "ode.yaml"))
    place = {"folder": None}
    assert read.model_copy(update=place) == family.model_copy(update=place)
    assert resolve(load_agent(str(tmp_path / "hyper-ppo.yaml")), read, own.overrides) == agent


def test_overrides_that_no_longer_fit_lead_to_files(spec: RunSpec) -> None:
    old = spec.model_copy(update={"overrides": ("algorithm.gone=1",)})
    assert train_command(old).startswith("hyperrl train hyper-ppo.yaml ode ")


def test_a_sequence_is_repeated_on_all_tasks_of_its_family_in_their_order() -> None:
    family = Family.load("ode").in_sequence([{"c0": 5}, {"c0": -5}, {"c0": 1}])
    agent = resolve(load_agent("hyper-ppo"), family.recipe, ())
    spec = RunSpec.now(agent, family.recipe, seed=3, steps=640, sequence=True)
    command = shlex.split(train_command(spec))
    assert command[2:4] == ["hyper-ppo", "ode.yaml"]
    assert command[-2:] == ["--sequence", "3"]
    assert Family(spec.family).in_sequence(3).tasks("train") == family.tasks("train")
