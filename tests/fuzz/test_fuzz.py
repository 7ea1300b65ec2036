"""Mutated recipes and run directories: a result or one line, soon, and nothing executed or written beside."""

import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hyperrl.api import train
from hyperrl.recipes import shipped
from tests.fuzz.guard import hold
from tests.fuzz.mutations import mutate

# Stable-Baselines3's advice on a batch_size that does not divide the rollout, which a mutation may lead to.
pytestmark = pytest.mark.filterwarnings("ignore:You have specified a mini-batch size:UserWarning")

RECIPES, RUNS = 2000, 500
FEW_RECIPES, FEW_RUNS = 30, 6
TINY = (
    "algorithm.n_steps=16", "algorithm.batch_size=32", "algorithm.n_epochs=1", "n_envs=2",
    "policy.net_arch=[8, 8]", "evaluate_every=64", "checkpoint_every=32",
)  # fmt: skip
KNOWN = settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small run of three rollouts."""
    folder = tmp_path_factory.mktemp("fuzz") / "work"
    train("hyper-ppo", "ode", steps=96, overrides=TINY, out=folder / "run", keep=1)
    return folder


def break_recipe(seed: int, folder: Path) -> None:
    drawn = random.Random(seed)
    known = shipped("agents") if drawn.random() < 0.5 else shipped("envs")
    name = drawn.choice(sorted(name for name in known if "cheetah" not in name and "lunar" not in name))
    path = folder / "recipe.yaml"
    shutil.copy(known[name], path)
    said = f"seed {seed}, {name}: " + ", ".join(mutate(path, drawn) for _ in range(drawn.choice((1, 1, 2))))
    hold([drawn.choice(("check", "describe")), "recipe.yaml"], folder, None, said)


def break_run(seed: int, trained: Path, folder: Path) -> None:
    drawn = random.Random(seed)
    run = folder / "run"
    shutil.copytree(trained / "run", run)
    files = sorted(path for path in run.rglob("*") if path.is_file())
    weights = [9 if path.name == "run.yaml" else 3 if path.suffix == ".safetensors" else 1 for path in files]
    if drawn.random() < 0.2:
        one, other = drawn.sample(files, 2)
        shutil.copy(one, other)
        said = f"{other.name} is {one.name}"
    else:
        said = mutate(drawn.choices(files, weights)[0], drawn)
    said = f"seed {seed}: {said}"
    for command in (
        ["list", "runs", ".", "--json"],
        ["evaluate", "run", "--episodes", "1", "--split", "train"],
        ["train", "--resume", "run", "--steps", "128"],
    ):
        hold(command, folder, run, said)


def in_a_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example") / "work"
    folder.mkdir()
    return folder


@given(SEEDS)
@settings(KNOWN, max_examples=FEW_RECIPES)
def test_a_mutated_recipe(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    break_recipe(seed, in_a_folder(tmp_path_factory))


@given(SEEDS)
@settings(KNOWN, max_examples=FEW_RUNS)
def test_a_mutated_run(trained: Path, tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    break_run(seed, trained, in_a_folder(tmp_path_factory))


@pytest.mark.slow
@given(SEEDS)
@settings(KNOWN, max_examples=RECIPES)
def test_many_mutated_recipes(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    break_recipe(seed, in_a_folder(tmp_path_factory))


@pytest.mark.slow
@given(SEEDS)
@settings(KNOWN, max_examples=RUNS)
def test_many_mutated_runs(trained: Path, tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    break_run(seed, trained, in_a_folder(tmp_path_factory))
