"""What the Python functions take, and how they refuse what they do not take."""

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import hyperrl
from hyperrl import api
from hyperrl.api.arguments import CONSTRAINTS
from hyperrl.cli import main
from hyperrl.store import Run
from hyperrl.tasks import Family
from tests.runs import message
from tests.store.conftest import created

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("train", {"agent": 3}, "agent: found 3; allowed: a name, the path of a YAML file, or a recipe"),
    ("train", {"family": None}, "family: found None; allowed: a name, the path of a YAML file, a recipe or"),
    ("train", {"overrides": "steps=3"}, "overrides: found 'steps=3'; allowed: a list of texts"),
    ("train", {"out": 3}, "out: found 3; allowed: a path, or None"),
    ("train", {"from_run": 3}, "from_run: found 3; allowed: a run, the path of its directory, or None"),
    ("train", {"track": "wandb"}, "track: found 'wandb'; allowed: a list of texts"),
    ("train", {"track": ["wand"]}, "track: unknown tracker 'wand'; did you mean 'wandb'?"),
    ("train", {"detect_anomaly": "no"}, "detect_anomaly: found 'no'; allowed: True or False"),
    ("train", {"device": 0}, "device: found 0; allowed: cpu, cuda, cuda:N, mps, auto"),
    ("resume", {"device": "gpu"}, "device: found 'gpu'; allowed: cpu, cuda, cuda:N, mps, auto"),
    ("train", {"progress": True}, "progress: found True; allowed: a function of the work done and planned"),
    ("train", {"leave_out": {"c0": 5}}, "leave_out: found {'c0': 5}; allowed: a list of dictionaries"),
    ("train", {"step": 3}, "train: unknown argument 'step'; did you mean 'steps'?"),
    ("resume", {"run": None}, "run: found None; allowed: a run, or the path of its directory"),
    ("resume", {"family": "ode"}, "family: found 'ode'; allowed: a family, as contextualize or Family.load"),
    ("evaluate", {"runs": 3}, "runs: found 3; allowed: a run, the path of its directory, or a list of them"),
    ("evaluate", {"splits": "train"}, "splits: found 'train'; allowed: a list of splits, such as ['train']"),
    ("evaluate", {"contexts": {"c0": 1}}, "contexts: found {'c0': 1}; allowed: a list of dictionaries"),
    ("evaluate", {"sweep": ("c0", 0, 1, 5)}, "sweep: found ('c0', 0, 1, 5); allowed: a list of (feature, "),
    ("evaluate", {"sweep": [("c0", 0, 1)]}, "sweep: found [('c0', 0, 1)]; allowed: a list of (feature, "),
    ("evaluate", {"hidden": "c0"}, "hidden: found 'c0'; allowed: a list of texts"),
    ("evaluate", {"save": None}, "save: found None; allowed: True or False"),
    ("evaluate", {"checkpoint": 1.5}, "checkpoint: found 1.5; allowed: 'best', 'latest', a number of steps"),
    ("evaluate", {"allow_import": "my_env"}, "allow_import: found 'my_env'; allowed: a list of texts"),
    ("load", {"chekpoint": "best"}, "load: unknown argument 'chekpoint'; did you mean 'checkpoint'?"),
    ("watch", {"contexts": [3]}, "contexts: found [3]; allowed: a list of dictionaries"),
    ("watch", {"video": 3}, "video: found 3; allowed: a path, or None"),
    ("specialize", {"context": [("c0", 1)]}, "context: found [('c0', 1)]; allowed: a dictionary"),
    ("specialize", {"context": {"c0": "x"}}, "context: c0 is 'x'; a finite number is needed"),
    ("specialize", {"budget": "half"}, "budget: found 'half'; allowed: a share of the parameters"),
    *(
        (
            "specialize",
            {"budget": share},
            f"budget: found {share}; allowed: a share of the parameters, above 0,",
        )
        for share in (0, 1.5, -1, float("nan"), float("inf"))
    ),
    ("specialize", {"format": None}, "format: found None; allowed: 'torch', 'onnx', 'sb3'"),
    ("specialize", {"format": "torhc"}, "format: found 'torhc'; did you mean 'torch'? allowed: "),
    ("specialize", {"quantize": "int4"}, "quantize: found 'int4'; did you mean 'int8'? allowed: 'int8', or"),
    ("specialize", {"force": 1}, "force: found 1; allowed: True or False"),
    ("export", {"out": ["x"]}, "out: found ['x']; allowed: a path, or None"),
]


