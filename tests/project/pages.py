"""Reads the documentation's code blocks and does what a reader would do with them."""

import io
import re
import shlex
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from hyperrl.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), ROOT / "runs/README.md", *sorted(ROOT.glob("docs/*.md"))]
_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, and the line of the page on which it starts."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    source = page.read_text()
    return [
        Block(found["language"], found["text"], source.count("\n", 0, found.start()) + 2)
        for found in _FENCE.finditer(source)
    ]


def links(page: Path) -> list[str]:
    """Targets of the page's links and pictures, blocks left out."""
    return re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", page.read_text()))


Command = Callable[[list[str]], tuple[int, str]]
"""Runs `hyperrl` with arguments; gives its exit status and all that it prints."""


def do(
    page: Path,
    block: Block,
    names: dict[str, object],
    folder: Path,
    hyperrl: Command | None = None,
    python: Callable[[str], None] | None = None,
) -> None:
    """Run Python, type commands, save what names its file in its first line; `# in FILE` quotes a file.

    `hyperrl` and `python` run commands and code elsewhere than in this process.
    """
    quoted = re.match(r"# in (\S+)\n", block.text)
    saved = re.match(r"# (\S+\.(?:yaml|py))\n", block.text)
    if quoted:
        text = block.text.removeprefix(quoted[0])
        file = folder / quoted[1] if (folder / quoted[1]).exists() else ROOT / quoted[1]
        assert text in file.read_text(), f"{page.name}:{block.line}: not in {quoted[1]}"
    elif saved:
        (folder / saved[1]).write_text(block.text)
    elif block.language == "python" and python is not None:
        python(block.text)
    elif block.language == "python":
        code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
        exec(code, names)
    elif block.language == "console":
        _type(block.text, hyperrl or _hyperrl)
    else:
        assert block.language != "yaml", f"{page.name}:{block.line}: the first line names the file"


def _type(session: str, hyperrl: Command) -> None:
    """Run each `$ command`; where the page shows output, the lines must be there, in order (... skips)."""
    for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        program, *arguments = shlex.split(command, comments=True)
        assert program == "hyperrl", f"$ {command}: only hyperrl is typed"
        status, printed = hyperrl(arguments)
        assert status == (2 if shown.startswith("hyperrl: error:") else 0), f"$ {command}\n{printed}"
        _expect(shown, printed, command)


def _hyperrl(arguments: list[str]) -> tuple[int, str]:
    """The command's exit status and all that it prints; a process of its own would take seconds to start."""
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        status = main(arguments)
    return status, printed.getvalue()


def _expect(shown: str, printed: str, command: str) -> None:
    if not shown.strip():
        return
    wanted = ["".join(line.split()) for line in shown.strip().splitlines()]
    pattern = "\n".join(
        ".*" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") for line in wanted
    )
    squeezed = "\n".join("".join(line.split()) for line in printed.strip().splitlines())
    assert re.search(pattern, squeezed, re.DOTALL), f"$ {command} printed\n{printed}\nand not\n{shown}"
