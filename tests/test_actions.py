"""The kinds of actions that algorithms are for."""

from hyperrl.actions import ACTIONS, KINDS, fits
from hyperrl.recipes import ALGORITHMS


def test_every_algorithm_has_its_kind_of_actions() -> None:
    assert {recipe().name: recipe().actions for recipe in ALGORITHMS} == ACTIONS
    assert {name for name, kind in ACTIONS.items() if kind == "discrete"} == {"dqn", "qrdqn"}


def test_what_is_for_any_actions_fits_all_kinds() -> None:
    assert KINDS == ("continuous", "discrete", "other", "masked discrete", "masked other")
    assert [fits("any", kind) for kind in KINDS] == [True, True, True, True, True]
    assert [fits("continuous", kind) for kind in KINDS] == [True, False, False, False, False]
    assert [fits("discrete", kind) for kind in KINDS] == [False, True, False, True, False]
    assert [fits("masked", kind) for kind in KINDS] == [False, False, False, True, True]
