import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.learning.suite import STARTS
from benchmarks.report import results
from benchmarks.report.records import load
from benchmarks.report.results import Site, differing, write
from hyperrl.errors import UserError
from hyperrl.tasks import Family
from tests.benchmarks.conftest import made_up, put


def test_the_committed_pages_are_what_the_results_give() -> None:
    assert differing(Site()) == [], "run: make results"


def test_without_results_the_page_says_so_and_the_readme_is_empty(site: Site) -> None:
    assert write(site) == [site.page, site.readme]
    assert "There are no results yet." in site.page.read_text()
    assert site.readme.read_text() == (
        "# Title\n\n<!-- results:begin -->\n<!-- results:end -->\n\nthe rest\n"
    )


def test_writing_again_changes_nothing(filled: Site) -> None:
    before = {path: path.read_bytes() for path in filled.root.rglob("*") if path.is_file()}
    assert write(filled) == []
    assert {path: path.read_bytes() for path in filled.root.rglob("*") if path.is_file()} == before
    assert {path.name for path in filled.images.iterdir()} == {
        "return_over_context_ode.png",
        "learning_curves_ode.png",
        "learning_curves_double-integrator.png",
    }


def test_the_page_says_what_is_met_and_what_is_not(made: Site) -> None:
    page = made.page.read_text()
    goals = re.findall(r"^\| `(\S+)`: .* \| (met|\*\*not met\*\*) \|$", page, re.MULTILINE)
    assert goals == [
        ("ode", "met"),
        ("ode", "**not met**"),
        ("double-integrator", "**not met**"),
        ("double-integrator", "**not met**"),
    ]
    assert "lowest of 3 seeds 0.8600, 0.0010 above" in page
    assert "-10.00 [-10.00, -10.00]" in page
    assert "+12.00 [+12.00, +12.00], above" in page
    assert "They differ in nothing but their policies." in page
    assert "Out of date" not in page


def test_results_of_old_starts_are_reported_until_they_are_made_anew(site: Site) -> None:
    family = Family.load("ode")
    result = made_up("hyper-ppo", family, 0, 172.0)
    result["splits"]["train"]["best"][2] = [50.0]
    put(site, result)
    write(site)
    page = site.page.read_text()
    assert "measured with other start states" in page
    assert "are to be repeated" in site.readme.read_text()
    share = 50 / result["splits"]["train"]["oracle"][2]
    assert f"| 50.00 ({share:.0%}) at c0=1, seed 0 |" in page
    put(site, {**result, "starts": STARTS})
    write(site)
    assert "measured with other start states" not in site.page.read_text()
    assert "are to be repeated" not in site.readme.read_text()


def test_the_readme_gets_the_figure_and_the_table(made: Site) -> None:
    readme = made.readme.read_text()
    assert "](docs/images/return_over_context_ode.png)" in readme
    cell = r"{0}\.01 \[{0}\.0\d, {0}\.0\d\]"
    row = rf"^\| `double-integrator`\* \| interpolation \| {cell.format(30)} \| {cell.format(40)} \|  \|"
    assert re.search(row, readme, re.MULTILINE)
    assert "old" not in readme
    assert readme.endswith("<!-- results:end -->\n\nthe rest\n")


@pytest.mark.parametrize("what", ["result", "figure", "page", "readme", "new run", "note"])
def test_a_change_anywhere_is_noticed(filled: Site, what: str) -> None:
    assert differing(filled) == []
    if what == "result":
        path = filled.data / "learning" / "ode" / "hyper-ppo" / "seed-0.json"
        result = json.loads(path.read_text())
        result["curve"]["extrapolation"][1] = 5.0
        put(filled, result)
    elif what == "figure":
        (filled.images / "learning_curves_ode.png").write_bytes(b"another")
    elif what == "page":
        filled.page.write_text(filled.page.read_text().replace("172", "173"))
    elif what == "readme":
        filled.readme.write_text(filled.readme.read_text().replace("172", "173"))
    elif what == "new run":
        put(filled, made_up("concat-ppo-matched", Family.load("ode"), 0, 100.0))
    else:
        (filled.data / "notes").mkdir()
        (filled.data / "notes" / "ode.md").write_text("Why it is so.\n")
    assert differing(filled) != []


