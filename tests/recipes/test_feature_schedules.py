from typing import Any

import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import Feature, load_family
from tests.runs import message


def feature(**fields: Any) -> Feature:
    return Feature.parse({"about": "x", "default": 1, "train": [0, 2], **fields}, "test")


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("jump", {"kind": "jump", "at": None}),
        ("jump:50", {"kind": "jump", "at": 50}),
        ("drift", {"kind": "drift", "steps": None}),
        ("drift:30", {"kind": "drift", "steps": 30}),
        ("sinusoid:0.5:20", {"kind": "sinusoid", "amplitude": 0.5, "period": 20.0}),
    ],
)
def test_a_text_and_a_mapping_are_the_same_schedule(text: str, data: dict[str, Any]) -> None:
    schedule = feature(schedule=text).schedule
    assert schedule is not None
    assert schedule.model_dump() == data
    assert (str(schedule), schedule) == (text, feature(schedule=data).schedule)


ALLOWED = (
    "allowed: jump, jump:STEP, drift, drift:STEPS, sinusoid:AMPLITUDE:PERIOD, or a mapping such as"
    " {kind: jump, at: 50}"
)


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("jmp", f'schedule: found "jmp"; {ALLOWED}'),
        ("jump:x", f'schedule: found "jump:x"; {ALLOWED}'),
        ("jump:5:6", f'schedule: found "jump:5:6"; {ALLOWED}'),
        ("sinusoid:1", f'schedule: found "sinusoid:1"; {ALLOWED}'),
        (3, f"schedule: found 3; {ALLOWED}"),
        ({"kind": "leap"}, f'schedule: found {{"kind": "leap"}}; {ALLOWED}'),
        ("jump:0", "schedule: found 0.0; allowed: a number > 0"),
        ("jump:1.5", "schedule: found 1.5; allowed: a whole number"),
        ("sinusoid:0:10", "schedule: found 0.0; allowed: a number > 0"),
        ({"kind": "jump", "when": 3}, "schedule.when: unknown field"),
    ],
)
def test_a_wrong_schedule_is_refused_in_one_line(schedule: Any, says: str) -> None:
    assert message(feature, schedule=schedule).startswith(f"test: {says}")


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({"at": "reset", "schedule": "jump"}, "none with 'at: reset', which is read at a reset alone"),
        (
            {"argument": "a", "at": "reset", "values": [0, 1], "schedule": "jump:5"},
            "none with 'argument', which chooses the environment at a reset",
        ),
        (
            {"physics": "length.torso", "schedule": "drift"},
            "none with 'physics: length.torso', a size of the model",
        ),
        ({"values": [0, 1], "schedule": "drift"}, "a jump, to another of 'values'"),
        ({"values": [1], "schedule": "jump"}, "none with a single value"),
    ],
)
def test_what_cannot_change_within_an_episode_is_refused(fields: dict[str, Any], allowed: str) -> None:
    found = str(fields["schedule"])
    assert message(feature, **fields) == f'test: schedule: found "{found}"; allowed: {allowed}'


def test_a_family_gets_other_schedules() -> None:
    recipe = load_family("double-integrator")
    other = recipe.with_schedules({"action_sign": "jump:50", "mass": {"kind": "drift"}})
    assert {name: str(each.schedule) for name, each in other.features.items()} == {
        "action_sign": "jump:50", "mass": "drift",
    }  # fmt: skip
    assert other.with_schedules({"action_sign": None, "mass": "none"}) == recipe
    assert type(recipe).parse(other.model_dump(by_alias=True), "again") == other
    with pytest.raises(UserError, match=r"^schedules: unknown feature 'sign'"):
        recipe.with_schedules({"sign": "jump"})
    found = message(recipe.with_schedules, {"action_sign": "drift"})
    assert found.startswith('schedules action_sign: schedule: found "drift"; allowed: a jump, to another of')
