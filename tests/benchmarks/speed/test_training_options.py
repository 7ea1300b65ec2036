"""Each option is measured with each agent."""

from pathlib import Path

import pytest

from benchmarks.speed import training_options
from tests.benchmarks.speed.test_quick import quick


def test_each_option_is_compared_with_what_is_without_it(tmp_path: Path) -> None:
    measures = quick(training_options.main, tmp_path / "options.json")
    for option in training_options.OPTIONS:
        for agent, (family, _, _) in training_options.AGENTS.items():
            ratio = measures[f"{agent} with {option} over without, training steps per second, {family}"]
            assert ratio["goal"] == ">= 0.9"
            with_it, without = (
                measures[f"{agent} {words} {option}, {family}: training"]["value"]
                for words in ("with", "without")
            )
            assert ratio["value"] == pytest.approx(with_it / without, rel=1e-2)
