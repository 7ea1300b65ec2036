from typing import Any

import pytest

from hyperrl.cli.specialists import cell
from hyperrl.evaluation.comparison import Estimate
from hyperrl.experiments.specialists import SpecialistShare


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (SpecialistShare(3, 200.0, Estimate(188.2)), "94.1% (3 tasks)"),
        (SpecialistShare(1, 200.0, Estimate(188.2, 180.0, 210.0)), "94.1% [90.0%, 105.0%] (1 task)"),
        (SpecialistShare(2, -480.0, Estimate(-630.25)), "-630.2 of -480 (2 tasks)"),
        (None, "-"),
    ],
)
def test_a_cell(share: SpecialistShare | None, text: str) -> None:
    beside: Any = None if share is None else share.to_json()
    assert cell(beside) == text
