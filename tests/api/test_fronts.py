"""`front` in Python."""

import json
from pathlib import Path

import pytest

from hyperrl import api
from hyperrl.recipes import EXTRAS
from hyperrl.store import Run
from tests.runs import message, untrained

pytest.importorskip("moocore")
THRIFTY = """
about: Swing up a pendulum, where effort counts little or much.
base: Pendulum-v1
kwargs: {max_episode_steps: 20}
features:
  effort: {about: weight of the effort, default: 1, train: [1, 100], weighs: reward_effort}
evaluation: {episodes: 2}
"""


@pytest.fixture
def thrifty(tmp_path: Path) -> Run:
    (tmp_path / "thrifty.yaml").write_text(THRIFTY)
    return untrained(
        tmp_path / "thrifty", "hyper-ppo", str(tmp_path / "thrifty.yaml"), ["policy.net_arch=[4]"]
    )


def test_a_run_gives_its_front_as_numbers_and_figure(thrifty: Run) -> None:
    found = api.front(thrifty, points=4, reference={"rest": -500})
    assert (found.objectives, found.weights) == (("reward_effort", "rest"), ("effort",))
    assert len(found.points) == 4
    numbers, figure = found.files
    assert (numbers.parent, figure.parent) == (thrifty.path / "fronts", thrifty.figures)
    assert json.loads(numbers.read_text()) == json.loads(json.dumps(found.to_json()))
    assert figure.stat().st_size > 0
    assert found.to_json()["points"][0]["context"] == {"effort": 1}
    again = api.front(thrifty, points=4, reference={"rest": -500}, save=False)
    assert again.points == found.points
    assert again.files == ()


def test_a_point_of_the_front_is_a_specialist(thrifty: Run) -> None:
    found = api.front(thrifty, points=3, save=False)
    written = api.specialize(thrifty, found.points[found.knee].context)
    assert written.file.is_file()


def test_what_is_refused(run: Run, thrifty: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "found no feature that weighs a term of the reward" in message(api.front, run)
    assert "points: found 1; allowed: a whole number from 2" in message(api.front, thrifty, points=1)
    monkeypatch.setitem(EXTRAS, "front", "no_such_package")
    assert message(api.front, thrifty) == "front needs an extra: pip install 'hyperrl[front]'"
