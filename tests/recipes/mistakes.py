"""A minimal agent and family to spoil, and the refusal that comes of it."""

from typing import Any

import pytest

from hyperrl.errors import UserError


def agent(**changes: Any) -> dict[str, Any]:
    data = {"name": "a", "about": "", "algorithm": {"name": "ppo"}, "policy": {"kind": "hyper"}}
    return {**data, **changes}


def feature(**changes: Any) -> dict[str, Any]:
    return {"about": "", "default": 1, "train": [-5, 5], "extrapolation": [-10, 10], **changes}


def family(**changes: Any) -> dict[str, Any]:
    return {"name": "f", "about": "", "base": "Base-v0", "features": {"c0": feature()}, **changes}


def splits(**parts: Any) -> dict[str, Any]:
    return family(splits=parts)


def refusal(parse: Any, *arguments: Any) -> str:
    with pytest.raises(UserError) as caught:
        parse(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


def outcome(parse: Any, *arguments: Any) -> str | None:
    """The message of the refusal, or None where there was none."""
    try:
        parse(*arguments)
    except UserError as error:
        return str(error)
    return None
