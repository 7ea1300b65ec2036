"""A run from the first command to the last: train, look at it, evaluate, sweep, go on."""

import io
import json
import os
import pty
import re
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from hyperrl.cli import main
from tests.acceptance.conftest import FEW
from tests.acceptance.driving import hyperrl_here, succeeded, tree

RUN = Path("runs/ode/hyper-ppo/seed-0")


def rows(shown: str) -> dict[str, list[str]]:
    """Lines by their first word."""
    return {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line}


def evaluated(*args: str | Path, cwd: Path) -> dict[str, Any]:
    done = hyperrl_here("evaluate", *args, "--json", cwd=cwd)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.count("\n") == 1
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_training_tells_what_came_out(trained: tuple[Path, str]) -> None:
    folder, shown = trained
    found = rows(shown)
    assert shown.startswith("hyper-ppo on ode, seed 0: 2,000 steps\n")
    for split, tasks in {
        "train": "4",
        "validation": "8",
        "interpolation": "6",
        "extrapolation": "10",
    }.items():
        count, mean, *_, oracle, _ = found[split]
        assert count == tasks
        assert 0 <= float(mean) <= float(oracle)
    assert found["run"] == [str(RUN)]
    assert (folder / found["figure"][0]).read_bytes().startswith(b"\x89PNG")
    assert found["TensorBoard"] == ["tensorboard", "--logdir", str(RUN)]
    assert [path for path in tree(folder) if not path.startswith("runs")] == []


def test_the_run_holds_what_the_design_lists(trained: tuple[Path, str]) -> None:
    run = trained[0] / RUN
    spec = yaml.safe_load((run / "run.yaml").read_text())
    assert spec["agent"]["algorithm"]["n_steps"] == 125
    assert spec["family"]["name"] == "ode"
    assert spec["overrides"] == ["algorithm.n_steps=125", "algorithm.batch_size=250"]
    assert spec["seed"] == 0
    assert {path.name for path in (run / "checkpoints").iterdir()} == {
        "best.safetensors",
        "latest.safetensors",
    }
    assert list(run.glob("events.out.tfevents.*"))
    assert (run / "progress.csv").read_text().count("\n") > 1
    assert not list(run.rglob("*.pkl"))
    assert not list(run.rglob("*.zip"))


def test_json_has_the_fields_that_scripts_depend_on(folder: Path) -> None:
    found = json.loads(succeeded("evaluate", RUN, "--json", cwd=folder, torch=True))
    scalars = {name: found[name] for name in ("run", "agent", "family", "seed", "steps", "episodes")}
    assert scalars == {
        "run": str(RUN), "agent": "hyper-ppo", "family": "ode", "seed": 0, "steps": 2000, "episodes": 1
    }  # fmt: skip
    assert {"interpolation", "extrapolation"} <= set(found["splits"])
    for split in found["splits"].values():
        assert set(split) >= {"tasks", "mean", "stderr", "iqm", "oracle"}
    assert found["splits"]["interpolation"]["tasks"] == 6
    for task in found["tasks"]:
        assert set(task) >= {"context", "split", "returns", "lengths", "mean", "oracle"}
        assert task["lengths"] == [200]
        assert task["mean"] == pytest.approx(task["returns"][0])
        assert task["mean"] <= task["oracle"] + 1e-9
    of_split = [task["mean"] for task in found["tasks"] if task["split"] == "interpolation"]
    assert found["splits"]["interpolation"]["mean"] == pytest.approx(sum(of_split) / 6)


def test_contexts_of_your_own_are_flagged(folder: Path) -> None:
    found = evaluated(RUN, *(f"--context=c0={value}" for value in (5, -2.5, 7, 40)), cwd=folder)
    assert found["splits"] == {}
    assert [(task["context"], task["split"]) for task in found["tasks"]] == [
        ({"c0": 5.0}, "train"),
        ({"c0": -2.5}, "interpolation"),
        ({"c0": 7.0}, "extrapolation"),
        ({"c0": 40.0}, "extrapolation"),
    ]


def test_one_split_more_episodes_and_a_seed(folder: Path) -> None:
    asked: list[str | Path] = [RUN, "--split", "validation", "--episodes", "3", "--stochastic"]
    first, again, other = (evaluated(*asked, "--seed", seed, cwd=folder) for seed in ("1", "1", "2"))
    assert set(first["splits"]) == {"validation"}
    assert first["tasks"] == again["tasks"] != other["tasks"]
    assert all(len(task["returns"]) == 3 for task in first["tasks"])


