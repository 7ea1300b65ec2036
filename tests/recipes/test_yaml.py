"""YAML from a stranger: plain data or a refusal in one line, never an execution or a traceback."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hyperrl.errors import UserError
from hyperrl.recipes import dump_yaml, load_agent, parse_yaml, read_yaml
from tests.recipes.mistakes import outcome


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1e5", 1e5),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("007", 7),
        ("1:30", "1:30"),
        ("on", "on"),
        ("no", "no"),
        ("2020-01-01", "2020-01-01"),
        ("true", True),
        ("null", None),
        ("", None),
        ("'1'", "1"),
        ("[1, {a: b}]", [1, {"a": "b"}]),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("<<", "<<"),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: Any) -> None:
    found = parse_yaml(text, "x")
    assert found == value
    assert type(found) is type(value)


HOSTILE = [
    ("a: 1\na: 2", 'duplicate key "a" (line 2, column 1)'),
    ("b: {a: 1, 'a': 2}", 'duplicate key "a"'),
    ("1: a", "keys must be text, found 1"),
    ("true: a", "keys must be text, found true"),
    ("? [a]\n: b", "keys must be text"),
    ("!!python/object/apply:os.system ['true']", "tags are not allowed"),
    ("a: !!python/name:os.system", "tags are not allowed"),
    ("a: !thing 1", "tags are not allowed"),
    ("a: !!int '1'", "tags are not allowed"),
    ("a: &x 1\nb: *x", "anchors and aliases are not allowed"),
    ("a: *x", "anchors and aliases are not allowed"),
    ("&a [*a]", "anchors and aliases are not allowed"),
    ("a: 1\n---\nb: 2", "expected a single document"),
    ("a: [1", "expected"),
    ("a: b: c", "mapping values are not allowed here"),
    ("\tb: 1", "found character"),
    ("a: \x00", "special characters are not allowed"),
    ("a: '", "found unexpected end of stream"),
    ("[" * 5000, "nested deeper than 40 levels"),
    ("- " * 5000, "nested deeper than 40 levels"),
    ("{a: " * 5000, "nested deeper than 40 levels"),
    ("9" * 10_000, "too many digits"),
]


@pytest.mark.parametrize(("text", "message"), HOSTILE, ids=[text[:20] for text, _ in HOSTILE])
def test_hostile_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_yaml(text, "x.yaml")
    assert str(caught.value).startswith("x.yaml: not valid YAML: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_billion_laughs_are_refused() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    with pytest.raises(UserError, match="anchors and aliases are not allowed"):
        parse_yaml("\n".join(lines), "x")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    (tmp_path / "folder").mkdir()
    places = {
        "folder": "a directory",
        "": "a directory, which holds pipe.yaml",
        "pipe.yaml": "a device",
        "none.yaml": "no such file",
    }
    for name, found in places.items():
        path = tmp_path / name
        with pytest.raises(UserError, match=f"found {found}; allowed: a YAML file$"):
            read_yaml(path)
    with pytest.raises(UserError):
        load_agent("a/\0.yaml")
    with pytest.raises(UserError, match="cannot be read"):
        load_agent("a" * 5000 + ".yaml")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_yaml(path) == {"a": 1}


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(TREES)
@example({"\x85": "a\x85b"})
def test_what_is_written_is_read_as_the_same(data: Any) -> None:
    assert parse_yaml(dump_yaml(data), "x") == data


@pytest.mark.parametrize("data", ["1e5", "1E5", "-2.e+3", "on", "~", "2026-12-01", "0x10", "1_000"])
def test_a_text_that_looks_like_something_else_stays_text(data: str) -> None:
    assert parse_yaml(dump_yaml([data]), "x") == [data]


@given(st.text(max_size=200))
def test_any_text_is_data_or_a_refusal(text: str) -> None:
    message = outcome(parse_yaml, text, "x")
    assert message is None or (message.startswith("x: not valid YAML: ") and "\n" not in message)
