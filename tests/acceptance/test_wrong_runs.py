"""Runs that are missing, broken, in the way or of something else: refused in one line, nothing touched."""

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.acceptance.conftest import FEW
from tests.acceptance.driving import refused

RUN = Path("runs/ode/hyper-ppo/seed-0")
USES: dict[str, list[str | Path]] = {
    "evaluate": ["evaluate", RUN],
    "resume": ["train", "--resume", RUN, "--steps", "4000"],
    "start from": ["train", "hyper-ppo", "ode", *FEW, "--out", "new", "--from", RUN],
}
each_use = pytest.mark.parametrize("command", USES.values(), ids=USES)


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 20)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def of_tomorrow(path: Path) -> None:
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "format": 2}))


def without_seed(path: Path) -> None:
    spec = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({name: value for name, value in spec.items() if name != "seed"}))


class Bomb:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch owned",)


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps(Bomb()))


@each_use
def test_a_run_that_is_missing(command: list[str | Path], folder: Path) -> None:
    mistyped = [Path("runs/ode/hyper-ppo/sead-0") if part == RUN else part for part in command]
    refused(*mistyped, cwd=folder, says=("sead-0", "no such directory", f"did you mean '{RUN}'?"))


@each_use
def test_a_directory_that_is_no_run(command: list[str | Path], tmp_path: Path) -> None:
    (tmp_path / RUN).mkdir(parents=True)
    refused(*command, cwd=tmp_path, says=(str(RUN), "run.yaml"))


@each_use
@pytest.mark.parametrize("broken", [half, noise, emptied, of_tomorrow, without_seed])
def test_a_run_file_that_is_truncated_or_corrupt(
    broken: Callable[[Path], None], command: list[str | Path], folder: Path
) -> None:
    broken(folder / RUN / "run.yaml")
    refused(*command, cwd=folder, says=str(RUN))


@each_use
@pytest.mark.parametrize("broken", [half, noise, emptied, pickled])
def test_a_checkpoint_that_is_truncated_or_corrupt(
    broken: Callable[[Path], None], command: list[str | Path], folder: Path
) -> None:
    for name in ("best", "latest"):
        broken(folder / RUN / f"checkpoints/{name}.safetensors")
    refused(*command, cwd=folder, says=str(RUN / "checkpoints"), torch=True)


@each_use
def test_a_run_without_checkpoints(command: list[str | Path], folder: Path) -> None:
    shutil.rmtree(folder / RUN / "checkpoints")
    refused(*command, cwd=folder, says=(str(RUN), "checkpoint"), torch=True)


def test_a_checkpoint_of_another_network(folder: Path) -> None:
    spec = yaml.safe_load((folder / RUN / "run.yaml").read_text())
    spec["agent"]["policy"]["net_arch"] = [8, 8]
    (folder / RUN / "run.yaml").write_text(yaml.safe_dump(spec))
    refused("evaluate", RUN, cwd=folder, says="does not fit", torch=True)
    refused("train", "--resume", RUN, "--steps", "4000", cwd=folder, says="does not fit", torch=True)


@pytest.mark.parametrize("other", [["concat-ppo", "ode"], ["hyper-ppo", "pendulum"]])
def test_weights_of_another_agent_or_family(other: list[str], folder: Path) -> None:
    refused("train", *other, *FEW, "--from", RUN, "--out", "new", cwd=folder, says=str(RUN), torch=True)


@pytest.mark.parametrize("out", [[], ["--out", str(RUN)], ["--out", f"{RUN}/"]])
def test_an_output_directory_that_holds_a_run(out: list[str], folder: Path) -> None:
    refused("train", "hyper-ppo", "ode", *out, cwd=folder, says=(str(RUN), f"--resume {RUN}", "--out"))


def test_a_run_with_nothing_left_to_do(folder: Path) -> None:
    refused("train", "--resume", RUN, cwd=folder, says=("2,000", "--steps"), torch=True)
    refused("train", "--resume", RUN, "--steps", "500", cwd=folder, says=("2,000", "--steps"), torch=True)


WRONG_QUESTIONS = {
    "unknown split": (["--split", "interpolatoin"], ("interpolatoin", "did you mean 'interpolation'?")),
    "unknown feature": (["--context", "c1=3"], ("--context", "'c1'", "c0")),
    "one unknown among known": (["--context", "c0=1", "--context", "c0=1,cc=2"], ("--context", "'cc'", "c0")),
    "unknown feature swept": (["--sweep", "c1=0:1:3"], ("--sweep", "'c1'", "c0")),
    "not finite": (["--context", "c0=inf"], ("--context", "c0", "finite")),
    "too far to encode": (["--context", "c0=1e300"], ("c0 is 1e+300", "too far")),
    "no value": (["--context", "c0="], ("--context", "c0=")),
    "missing": (["--context", ""], "--context"),
    "too many sweeps": (["--sweep", "c0=0:1:3"] * 3, "sweep"),
    "one feature swept twice": (["--sweep", "c0=0:1:3"] * 2, ("sweep", "c0")),
    "no episode": (["--episodes", "0"], "--episodes"),
    "negative seed": (["--seed", "-1"], "--seed"),
}


@pytest.mark.parametrize(("question", "says"), WRONG_QUESTIONS.values(), ids=WRONG_QUESTIONS)
def test_a_wrong_question(question: list[str], says: str | tuple[str, ...], folder: Path) -> None:
    refused("evaluate", RUN, *question, cwd=folder, says=says)
    refused("evaluate", RUN, *question, "--json", cwd=folder, says=says)


def test_a_strangers_run_imports_nothing_unasked(folder: Path) -> None:
    spec = yaml.safe_load((folder / RUN / "run.yaml").read_text())
    spec["family"]["base"] = "stranger:Ode-v0"
    spec["family"]["oracle"] = None
    (folder / RUN / "run.yaml").write_text(yaml.safe_dump(spec))
    (folder / "stranger.py").write_text("open('owned', 'w').close()\n")
    for command in USES.values():
        refused(*command, cwd=folder, says=("stranger", "--allow-import stranger"))


def test_runs_of_different_agents_are_no_seeds(folder: Path) -> None:
    other = folder / "runs/other"
    shutil.copytree(folder / RUN, other)
    spec = yaml.safe_load((other / "run.yaml").read_text())
    spec["agent"]["name"] = "another"
    (other / "run.yaml").write_text(yaml.safe_dump(spec))
    refused("evaluate", RUN, "runs/other", cwd=folder, says=("another", "hyper-ppo"))
