"""Configurations of the library as parts of a recipe."""

import ast
import inspect
from collections import ChainMap
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BeforeValidator, Field, create_model

from hyperrl.config_fields import Config
from hyperrl.recipes.base import Flag, Model, Number, Whole

_SCALARS: dict[Any, Any] = {int: Whole, float: Number, bool: Flag}


def from_mapping(config: type[Config]) -> BeforeValidator:
    """A validator that makes a configuration of a mapping, with numbers read as elsewhere in recipes.

    Args:
        config: the configuration's class.
    """
    hints = get_type_hints(config)
    arguments: dict[str, Any] = {
        each.name: (_recipe_type(hints[each.name]), Field(default=each.default)) for each in _in_file(config)
    }
    model = create_model(config.__name__, __base__=Model, **arguments)

    def validate(value: object) -> Config:
        return value if isinstance(value, config) else config(**dict(model.model_validate(value)))

    return BeforeValidator(validate)


def described_fields(model: Model | Config) -> Iterator[tuple[str, Any, str]]:
    """Name, value and description of each field of a recipe, or of a configuration in it."""
    texts = ChainMap(*map(_field_texts, type(model).__mro__))
    if isinstance(model, Config):
        descriptions = {each.name: texts.get(each.name, "") for each in _in_file(type(model))}
    else:
        descriptions = {
            name: texts.get(name, field.description or "") for name, field in type(model).model_fields.items()
        }
    for name, description in descriptions.items():
        yield name, getattr(model, name), description


def _in_file(config: type[Config]) -> list[Any]:
    """The fields of a configuration that an agent's file may have."""
    return [each for each in fields(config) if not each.metadata["exclude"]]


@cache
def _field_texts(model: type) -> dict[str, str]:
    """The text below each field in the source of a class; none where it has no source."""
    try:
        (definition,) = ast.parse(dedent(inspect.getsource(model))).body
    except (OSError, TypeError):
        return {}
    texts = {}
    for pair in pairwise(getattr(definition, "body", ())):
        match pair:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                texts[name] = " ".join(text.split())
    return texts


def _recipe_type(hint: Any) -> Any:
    """The type by which a recipe's value is read; unions of several types are left to the configuration."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if is_dataclass(hint):
        return Annotated[hint, from_mapping(hint)]  # type: ignore[arg-type]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return tuple[_recipe_type(arguments[0]), ...]  # type: ignore[misc]
    if origin in (None, Literal):
        return hint
    kinds = [each for each in arguments if each is not type(None) and get_origin(each) is not Callable]
    if len(kinds) > 1:
        return Any
    return _recipe_type(kinds[0]) | None if type(None) in arguments else _recipe_type(kinds[0])
