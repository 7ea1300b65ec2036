"""What keeps an agent from forgetting: fields and their defaults."""

import pytest

from hyperrl.recipes.sequence import STRENGTHS, SequenceLearning
from tests.runs import message


@pytest.mark.parametrize("regularizer", STRENGTHS)
def test_each_regularizer_has_a_strength_of_its_own_unless_one_is_given(regularizer: str) -> None:
    plain = SequenceLearning.parse({"regularizer": regularizer}, "x")
    assert plain.weight == STRENGTHS[regularizer]
    assert SequenceLearning.parse({"regularizer": regularizer, "strength": 0.5}, "x").weight == 0.5


def test_unknown_regularizers_and_negative_strengths_are_refused() -> None:
    assert "ewc" in message(SequenceLearning.parse, {"regularizer": "ewk"}, "x")
    assert "strength: found -1" in message(SequenceLearning.parse, {"strength": -1}, "x")
