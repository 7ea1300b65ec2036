"""No name of the library or of the benchmarks is one of the private words that the field's words replaced."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FILES = """
    kept generating generated choices inputs kinds match missing finite recording signals sanity chosen
    observing asked reading writing acting fitting smaller graph showing watching saving hidden mistakes
    show start semantics lean attempts sameness
"""
"""Names that no file and no folder has."""

IDENTIFIERS = """
    KeptWeights drop_kept GeneratingPolicy GeneratedMLP Choices ForgetfulVecEnv MISFITS misfit unfit own_luck
    undisturbed told_unwritable refuse_strangers ChosenEnv seen_through centred
    kept told made asked formed judged alike held born
"""
"""Names that no class, function, argument, variable or attribute has, with or without underscores ahead."""


def private_files(root: Path) -> list[str]:
    """Python files below a folder that are called by a private word, or lie in a folder that is."""
    paths = [path.relative_to(root) for path in sorted(root.rglob("*.py"))]
    words = set(FILES.split())
    return [str(path) for path in paths if words & set(path.with_suffix("").parts)]


def private_names(source: str) -> list[str]:
    """Lines and names that a source gives to something, of those that are private words."""
    words = set(IDENTIFIERS.split())
    found = {(line, name) for line, name in defined(ast.parse(source)) if name.lstrip("_") in words}
    return [f"{line}: {name}" for line, name in sorted(found)]


def defined(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The names that a tree gives to classes, functions, arguments, variables, attributes and imports."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case ast.ImportFrom() | ast.Import():
                yield from ((node.lineno, each.asname) for each in node.names if each.asname)
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar() if node.name:
                yield node.lineno, node.name


@pytest.mark.parametrize("room", ["hyperrl", "benchmarks"])
def test_no_file_is_called_by_a_private_word(room: str) -> None:
    assert not private_files(ROOT / room)


@pytest.mark.parametrize("room", ["hyperrl", "benchmarks"])
def test_nothing_is_named_by_a_private_word(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert len(files) > 20
    found = [f"{path.relative_to(ROOT)}:{name}" for path in files for name in private_names(path.read_text())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("place", ["kept.py", "net/sameness.py", "smaller/base.py", "hidden/__init__.py"])
def test_a_planted_file_is_found(tmp_path: Path, place: str) -> None:
    for each in (place, "net/graphs.py", "shown.py"):
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).touch()
    assert private_files(tmp_path) == [place]


@pytest.mark.parametrize(
    "line",
    [
        "class KeptWeights: ...",
        "def drop_kept(): ...",
        "async def told(): ...",
        "def build(x, *, made=None): ...",
        "def build(*asked, **options): ...",
        "held = 1",
        "_kept: int = 1",
        "self.born = 1",
        "first, (judged, *rest) = values",
        "for alike in rows: ...",
        "with open(path) as made: ...",
        "size = len(formed := rows)",
        "rows = [told for told in rows]",
        "key = lambda asked: 0",
        "from hyperrl import store as kept",
        "try: ...\nexcept OSError as told: ...",
        "match row:\n    case [made]: ...",
    ],
)
def test_a_planted_name_is_found(line: str) -> None:
    assert len(private_names(line)) == 1


def test_names_that_are_only_used_and_words_of_texts_are_not_found() -> None:
    assert not private_names("'''Weights are kept.'''\nvalue = library.kept(made, told=1)  # as asked\n")
