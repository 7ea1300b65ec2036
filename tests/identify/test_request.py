"""The arguments of an identification."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl.identify.request import identify_request
from hyperrl.tasks import Family
from tests.identify.cases import arrays_of, recorded
from tests.runs import message

FAMILY = Family.load("ode")
OPTIONS: dict[str, Any] = {
    "particles": 50, "transitions": 20, "level": 0.5, "within": "training", "seed": 1, "out": None,
    "force": False,
}  # fmt: skip


def test_transitions_are_thinned_evenly() -> None:
    data = arrays_of(recorded("ode", {"c0": 3.0}))
    request = identify_request(FAMILY, data, **OPTIONS)
    assert (len(request.transitions), request.recorded, request.source) == (20, 60, "arrays")
    rows = np.flatnonzero(np.isin(data["obs"][:, 0], request.transitions.observations["obs"][:, 0]))
    assert (rows[0], rows[-1]) == (0, 59)
    assert set(np.diff(rows)) == {3, 4}
    whole = identify_request(FAMILY, data, **{**OPTIONS, "transitions": 60})
    np.testing.assert_array_equal(whole.transitions.observations["obs"], data["obs"])
    assert (whole.settings.level, whole.settings.within, whole.settings.seed) == (0.5, "training", 1)


@pytest.mark.parametrize("level", [0, 1, -0.5, float("nan"), "0.5", True, None])
def test_a_level_is_a_probability(level: Any) -> None:
    said = message(identify_request, FAMILY, {}, **{**OPTIONS, "level": level})
    assert said == f"level: found {level!r}; allowed: a number above 0 and below 1"


def test_a_file_is_checked_before_the_data_are_read(tmp_path: Path) -> None:
    (tmp_path / "e.json").touch()
    said = message(identify_request, FAMILY, "none.csv", **{**OPTIONS, "out": tmp_path / "e.json"})
    assert "exists already" in said
