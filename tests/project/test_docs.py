"""The documentation is true: its code runs, its links lead somewhere, its tables follow the recipes."""

import re
from pathlib import Path

import pytest

from hyperrl.cli import tables as printed
from tests.forgetting import forgetting_imports
from tests.project import tables
from tests.project.pages import PAGES, ROOT, blocks, do, links

RUNNABLE = ("python", "console", "yaml")
DONE_BY_HAND = ("sh", "text", "json", "cpp")
WITH_CODE = [page for page in PAGES if any(block.language in RUNNABLE for block in blocks(page))]


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", WITH_CODE, ids=page_id)
def test_every_block_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    with forgetting_imports(tmp_path):
        for block in blocks(page):
            assert block.language in RUNNABLE + DONE_BY_HAND, f"{page.name}:{block.line}: language?"
            do(page, block, names, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_to_files(page: Path) -> None:
    for link in links(page):
        if not link.startswith(("https://", "#")):
            assert (page.parent / link.partition("#")[0]).exists(), f"{page_id(page)} links to {link}"


def test_the_readme_lists_the_recipes_as_they_are() -> None:
    text = tables.README.read_text()
    assert text == tables.written(text), "run: make docs"


def test_the_readme_shows_the_columns_that_evaluate_prints(capsys: pytest.CaptureFixture[str]) -> None:
    of_a_task = {"context": {"c0": 5.0}, "mean": 1.0, "oracle": 2.0}
    split = {"tasks": 1, "mean": 1.0, "low": 0.0, "high": 2.0, "stderr": 1.0, "iqm": 1.0, "oracle": 2.0}
    printed.splits({"train": {**split, "worst": of_a_task}})
    header = capsys.readouterr().out.splitlines()[0].split()
    text = tables.README.read_text()
    shown = text.partition("<!-- demo:begin -->")[2].partition("<!-- demo:end -->")[0]
    assert header in [line.split() for line in shown.splitlines()], (
        "run: make demo | tee FILE, then tables FILE"
    )


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE))
    assert named <= targets


def test_an_untrue_page_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ hyperrl --version\nhyperrl of old\n```\n\n```python\nassert 1 == 2\n```\n")
    output, code = blocks(page)
    with pytest.raises(AssertionError, match="of old"):
        do(page, output, {}, tmp_path)
    with pytest.raises(AssertionError):
        do(page, code, {}, tmp_path)
