"""`hyperrl describe`: the suite's recipes in words, without torch."""

from pathlib import Path

import pytest

from hyperrl.recipes import ALGORITHMS, load_agent, load_family, shipped
from tests.acceptance.driving import succeeded


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
    rows, searched = (
        {line.split()[0]: line for line in part.splitlines() if line} for part in shown.split("Search space")
    )
    assert {name: " ".join(searched[name].split()[1:]) for name in agent.search_space} == {
        name: str(values) for name, values in agent.search_space.items()
    }
    assert str(agent.policy.kind) in rows["policy.kind"]
    assert f"{agent.algorithm.learning_rate:g}" in rows["algorithm.learning_rate"]
    assert f"{agent.steps:,} " in rows["steps"]


def test_a_schedule_is_described_field_by_field(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "about: mine\nalgorithm: {name: sac, learning_rate: {schedule: cosine, start: 1e-3, warmup: 0.1}}\n"
        "policy: {kind: hyper}\n"
    )
    rows = [
        line.split()[:2] for line in succeeded("describe", "mine.yaml", cwd=tmp_path).splitlines() if line
    ]
    for field, value in {"schedule": "cosine", "start": "0.001", "end": "0", "warmup": "0.1"}.items():
        assert [f"algorithm.learning_rate.{field}", value] in rows


def test_describing_a_file_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "stranger.py").write_text("open('owned', 'w').close()\n")
    (tmp_path / "far.yaml").write_text(
        "about: far\nbase: stranger:Far-v0\nfeatures:\n  g: {about: pull, default: 1, train: [0, 2]}\n"
    )
    assert "stranger:Far-v0" in succeeded("describe", "far.yaml", cwd=tmp_path)
    assert not (tmp_path / "owned").exists()


def test_a_family_says_how_its_features_reach_the_simulator(tmp_path: Path) -> None:
    assert "; action.0" in succeeded("describe", "pendulum-actuator", cwd=tmp_path)
