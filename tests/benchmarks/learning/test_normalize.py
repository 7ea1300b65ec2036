"""Runs with normalization and without it differ in nothing else, and the page says what it adds."""

import json
from pathlib import Path

import pytest

from benchmarks.learning import normalize
from benchmarks.report import normalize_section
from benchmarks.report.records import load

COMMAND = ["--family", "pendulum", "--agents", "hyper-ppo", "--seeds", "3", "--steps", "2048"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seed of `pendulum` with normalization and without."""
    root = tmp_path_factory.mktemp("normalize")
    assert normalize.main([*COMMAND, "--results", str(root)]) == 0
    return root


def test_runs_differ_in_normalization_alone(folder: Path) -> None:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.json"))
    assert names == [f"pendulum/{name}/seed-3.json" for name in ("hyper-ppo-normalized", "hyper-ppo")]
    on, off = (json.loads((folder / name).read_text())["recipe"]["agent"] for name in names)
    assert {key for key, value in off.items() if on[key] != value} == {"normalize"}
    assert [each["normalize"]["norm_obs"] for each in (off, on)] == [False, True]


def test_what_has_a_result_is_not_made_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert normalize.main([*COMMAND, "--results", str(folder)]) == 0
    assert capsys.readouterr().out == ""


def test_the_page_has_both_and_what_normalization_adds(folder: Path) -> None:
    families = load(folder)
    text = normalize_section.section(families, "A note.")
    lines = text.splitlines()
    assert lines[0] == "## Normalized observations and rewards"
    (results,) = families
    with_it, without = (
        results.scores(name, "interpolation") for name in ("hyper-ppo-normalized", "hyper-ppo")
    )
    rows = [line.split(" | ") for line in lines if line.startswith("| `hyper-ppo`")]
    assert [row[1:3] for row in rows[:2]] == [["yes", "1"], ["no", "1"]]
    place = 3 + results.splits.index("interpolation")
    values = [float(row[place].strip(" |").split()[0]) for row in rows[:2]]
    gain = float(rows[2][place - 2].strip(" |*").split()[0])
    assert gain == pytest.approx(values[0] - values[1], abs=0.02 * max(map(abs, values)))
    assert with_it.shape == without.shape
    assert text.endswith("A note.\n")


def test_every_agent_is_trained_with_it_and_without() -> None:
    assert [each.name for each in normalize.VARIANTS] == [
        "hyper-ppo-normalized", "hyper-ppo", "concat-ppo-normalized", "concat-ppo"
    ]  # fmt: skip
