"""Fields of configurations, and configurations in configurations."""

from dataclasses import dataclass

import pytest

from hyperrl.arguments import ArgumentError, integer
from hyperrl.config_fields import Config, nested, option


@dataclass(frozen=True)
class Inner(Config):
    size: int = option(1, integer(1))


def test_a_field_that_is_not_allowed_is_refused() -> None:
    assert Inner(size=3).size == 3
    with pytest.raises(ArgumentError, match="size: found 0"):
        Inner(size=0)


def test_a_mapping_becomes_the_configuration_that_a_field_holds() -> None:
    assert Inner.nested("inner", {"size": 2}) == Inner(2)
    own = Inner(5)
    assert Inner.nested("inner", own) is own
    with pytest.raises(ArgumentError) as error:
        Inner.nested("inner", {"size": 0})
    assert error.value.path == ("inner", "size")
    with pytest.raises(ValueError, match="sizes"):
        Inner.nested("inner", {"sizes": 2})


def test_a_field_takes_the_configuration_or_a_mapping() -> None:
    holds = nested(Inner, "a mapping").holds
    assert holds(Inner())
    assert holds({"size": 2})
    assert not holds(2)