def test_a_sweep_draws_a_curve_and_shows_its_tasks(folder: Path) -> None:
    done = hyperrl_here("evaluate", RUN, "--sweep", "c0=-10:10:21", cwd=folder)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    found = rows(done.stdout)
    assert found["c0=-10"][0] == "extrapolation"
    assert found["c0=1"][0] == "train"
    assert len([name for name in found if name.startswith("c0=")]) == 21
    assert (folder / found["figure"][0]).read_bytes().startswith(b"\x89PNG")
    assert len(json.loads((folder / found["numbers"][0]).read_text())["tasks"]) == 21


def test_a_long_sweep_is_summed_up(folder: Path) -> None:
    done = hyperrl_here("evaluate", RUN, "--sweep", "c0=-10:10:201", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) < 15
    assert rows(done.stdout)["extrapolation"][0] == "100"


def test_a_finished_run_is_extended(folder: Path) -> None:
    before = (folder / RUN / "progress.csv").read_text()
    shown = succeeded("train", "--resume", RUN, "--steps", "3000", cwd=folder, torch=True)
    assert shown.startswith("hyper-ppo on ode, seed 0: 3,000 steps\n")
    assert (folder / RUN / "progress.csv").read_text().startswith(before)
    assert evaluated(RUN, cwd=folder)["steps"] == 3000


def test_a_run_starts_at_anothers_weights(folder: Path) -> None:
    done = hyperrl_here("train", "hyper-ppo", "ode", *FEW, "--from", RUN, "--out", "mine", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load((folder / "mine/run.yaml").read_text())["from_run"] == str(RUN)


def test_several_seeds_are_evaluated_together(folder: Path) -> None:
    done = hyperrl_here("train", "hyper-ppo", "ode", *FEW, "--seed", "1", cwd=folder)
    assert done.returncode == 0, done.stderr
    other = RUN.with_name("seed-1")
    found = evaluated(RUN, other, "--split", "interpolation", cwd=folder)
    assert [each["seed"] for each in found["runs"]] == [0, 1]
    assert all(len(task["returns"]) == 2 for task in found["tasks"])


def test_a_terminal_shows_a_bar_with_the_time_left(tmp_path: Path) -> None:
    terminal, end = pty.openpty()
    seen: list[bytes] = []
    reader = Thread(target=lambda: seen.extend(iter(lambda: _read(terminal), b"")))
    reader.start()
    printed = io.StringIO()
    with open(end, "w") as stderr, chdir(tmp_path), redirect_stdout(printed), redirect_stderr(stderr):
        assert main(["train", "hyper-ppo", "ode", *FEW]) == 0
    reader.join(timeout=60)
    os.close(terminal)
    assert re.search(r"training  [\d,]+ of 2,000 steps.*\d:\d\d gone", b"".join(seen).decode(), re.DOTALL)
    assert "\x1b" not in printed.getvalue()
    assert printed.getvalue().startswith("hyper-ppo on ode, seed 0")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux's way to say that the other end is closed.
        return b""


def test_a_checkpoint_is_named_and_a_missing_best_is_reported(folder: Path) -> None:
    latest = evaluated(RUN, "--checkpoint", "latest", cwd=folder)
    assert latest["checkpoint"] == {"name": "latest", "steps": 2000}
    shown = succeeded("evaluate", RUN, cwd=folder, torch=True)
    assert f"\ncheckpoint 'best' of {evaluated(RUN, cwd=folder)['checkpoint']['steps']:,} steps: " in shown
    (folder / RUN / "checkpoints/best.safetensors").unlink()
    done = hyperrl_here("evaluate", RUN, cwd=folder)
    assert done.returncode == 0
    assert done.stderr == f"note: run '{RUN}' has no checkpoint 'best'; 'latest' plays\n"
    assert "\ncheckpoint 'latest' of 2,000 steps: " in done.stdout
    refused = hyperrl_here("evaluate", RUN, "--checkpoint", "best", cwd=folder)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "no checkpoint 'best'; it has: latest" in refused.stderr
