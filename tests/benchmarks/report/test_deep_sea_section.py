"""What the page says of made-up runs on deep seas."""

import json
from pathlib import Path

import pytest

from benchmarks.learning.deep_sea import FORMAT
from benchmarks.report import deep_sea_section
from hyperrl.errors import UserError


def put(root: Path, size: int, agent: str, seed: int, episodes: int, solved: bool = True) -> Path:
    path = root / str(size) / agent / f"seed-{seed}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "format": FORMAT,
        "size": size,
        "agent": agent,
        "seed": seed,
        "episodes": episodes,
        "solved": solved,
    }
    path.write_text(json.dumps(record))
    return path


def test_episodes_are_listed_by_size_and_agent(tmp_path: Path) -> None:
    for seed, episodes in ((500, 300), (501, 500), (502, 400)):
        put(tmp_path, 10, "hyper-dqn-index", seed, episodes)
    put(tmp_path, 10, "bootstrapped-dqn", 500, 1200)
    put(tmp_path, 20, "blind-dqn", 500, 2500, solved=False)
    text = deep_sea_section.section(deep_sea_section.load(tmp_path), "By hand.")
    assert "Most seeds were not solved by `blind-dqn` at N = 20." in text
    assert "At N = 10 `hyper-dqn-index` takes the fewest episodes, 400 by median." in text
    assert "| 10 | `hyper-dqn-index` | 500 to 502 | 3 of 3 | 400 | 300 to 500 |" in text
    assert "| 10 | `bootstrapped-dqn` | 500 | 1 of 1 | 1,200 | 1,200 to 1,200 |" in text
    assert "| 20 | `blind-dqn` | 500 | 0 of 1 | not solved |  |" in text
    assert text.endswith("\n\nBy hand.\n")


def test_a_run_that_did_not_solve_its_sea_counts_as_longer_than_all(tmp_path: Path) -> None:
    for seed, solved in ((500, True), (501, False), (502, True)):
        put(tmp_path, 20, "hyper-dqn-index", seed, 1000 + seed, solved)
    (runs,) = deep_sea_section.load(tmp_path)
    assert runs.median == 1502
    assert "2 of 3 | 1,502 | 1,500 to 1,502 of those that were solved |" in deep_sea_section.section(
        [runs], None
    )


def test_files_in_another_place_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, 10, "blind-dqn", 500, 100)
    path.rename(path.with_name("seed-501.json"))
    with pytest.raises(UserError, match="is of 10 / blind-dqn / 500"):
        deep_sea_section.load(tmp_path)
    path.with_name("seed-501.json").write_text("{")
    with pytest.raises(UserError, match="not JSON"):
        deep_sea_section.load(tmp_path)
