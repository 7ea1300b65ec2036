"""Reading YAML that may come from a stranger: plain data only, nothing executed or expanded; writing it."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import yaml

from hyperrl.errors import UserError
from hyperrl.recipes.messages import show

MAX_BYTES = 1_000_000
_MAX_DEPTH = 40


def _refuse(mark: Any, problem: str) -> NoReturn:
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema (`1e-3` is a number, `on` and dates are text); no tags, anchors or aliases."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}  # type: ignore[misc]
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            _refuse(event.start_mark, "anchors and aliases are not allowed")
        if getattr(event, "tag", None) is not None:
            _refuse(event.start_mark, f"tags are not allowed, found {event.tag}")
        if self.depth >= _MAX_DEPTH:
            _refuse(event.start_mark, f"nested deeper than {_MAX_DEPTH} levels")
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                _refuse(key_node.start_mark, f"keys must be text, found {show(key)}")
            if key in seen:
                _refuse(key_node.start_mark, f"duplicate key {show(key)}")
            seen.add(key)
        return super().construct_mapping(node, deep=deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        try:
            return int(self.construct_scalar(node))
        except ValueError:
            _refuse(node.start_mark, "too many digits")


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


_resolve("null", r"^(?:~|null|Null|NULL|)$", "~nN")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^$"), [""])
_resolve("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF")
_resolve("int", r"^[-+]?[0-9]+$", "-+0123456789")
_resolve(
    "float",
    r"^(?:[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
    "-+.0123456789",
)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def parse_yaml(text: str, source: str) -> Any:
    """Plain data from one YAML document.

    Args:
        text: at most 1,000,000 characters.
        source: where it came from, for the message.

    Raises:
        UserError: not YAML; more than one document; a duplicate key or a key that is not text; a tag, an
            anchor or an alias; nested deeper than 40 levels; too large.
    """
    if len(text) > MAX_BYTES:
        raise UserError(f"{source}: found {len(text)} characters; allowed: at most {MAX_BYTES}")
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        problem = str(error.problem or error.context)
        if problem.startswith("but"):
            problem = f"{error.context} {problem}"
        raise UserError(f"{source}: not valid YAML: {problem}{where}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{source}: not valid YAML: {error}") from None


def read_yaml(path: Path) -> Any:
    """Plain data from a file of at most 1 MB in UTF-8.

    Raises:
        UserError: it cannot be read, or as `parse_yaml` does.
    """
    try:
        if not path.is_file():
            raise UserError(f"{path}: found {_what_is_at(path)}; allowed: a YAML file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise UserError(f"{path}: found more than {MAX_BYTES} bytes; allowed: at most 1 MB")
        return parse_yaml(data.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError:
        raise UserError(f"{path}: not valid YAML: found bytes that are not UTF-8") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{path}: cannot be read: {reason}") from None


class _Dumper(yaml.SafeDumper):
    """Without anchors, which the reader refuses; text that YAML 1.2 would read as a number is quoted.

    PyYAML writes NEL (U+0085) as it is and reads it as a space, so text with it is written with escapes.
    """

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = '"' if "\x85" in text else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+$"), list("-+.0123456789")
)


def dump_yaml(data: Any, *, inner_in_flow: bool = False) -> str:
    """Plain data as the text of a YAML file that `parse_yaml` reads as the same data.

    Args:
        data: of plain types.
        inner_in_flow: whether the innermost lists and mappings take one line each.
    """
    style = None if inner_in_flow else False
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=style))


def _what_is_at(path: Path) -> str:
    """What a path leads to that is no file; of a directory, which YAML files it holds."""
    if not path.is_dir():
        return "a device" if path.exists() else "no such file"
    files = sorted(file.name for file in path.glob("*.yaml"))
    return f"a directory, which holds {', '.join(files[:3])}" if files else "a directory"