@pytest.mark.parametrize(("verb", "given", "says"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_arguments_are_reported_in_one_line(
    verb: str, given: dict[str, Any], says: str, runs: Path
) -> None:
    before = sorted(runs.rglob("*"))
    run = runs / "seed-0"
    needed: dict[str, dict[str, Any]] = {
        "train": {"agent": "hyper-ppo", "family": "ode"},
        "evaluate": {"runs": run},
        "specialize": {"run": run, "context": {}},
    }
    first = needed.get(verb, {"run": run})
    assert message(getattr(hyperrl, verb), **{**first, **given}).startswith(says)
    assert sorted(runs.rglob("*")) == before


def test_every_argument_of_every_verb_is_checked() -> None:
    """Numbers are checked against limits of their own."""
    numbers = {"steps", "seed", "keep", "episodes", "jobs", "trials", "seeds", "worst_budget"}
    for verb in ("train", "resume", "evaluate", "load", "watch", "specialize", "export", "bench", "tune"):
        parameters = inspect.signature(getattr(hyperrl, verb)).parameters
        assert set(parameters) - numbers <= set(CONSTRAINTS), verb


@pytest.mark.parametrize("number", ["steps", "seed", "episodes"])
@pytest.mark.parametrize("value", [-1, 2.5, "3", True, float("nan"), float("inf"), 10**13, 10**400])
def test_numbers_out_of_range_are_reported_before_anything_is_read(number: str, value: Any) -> None:
    def check(call: Any, *args: Any) -> None:
        text = message(call, *args, **{number: value})
        assert re.fullmatch(rf"{number}: found .{{,90}}; allowed: a whole number from [01] to [\d,]+", text)

    if number != "episodes":
        check(api.train, "no agent", "no family")
    if number == "steps":
        check(api.resume, "no run")
    else:
        check(api.evaluate, "no run")


def test_mistakes_take_one_line(runs: Path, tmp_path: Path) -> None:
    run = runs / "seed-0"
    assert "did you mean" in message(api.evaluate, runs / "sed-0")
    assert "not a run" in message(api.evaluate, tmp_path)
    assert "'extrapolation'" in message(api.evaluate, run, splits=["extrapolatoin"])
    assert "'c1'" in message(api.evaluate, run, contexts=[{"c1": 0.0}])
    assert "episodes" in message(api.evaluate, run, episodes=0)
    assert "seed" in message(api.evaluate, run, seed=-1)
    assert "checkpoint" in message(api.evaluate, run, checkpoint="7")
    assert "'hyper-ppo'" in message(api.train, "hyper-pppo", "ode")
    assert "known" in message(api.train, "hyper-ppo", "odee")
    assert "gama" in message(api.train, "hyper-ppo", "ode", overrides=["algorithm.gama=0.9"])
    assert f"go on with it by hyperrl.resume({str(run)!r})" in message(api.train, "hyper-ppo", "ode", out=run)
    assert "extend it" in message(api.resume, run)


def test_mistakes_answer_without_torch(tmp_path: Path) -> None:
    code = """
import sys, hyperrl
for call in (
    lambda: hyperrl.train("nope", "ode"),
    lambda: hyperrl.train("hyper-ppo", "ode", overrides=["steps=-1"]),
    lambda: hyperrl.evaluate("nope"),
    lambda: hyperrl.load("nope"),
):
    try:
        call()
    except hyperrl.UserError:
        print(sorted({"torch", "stable_baselines3", "matplotlib"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["[]"] * 4


def test_messages_name_arguments_of_python(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Options of the command line are named on the command line alone."""
    run, file = runs / "seed-0", tmp_path / "x.safetensors"
    file.touch()
    spec = Run.open(run).spec
    family = spec.family.model_copy(update={"base": "their_module:Env-v0", "oracle": None})
    theirs = created(tmp_path / "theirs", spec.model_copy(update={"family": family}))
    another, train = "name another directory with out", partial(api.train, "hyper-ppo", "ode")
    calls: dict[str, Callable[[], Any]] = {
        f"go on with it by hyperrl.resume({str(run)!r}), or {another}": lambda: train(out=run),
        f"a file is in the way; {another}": lambda: train(out=file),
        "overrides: stps: unknown field; did you mean": lambda: train(overrides=["stps=1"]),
        "another file with out, or replace it with force=True": lambda: api.specialize(run, {}, out=file),
        "has taken 64 steps; allowed: steps above 64": lambda: api.resume(run),
        "pass allow_import=['their_module']": lambda: api.load(theirs.path),
        "video 'x.avi': a file ending in": lambda: api.watch(run, video="x.avi"),
    }
    for says, call in calls.items():
        text = message(call)
        assert says in text
        assert "--" not in text
    assert main(["train", "hyper-ppo", "ode", "--out", str(run)]) == 2
    assert f"--resume {run}, or name another directory with --out" in capsys.readouterr().err
    assert main(["evaluate", str(theirs.path)]) == 2
    assert "pass --allow-import their_module if" in capsys.readouterr().err
    assert "allow_import=['their_module']" in message(api.load, theirs.path)


class Still(gym.Env[np.ndarray, np.ndarray]):
    """Has a mass, and makes nothing of it."""

    observation_space = action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
    mass = 1.0


MASS = {"mass": {"train": [1, 2]}}


CALLS: list[tuple[Callable[[], Any], str]] = [
    (lambda: hyperrl.contextualize(3, MASS), "make_env: found 3; allowed: a function that makes an env"),  # type: ignore[arg-type]
    (lambda: hyperrl.contextualize(dict, MASS), "make_env: made {}; allowed: an environment of gymnasium"),  # type: ignore[arg-type]
    (lambda: hyperrl.contextualize(Still, 3), "features: found 3; allowed: a dictionary of features"),  # type: ignore[arg-type]
    (lambda: hyperrl.contextualize(Still, {3: {}}), "features: found {3: {}}; allowed: a dictionary of"),  # type: ignore[dict-item]
    (lambda: hyperrl.contextualize(Still, MASS, max_steps=0), "max_steps: found 0; allowed: a whole number"),
    (lambda: hyperrl.contextualize(Still, MASS, name=3), "name: found 3; allowed: text"),  # type: ignore[arg-type]
    (lambda: hyperrl.contextualize(Still, MASS, derived=[]), "derived: found []; allowed: a dictionary"),  # type: ignore[arg-type]
    (lambda: hyperrl.contextualize(Still, MASS, evaluation=3), "evaluation: found 3; allowed: a dictionary"),  # type: ignore[arg-type]
    (lambda: hyperrl.contextualize(Still, MASS, nam="x"), "contextualize: unknown argument 'nam'; did you"),  # type: ignore[call-arg]
    (lambda: Family.load(3), "name_or_path: found 3; allowed: a name, or the path of a YAML file"),  # type: ignore[arg-type]
    (lambda: Family.load("ode").tasks(3), "ode: unknown split 3; known: train, validation, "),  # type: ignore[arg-type]
    (lambda: Family.load("ode").make_vec("2"), "num_envs: found '2'; allowed: a whole number from 1 to"),  # type: ignore[arg-type]
    (lambda: Family.load("ode").space.complete(3), "context: found 3; allowed: a dictionary of features'"),  # type: ignore[arg-type]
    (lambda: hyperrl.load_specialist(3), "path: found 3; allowed: a path"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("call", "says"), CALLS, ids=lambda value: value if isinstance(value, str) else "")
def test_so_are_those_of_other_functions(call: Callable[[], Any], says: str) -> None:
    assert message(call).startswith(says)
