"""The file of a model card: one `README.md` for all files of a folder, and none that is somebody else's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from hyperrl.errors import UserError
from hyperrl.recipes import dump_yaml, parse_yaml
from hyperrl.store import atomic_write, report_write_errors
from hyperrl.store.lock import folder_held
from hyperrl.store.spec import SPEC

NAME = "README.md"
_MOST_BYTES = 2**24
_TASK = "reinforcement-learning"
_BEGIN, _END, _SEAL = "<!-- hyperrl file ", "<!-- hyperrl end -->", "<!-- hyperrl card 1 "
_SECTION = re.compile(
    rf"^{_BEGIN}(?P<facts>[^\n]*) -->\n(?P<text>.*?)\n{_END}$", flags=re.MULTILINE | re.DOTALL
)
_INTRODUCTION = """\
HyperRL trains reinforcement learning agents for whole families of tasks. The *context* is the numbers in
which one task differs from another. Agents that generate their weights do so from the context, by a
hypernetwork."""


@dataclass(frozen=True)
class CardEntry:
    """What a card says of one file.

    Attributes:
        name: the file's name in its folder.
        title: the agent and the family, "hyper-ppo on ode".
        library: what loads the file, as the hub's `library_name`.
        tags: the hub's.
        results: the hub's, each with `task`, `dataset` and `metrics`; none where nothing was evaluated.
        section: Markdown.
    """

    name: str
    title: str
    library: str
    tags: tuple[str, ...]
    results: tuple[Mapping[str, Any], ...]
    section: str


def write_card(entry: CardEntry, folder: Path) -> Path | None:
    """Say in the card of a folder what one of its files is; what it says of the others stays.

    A `README.md` that HyperRL did not write, or that was changed since, is not touched. The card is then
    `NAME.README.md`, of that one file.

    Args:
        entry: of the file.
        folder: where the file is.

    Returns:
        The card; None where `NAME.README.md` was changed too, so that nothing was written.

    Raises:
        UserError: the card cannot be written.
    """
    with report_write_errors("card", folder / NAME), folder_held(folder):
        for path in _places(folder, entry.name):
            entries = read_card(path)
            if entries is not None:
                others = [each for each in entries if _is_another(each, entry, folder)]
                atomic_write(path, card_text([*others, entry]).encode())
                return path
    return None


def find_card(file: Path) -> Path | None:
    """The card that says what a file is, as HyperRL wrote it; None where there is none."""
    for path in _places(file.parent, file.name):
        if any(entry.name == file.name for entry in read_card(path) or ()):
            return path
    return None


def _places(folder: Path, name: str) -> tuple[Path, Path]:
    """Where the card of a file may be: the one of the folder, and the one of the file alone."""
    return folder / NAME, folder / f"{name}.{NAME}"


def _is_another(entry: CardEntry, new: CardEntry, folder: Path) -> bool:
    """Whether an entry is of another file, which is still there."""
    return entry.name != new.name and (folder / entry.name).exists()


def read_card(path: Path) -> list[CardEntry] | None:
    """The entries of a card as it was written: none where there is no file, None for any other file."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return None
    if not path.exists():
        return []
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    try:
        return None if len(data) > _MOST_BYTES else _entries(data.decode())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UserError):
        return None


def card_text(entries: Iterable[CardEntry]) -> str:
    """The text of a card: the hub's header, then a section for each file, the whole run first."""
    ordered = sorted(entries, key=lambda entry: (entry.name != SPEC, entry.name))
    titles = list(dict.fromkeys(entry.title for entry in ordered))
    libraries = {entry.library for entry in ordered}
    header: dict[str, Any] = {
        "library_name": libraries.pop() if len(libraries) == 1 else "hyperrl",
        "pipeline_tag": _TASK,
        "tags": list(dict.fromkeys(tag for entry in ordered for tag in (_TASK, *entry.tags))),
    }
    index = [
        {"name": entry.name, "results": [_plain(result) for result in entry.results]}
        for entry in ordered
        if entry.results
    ]
    if index:
        header["model-index"] = index
    sections = "\n\n".join(
        f"{_BEGIN}{_facts(entry)} -->\n{entry.section.strip()}\n{_END}" for entry in ordered
    )
    text = f"---\n{dump_yaml(header)}---\n\n# {', '.join(titles)}\n\n{_INTRODUCTION}\n\n{sections}\n"
    return f"{text}\n{_SEAL}{_digest(text)} -->\n"


def _entries(content: str) -> list[CardEntry] | None:
    content = content.replace("\r\n", "\n")
    text, seal, digest = content.rpartition(f"\n{_SEAL}")
    if not seal or digest.strip() != f"{_digest(text)} -->":
        return None
    header = parse_yaml(text.split("\n---\n", 1)[0].removeprefix("---\n"), NAME)
    results = {each["name"]: tuple(each["results"]) for each in header.get("model-index", ())}
    entries = []
    for found in _SECTION.finditer(text):
        facts = json.loads(found["facts"])
        name, tags = facts["name"], tuple(facts["tags"])
        known = results.get(name, ())
        entries.append(CardEntry(name, facts["title"], facts["library"], tags, known, found["text"]))
    return entries


def _facts(entry: CardEntry) -> str:
    """The facts of an entry beside its section and results, as JSON that ends no comment of HTML."""
    facts = {"name": entry.name, "title": entry.title, "library": entry.library, "tags": entry.tags}
    return json.dumps(facts).replace(">", "\\u003e")


def _plain(result: Any) -> Any:
    """A result with plain numbers, which YAML can write whatever they were."""
    if isinstance(result, Mapping):
        return {str(name): _plain(part) for name, part in result.items()}
    if isinstance(result, list | tuple):
        return [_plain(part) for part in result]
    return result if isinstance(result, str | bool) else float(result)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
