"""The words of a message."""

import pytest

from hyperrl.errors import (
    BaseEnvironmentError,
    DivergenceError,
    EngineError,
    UnwritableError,
    UserError,
    did_you_mean,
    explanation,
)
from hyperrl.startup import MEMORY


@pytest.mark.parametrize(
    ("error", "line"),
    [
        *((kind("it\nfailed"), "it failed") for kind in (UserError, BaseEnvironmentError, EngineError)),
        (DivergenceError("a loss is not finite"), "a loss is not finite"),
        (UnwritableError("the disk is full"), "the disk is full"),
        (PermissionError(13, "Permission denied", "runs/x"), "'runs/x': Permission denied"),
        (MemoryError(), MEMORY),
        (OSError("odd"), None),
        (ZeroDivisionError("division by zero"), None),
    ],
)
def test_what_an_error_means_is_one_line(error: Exception, line: str | None) -> None:
    assert explanation(error) == line


def test_nearest_offers_what_helps() -> None:
    assert did_you_mean("odd", ["ode", "cartpole"]) == "; did you mean 'ode'? known: ode, cartpole"
    assert did_you_mean("zzz", ["ode"]) == "; known: ode"
    assert did_you_mean("zzz", [f"long-name-{n}" for n in range(50)]) == ""
    assert did_you_mean("zzz", []) == ""


def test_a_message_is_one_line() -> None:
    assert str(UserError("two\n  lines")) == "two lines"
