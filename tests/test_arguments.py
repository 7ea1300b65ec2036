"""What a message about a wrong argument says, and which values pass."""

from typing import Any

import pytest
from torch import nn

from hyperrl.arguments import (
    MAPPING,
    NAMES,
    SEED,
    SIZES,
    STEPS,
    ArgumentError,
    Constraint,
    count,
    finite,
    integer,
    one_of,
    short_repr,
    to_int,
    to_path,
    validate_arguments,
)
from hyperrl.errors import UserError

REFUSED: list[tuple[Constraint, Any, str]] = [
    (integer(1), 0, "x: found 0; allowed: a whole number, 1 or more"),
    (integer(1), True, "x: found True; allowed: a whole number, 1 or more"),
    (integer(1), 8.0, "x: found 8.0; allowed: a whole number, 1 or more"),
    (integer(1, 9999), 10**4, "x: found 10000; allowed: a whole number from 1 to 9,999"),
    (count(0, 10), 10.5, "x: found 10.5; allowed: a whole number from 0 to 10"),
    (count(0, 10), float("nan"), "x: found nan; allowed: a whole number from 0 to 10"),
    (finite(0, below=1), 1, "x: found 1; allowed: a number, 0 or more, below 1"),
    (finite(above=0), 0, "x: found 0; allowed: a number, above 0"),
    (finite(), float("inf"), "x: found inf; allowed: a number"),
    (finite().or_none(), "1", "x: found '1'; allowed: a number, or None"),
    (one_of(["full", "mask"]), "Ful", "x: found 'Ful'; did you mean 'full'? allowed: 'full', 'mask'"),
    (one_of(["full", "mask"]), nn.Tanh, "x: found Tanh; allowed: 'full', 'mask'"),
    (NAMES, "ab", "x: found 'ab'; allowed: a list of texts"),
    (SIZES, [8, 0], "x: found [8, 0]; allowed: a list of whole numbers of at least 1, such as (64, 64)"),
    (MAPPING, {1: 2}, "x: found {1: 2}; allowed: a dictionary"),
]


@pytest.mark.parametrize(("constraint", "value", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_value_that_is_not_allowed_is_named(constraint: Constraint, value: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        constraint.check("x", value)
    assert str(caught.value) == message


def test_an_entry_is_named_by_its_path() -> None:
    with pytest.raises(ValueError, match=r"^rates\['heads'\]\[2\]: found -1; allowed: a number, 0 or more$"):
        finite(0).check(("rates", "heads", 2), -1)


def test_allowed_values_pass() -> None:
    for constraint, value in [(integer(1), 1), (finite(0, below=1), 0), (NAMES, ["a"]), (SIZES, (8,))]:
        constraint.check("x", value)
    assert (to_int("steps", 1e5, STEPS), to_int("seed", 0, SEED)) == (100_000, 0)


def test_what_a_user_gives_is_refused_as_a_users_mistake() -> None:
    with pytest.raises(UserError, match=r"^seed: found -1; allowed: a whole number from 0 to 4,294,967,295$"):
        to_int("seed", -1, SEED)
    with pytest.raises(UserError, match="out: found 'a\\\\nb'; allowed: a path without line breaks"):
        to_path("out", "a\nb")

    @validate_arguments({"steps": STEPS})
    def train(steps: int, *, name: str = "") -> str:
        return f"{steps}{name}"

    assert train(3, name="x") == "3x"
    with pytest.raises(UserError, match=r"^steps: found 0; allowed"):
        train(0)
    with pytest.raises(UserError, match=r"^train: unknown argument 'nam'; did you mean 'name'\?"):
        train(3, nam="x")  # type: ignore[call-arg]


def test_long_values_are_cut() -> None:
    assert len(short_repr("a" * 200)) == 80
    assert short_repr("a\nb") == "'a\\nb'"
