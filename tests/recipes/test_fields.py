from typing import Any

import pytest

from hyperrl.recipes.fields import covers, dotted_fields, set_field
from hyperrl.recipes.messages import FieldError


def test_fields_by_their_dotted_names() -> None:
    data = {"steps": 1, "policy": {"arch": [4], "hyper": {"rank": 2}}}
    assert dict(dotted_fields(data)) == {
        "steps": 1, "policy": data["policy"], "policy.arch": [4], "policy.hyper": {"rank": 2},
        "policy.hyper.rank": 2,
    }  # fmt: skip


def test_a_field_is_set_and_groups_are_added() -> None:
    data: dict[str, Any] = {"policy": {"rank": 2}}
    for name, value in (("policy.rank", 3), ("algorithm.her.n", 4), ("steps", 5)):
        set_field(data, name, value)
    assert data == {"policy": {"rank": 3}, "algorithm": {"her": {"n": 4}}, "steps": 5}


def test_a_value_is_no_group() -> None:
    with pytest.raises(
        FieldError, match=r"policy\.rank: found 2, which has no fields; allowed: policy\.rank=v"
    ):
        set_field({"policy": {"rank": 2}}, "policy.rank.of.it", 1)


@pytest.mark.parametrize(
    ("name", "other", "expected"),
    [("a.b", "a.b", True), ("a.b", "a", True), ("a", "a.b", True), ("a.b", "a.bc", False), ("a", "b", False)],
)
def test_names_cover_one_another(name: str, other: str, expected: bool) -> None:
    assert covers(name, other) == expected