def test_the_command_checks_and_writes(
    filled: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(results, "Site", lambda: filled)
    (filled.images / "tensorboard.png").write_bytes(b"of somebody else")
    for path in (filled.data / "learning" / "ode").rglob("*.json"):
        path.unlink()
    assert results.main(["--check"]) == 1
    assert results.main([]) == 0
    assert results.main(["--check"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "out of date: docs/results.md",
        "out of date: README.md",
        "written: docs/results.md",
        "written: README.md",
    ]
    left = {path.name for path in filled.images.iterdir()}
    assert left == {"learning_curves_double-integrator.png", "tensorboard.png"}


def test_agents_that_were_not_treated_alike_are_named(filled: Site) -> None:
    path = filled.data / "learning" / "ode" / "hyper-ppo"
    for file in path.iterdir():
        result = json.loads(file.read_text())
        result["recipe"]["agent"]["algorithm"]["n_epochs"] = 77
        put(filled, result)
    write(filled)
    page = filled.page.read_text()
    assert "Besides their policies they differ in `n_epochs` (hyper-ppo: 77, concat-ppo: 10" in page
    assert "**Out of date:** the recipe of `hyper-ppo` has changed since in algorithm.n_epochs." in page


def _steps(result: dict[str, Any]) -> None:
    result["planned_steps"] = 1


def _tasks(result: dict[str, Any]) -> None:
    result["splits"]["train"]["contexts"][0] = [0.5]


def _recipe(result: dict[str, Any]) -> None:
    result["recipe"]["agent"]["policy"]["net_arch"] = [1]


def _format(result: dict[str, Any]) -> None:
    result["format"] = 99


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_steps, "differ in their steps"),
        (_tasks, "tasks"),
        (_recipe, "agent's recipe"),
        (_format, "format 1"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(filled: Site, change: Any, words: str) -> None:
    path = filled.data / "learning" / "ode" / "hyper-ppo" / "seed-1.json"
    result = json.loads(path.read_text())
    change(result)
    put(filled, result)
    with pytest.raises(UserError, match=words):
        load(filled.data / "learning")


def test_a_result_in_the_wrong_place_or_cut_short_is_refused(filled: Site) -> None:
    path = filled.data / "learning" / "ode" / "hyper-ppo" / "seed-1.json"
    moved = path.rename(path.with_name("seed-9.json"))
    with pytest.raises(UserError, match="is of ode / hyper-ppo / seed-1"):
        load(filled.data / "learning")
    moved.write_bytes(moved.read_bytes()[:100])
    with pytest.raises(UserError, match="not JSON"):
        load(filled.data / "learning")


def test_a_quick_speed_report_is_refused(site: Site) -> None:
    site.data.mkdir(parents=True)
    report = {"benchmark": "throughput", "setting": {"quick": True}, "measures": []}
    (site.data / "throughput.json").write_text(json.dumps(report))
    with pytest.raises(UserError, match="--quick"):
        write(site)
    assert not site.page.exists()


def test_a_speed_report_is_shown_with_its_goals(site: Site) -> None:
    measure = {
        "name": "a over b", "value": 0.8, "low": 0.7, "high": 0.9, "runs": 5, "unit": "ratio",
        "goal": ">= 0.85", "met": False,
    }  # fmt: skip
    report = {
        "benchmark": "throughput", "versions": {"torch": "2"}, "cores": 2, "setting": {"quick": False},
        "measures": [measure],
    }  # fmt: skip
    site.data.mkdir(parents=True)
    (site.data / "throughput.json").write_text(json.dumps(report))
    write(site)
    page = site.page.read_text()
    assert "| `speed.throughput` | 0 of 1 | a over b: >= 0.85, measured 0.8 |" in page
    assert "| a over b | 0.8 | 0.7 to 0.9 | ratio | >= 0.85, missed |" in page


def test_what_was_measured_at_several_numbers_of_tasks_is_one_line_with_one_verdict(site: Site) -> None:
    def measure(name: str, value: float, met: bool) -> dict[str, Any]:
        return {
            "name": name, "value": value, "low": value, "high": value, "runs": 1, "unit": "ratio",
            "goal": "<= 2", "met": met, "peak MB": 3.0,
        }  # fmt: skip

    report = {
        "benchmark": "generation", "versions": {"torch": "2"}, "cores": 2, "setting": {"quick": False},
        "measures": [
            measure("low-rank, 64-64, G = 4, over a plain MLP", 1.5, True),
            measure("low-rank, 64-64, G = 16, over a plain MLP", 2.5, False),
            measure("a over b", 1.0, True),
        ],
    }  # fmt: skip
    site.data.mkdir(parents=True)
    (site.data / "generation.json").write_text(json.dumps(report))
    write(site)
    page = site.page.read_text()
    line = (
        "| `speed.generation` | 1 of 2 | low-rank, 64-64, over a plain MLP, G = 4 / 16: <= 2, measured 2.5 |"
    )
    assert line in page
    assert (
        "|  | G = 4 | G = 16 | peak MB, G = 16 |\n| --- | --- | --- | --- |\n| low-rank | 1.5 | **2.5** | 3 |"
        in page
    )
    assert "| a over b | 1 |" in page


def test_markers_are_needed(site: Site, tmp_path: Path) -> None:
    site.readme.write_text("# Title\n")
    with pytest.raises(UserError, match="one pair"):
        write(site)
