"""The page stands alone, says first where generated agents are below, and escapes what recipes say."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from benchmarks.synthetic_runs import synthetic_run
from hyperrl.evaluation.comparison import Estimate
from hyperrl.experiments.collect import collect
from hyperrl.experiments.report.page import interval, number, percent, write_report
from hyperrl.tasks import Family
from tests.experiments.conftest import CONCAT, HYPER
from tests.runs import message


class Links(HTMLParser):
    """The tags and the addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "src" or (name == "href" and tag != "a"):
                self.sources.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            if name == "href" and tag == "a":
                self.targets.append(value or "")


@pytest.fixture(scope="module")
def text(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "new folder" / "report.html"
    write_report(collect([folder]), path, paths=["my runs"])
    return path.read_text(encoding="utf-8")


def test_the_page_needs_nothing_else(text: str) -> None:
    page = Links(text)
    assert "script" not in page.tags
    assert page.tags.count("img") == 4
    assert all(source.startswith("data:") for source in page.sources)
    assert {target[1:] for target in page.targets if target.startswith("#")} <= set(page.ids)
    assert "url(" not in text
    assert "@import" not in text


def test_it_says_first_where_generated_agents_are_below(text: str) -> None:
    body = text.partition("<body>")[2]
    first = body.index("Agents with generated weights are below others")
    assert first < body.index("<table>")
    assert f"ode, extrapolation: {HYPER} is below {CONCAT} by " in body[first : body.index("<table>")]


def test_tables_have_the_numbers_and_the_command(text: str, folder: Path) -> None:
    split = collect([folder]).families[0]
    assert split.first.seed == 0
    assert "hyperrl train hyper-ppo ode --seed 0 --steps 150000" in text
    assert "hyperrl report &#39;my runs&#39; --out " in text
    assert len(re.findall(r"<td class=\"n\">3</td>", text)) >= 10


def test_what_recipes_say_is_escaped(tmp_path: Path) -> None:
    ode = Family.load("ode")
    evil = ode.recipe.model_copy(update={"about": "<script>alert('x')</script> & \"more\""})
    overrides = ['policy.net_arch=[8] #"><img src=http://example.org/x onerror=alert(1)>']
    synthetic_run(tmp_path / "a", HYPER, Family(evil), 0, overrides=overrides, tasks=2)
    synthetic_run(tmp_path / "b", HYPER, Family(evil), 1, tasks=2)
    (tmp_path / "<b>" / "checkpoints").mkdir(parents=True)
    write_report(collect([tmp_path]), tmp_path / "report.html", paths=["<i>"])
    page = Links((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert not {"script", "b", "i"} & set(page.tags)
    assert all(source.startswith("data:") for source in page.sources)


@pytest.mark.parametrize(
    ("agents", "seeds", "levels", "expected"),
    [
        ((HYPER, CONCAT), 2, (120.0, 100.0), "Nowhere is an agent with generated weights below another"),
        ((HYPER, CONCAT), 1, (100.0, 100.0), "Every agent has one seed"),
        ((HYPER,), 2, (100.0,), "All agents generate their weights"),
        ((CONCAT,), 2, (100.0,), "No agent here generates its weights"),
    ],
)
def test_the_first_words_fit_the_runs(
    tmp_path: Path, ode: Family, agents: tuple[str, ...], seeds: int, levels: tuple[float, ...], expected: str
) -> None:
    for agent, level in zip(agents, levels, strict=True):
        for seed in range(seeds):
            synthetic_run(tmp_path / f"{agent}-{seed}", agent, ode, seed, level, tasks=2)
    write_report(collect([tmp_path]), tmp_path / "report.html")
    assert expected in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_is_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written" in message(
        write_report, collect([folder / "hyper/seed-0"]), tmp_path / "file" / "x"
    )


def test_numbers_in_words() -> None:
    assert [number(each) for each in (None, 1234, -0.5, 12345.678)] == ["–", "1,234", "−0.5", "1.235e+04"]
    assert interval(Estimate(1.0, -2.0, 3.5)) == "[−2, 3.5]"
    assert interval(Estimate(1.0)) == interval(None) == ""
    assert [percent(0.256), percent(None)] == ["26%", "–"]


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PROBE = """<script>addEventListener("load", () => { document.title = JSON.stringify({
  images: [...document.images].map(image => image.naturalWidth),
  requests: performance.getEntriesByType("resource").map(each => each.name.slice(0, 80))
    .filter(name => !name.startsWith("data:")),
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  text: document.querySelector("#findings").innerText.length,
}); });</script>"""
"""Added to a copy of the page: what the browser has made of it."""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_it_without_a_request(text: str, tmp_path: Path, width: int) -> None:
    page = tmp_path / "page.html"
    page.write_text(text.replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900",
        "--disable-background-networking", "--disable-component-update", "--no-first-run",
        f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr",
        "--virtual-time-budget=5000", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert "CONSOLE" not in done.stderr, done.stderr
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None
    found = json.loads(title[1])
    assert len(found["images"]) == 4
    assert min(found["images"]) > 500
    assert found["wide"] == 0
    assert found["text"] > 100
    assert found["requests"] == []
