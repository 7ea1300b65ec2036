"""What agents learn and families do is what it was at the commit that recorded it."""

import json
from pathlib import Path

import pytest

from hyperrl.recipes import shipped
from tests.suite import learnable, playable
from tests.traces.__main__ import RECORDS
from tests.traces.compare import differences
from tests.traces.trace import trace_agent, trace_family


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("agent", [learnable(name) for name in sorted(shipped("agents"))])
def test_an_agent_learns_what_it_learned(agent: str, tmp_path: Path) -> None:
    recorded = json.loads((RECORDS / "agents" / f"{agent}.json").read_text())
    assert differences(recorded, trace_agent(agent, tmp_path / "run")) == []


@pytest.mark.parametrize("family", playable())
def test_a_family_does_what_it_did(family: str) -> None:
    recorded = json.loads((RECORDS / "families" / f"{family}.json").read_text())
    assert differences(recorded, trace_family(family)) == []


def test_a_change_is_seen() -> None:
    """A weight, a return, a name or an end of an episode that differs is a line each."""
    trace = {"weights": [[[2], 1.0, [0.6, 0.8, 0.8]]], "returns": [3.0], "scalars": ["a"], "digest": "x"}
    assert differences(trace, {**trace, "digest": "y", "returns": [3.0 + 1e-6]}) == []
    for name, value in (("weights", [[[2], 1.1, [0.6, 0.8, 0.8]]]), ("returns", [3.1]), ("scalars", ["b"])):
        assert differences(trace, {**trace, name: value})
