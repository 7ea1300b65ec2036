"""The result as JSON."""

from pathlib import Path

import pytest

from hyperrl.identify.estimate import Estimate
from hyperrl.identify.inference import Settings
from hyperrl.recipes import read_context
from tests.identify.cases import posterior, recorded
from tests.runs import message


@pytest.fixture
def estimate() -> Estimate:
    found = posterior("ode", recorded("ode", {"c0": 3.0}), particles=50)
    return Estimate(
        "ode", "dynamics", "log.csv", found.context, found.features, found.fit, found.notes, (70, 60), 2,
        Settings(50),
    )  # fmt: skip


def test_what_is_written_is_read_as_a_context(estimate: Estimate, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "estimate.json"
    estimate.write(path)
    assert read_context(path, "") == dict(estimate.context)
    plain = estimate.to_json()
    assert (plain["transitions"], plain["used"], plain["episodes"]) == (70, 60, 2)
    assert plain["explained"]["obs.0"] > 0.999
    assert plain["errors"]["obs.0"] < 1e-6
    assert (plain["level"], plain["within"], plain["file"]) == (0.9, "declared", None)


def test_a_file_that_cannot_be_written_is_reported(estimate: Estimate, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written" in message(estimate.write, tmp_path / "file" / "estimate.json")
