"""Runs a command up to its call of the Python function that does the work."""

import inspect
from typing import Any

import pytest

from hyperrl import api
from hyperrl.cli import main
from hyperrl.errors import UserError


def arguments_of(
    monkeypatch: pytest.MonkeyPatch, verb: str, *arguments: object, function: str = ""
) -> dict[str, Any]:
    """The arguments with which `hyperrl VERB ARGUMENTS` calls the function of that name, or another one.

    Those without a name are under "".
    """
    found: dict[str, Any] = {}

    def called(*given: Any, **options: Any) -> None:
        found.update({"": given, **{name: each for name, each in options.items() if name != "progress"}})
        raise UserError("called")

    with monkeypatch.context() as patch:
        patch.setattr(f"hyperrl.api.{function or verb}", called)
        assert main([verb, *map(str, arguments)]) == 2
    return found


def assert_defaults(function: str, options: dict[str, Any]) -> None:
    """Without an option, a command hands over what is the default in Python."""
    parameters = inspect.signature(getattr(api, function)).parameters
    for name, value in options.items():
        if name:
            assert (() if value == [] else value) == parameters[name].default, name
