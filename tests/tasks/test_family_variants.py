"""Families that are made of others; `test_family.py` and `test_rim.py` try the other variants."""

from hyperrl.tasks import Family


def test_other_schedules_make_another_family_over_the_same_base() -> None:
    family = Family.load("ode")
    single = Family(family.recipe, family.make_base)
    changing = single.with_schedules({"c0": "jump:10"})
    assert changing.schedules is not None
    assert changing.schedules.texts == {"c0": "jump:10"}
    assert not changing.batched
    assert single.schedules is None
    assert single.with_schedules({"c0": None}) is single
    assert changing.with_schedules({"c0": "none"}).schedules is None
    assert changing.tasks("train") == family.tasks("train")
    assert changing.leave_out([{"c0": 5}]).schedules is not None
