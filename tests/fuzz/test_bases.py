"""Whatever a base environment hands over, `check`, `describe` and `train` end as they promise.

With a result; with one line and status 2, as the family's file or its base is wrong; or with one line and
status 1 that names the base environment. Never with a traceback.
"""

import os
import re
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hyperrl.cli import main
from tests.fuzz.worlds import ID, Played, World, worlds

FAMILY = f"""
about: a world
base: {ID}
features: {{gain: {{about: a gain, default: 1, train: [0.5, 2]}}}}
splits:
  train: {{list: [{{gain: 0.5}}, {{gain: 2}}]}}
  validation: {{list: [{{gain: 1.0}}]}}
  interpolation: {{list: [{{gain: 1.5}}]}}
evaluation: {{episodes: 1}}
"""
SETTINGS = ["n_envs=2", "policy.net_arch=[4]"]
BRIEF = {
    "ppo": ["algorithm.n_steps=16", "algorithm.batch_size=16", "algorithm.n_epochs=1"],
    "dqn": ["algorithm.learning_starts=8", "algorithm.batch_size=4", "algorithm.buffer_size=64"],
}
BRIEF |= {"sac": BRIEF["dqn"], "td3": BRIEF["dqn"]}
PROGRESS = re.compile(r"hyperrl: \S+ on world: ")
"""A line now and then, where a machine is busy."""


def ended(world: World, arguments: list[str]) -> tuple[int, str]:
    """Run a command on a world, in this process; its status and what it told on stderr."""
    Played.current, Played.calls = world, 0
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(arguments)
    told = err.getvalue()
    what = f"{world}: {arguments}: {status}\n{told[-3000:]}"
    assert "Traceback" not in told, what
    assert status in (0, 1, 2), what
    if status:
        *before, told = told.splitlines()
        assert all(PROGRESS.match(line) for line in before), what
        assert told.startswith("hyperrl: error: "), what
        assert len(told) < 2000, what
    if status == 1:
        assert "the base environment failed" in told or "not finite" in told, what
    assert not (world.right and status), what
    return status, told


def hold(world: World, agent: str) -> None:
    """Check, describe and train on a world."""
    with TemporaryDirectory() as folder, chdir(folder):
        Path("world.yaml").write_text(FAMILY)
        checked, _ = ended(world, ["check", "world.yaml"])
        described, _ = ended(world, ["describe", "world.yaml"])
        given = [*SETTINGS, *BRIEF[agent.rpartition("-")[2]]]
        options = [part for each in given for part in ("--set", each)]
        trained, told = ended(
            world, ["train", agent, "world.yaml", "--steps", "32", "--out", "run", *options]
        )
        kept = os.path.exists("run/checkpoints/latest.safetensors")
        assert trained != 1 or kept == ("is kept" in told), f"{world}: {told}"
        if checked == 0 and (world.fails is None or world.when == "close"):
            assert described == trained == 0, f"{world}: check is right with it, and then: {told}"


drawn = given(worlds.flatmap(lambda world: st.tuples(st.just(world), st.sampled_from(world.agents))))
common = settings(
    deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=False
)


@pytest.fixture
def without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes most of a short training's time: figures, and waiting for the disk."""
    monkeypatch.setattr("os.fsync", lambda file: None)
    monkeypatch.setattr("hyperrl.training.telemetry.figure.ReturnFigure._on_evaluation", lambda *_: None)


@pytest.mark.usefixtures("without_files")
@pytest.mark.filterwarnings("ignore")
@settings(common, max_examples=20)
@drawn
def test_some_worlds(case: tuple[World, str]) -> None:
    hold(*case)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@settings(common, max_examples=300)
@drawn
def test_many_worlds(case: tuple[World, str]) -> None:
    hold(*case)


@pytest.mark.usefixtures("without_files")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fails", ["value", "exit"])
def test_a_base_that_cannot_be_closed_hides_no_failure(fails: str) -> None:
    """Whether its spaces, its info or nothing else is wrong with it."""
    for observed, acted, info in (
        ("missing", "missing", "empty"),
        ("box", "box", "none"),
        ("box", "box", "empty"),
    ):
        hold(World(observed, acted, info=info, fails=fails, when="close"), "hyper-ppo")
