"""A suite's section is written from whatever results there are, and begins with what others do better."""

import re
from collections.abc import Mapping

import pytest
from PIL import Image

from benchmarks.report import suites
from benchmarks.report.compared import SHARED_STARTS
from benchmarks.report.learned import PAPER
from benchmarks.report.results import Site, differing, write
from hyperrl.evaluation import comparison
from hyperrl.tasks import Family
from tests.benchmarks.conftest import made_up, put
from tests.benchmarks.report.suite_results import jobs, put_suite

MIXED: Mapping[str, float | Mapping[str, float]] = {
    "hyper-ppo": {"train": 90.0, "validation": 90.0, "interpolation": 90.0, "extrapolation": 40.0},
    "concat-ppo": 50.0,
    "blind-ppo": 10.0,
}


def load(site: Site) -> list[suites.SuiteFamily]:
    return suites.load(PAPER, site.data / "suites")


def page(site: Site) -> str:
    write(site)
    assert differing(site) == []
    return site.page.read_text()


def test_without_results_the_suite_is_not_mentioned(site: Site) -> None:
    assert "The suite" not in page(site)


def test_it_begins_with_where_another_agent_is_better(site: Site) -> None:
    put_suite(site, "ode", MIXED, seeds=3)
    _, section = page(site).split("## The suite `paper`\n\n")
    sentence = section.split("\n\n")[0]
    (ode,) = load(site)
    (duel,) = [each for each in ode.duels("extrapolation") if each.baseline == "concat-ppo"]
    gap = duel.difference
    assert gap.low is not None
    assert gap.high is not None
    assert sentence == (
        "Another agent beats the default one, `hyper-ppo`, beyond the 95 % interval of the difference, on"
        f" `ode` (extrapolation: `concat-ppo` by {-gap.value:.2f} [{-gap.high:.2f}, {-gap.low:.2f}])."
    )
    assert gap == comparison.difference(
        *(ode.scores(name, "extrapolation") for name in ("hyper-ppo", "concat-ppo"))
    )


def test_where_no_agent_is_better_it_says_so(site: Site) -> None:
    put_suite(site, "ode", {"hyper-ppo": 90.0, "concat-ppo": 50.0}, seeds=2)
    put_suite(site, "double-integrator", {"hyper-sac": 90.0, "concat-sac": 50.0}, seeds=2)
    assert (
        "No other agent beats the default ones, `hyper-ppo` and `hyper-sac`, beyond the 95 % interval of the"
        " difference, on any family that there are results of: `ode` by PPO, `double-integrator` by SAC."
    ) in page(site)


def test_a_row_has_numbers_of_the_statistics_and_how_many_runs_there_are(site: Site) -> None:
    put_suite(site, "ode", MIXED, seeds=3)
    put_suite(site, "ode", {"concat-ppo-matched": 60.0}, seeds=1)
    put_suite(site, "ode", {"hyper-ppo low-rank": 91.0}, seeds=10)
    text = page(site)
    assert re.search(r"20 of \d+ runs so far; families without any are left out: 0\.2 CPU hours", text)
    lines = [line.split(" | ") for line in text.split("## The suite")[1].splitlines()]
    rows = {line[0]: line for line in lines if line[0].startswith("| `")}
    assert list(rows) == [
        f"| `{name}`"
        for name in ("hyper-ppo", "hyper-ppo low-rank", "concat-ppo", "concat-ppo-matched", "blind-ppo")
    ]
    concat = rows["| `concat-ppo`"]
    assert concat[1:3] == ["1,234", "3 of 10"]
    (ode,) = load(site)
    iqm = comparison.estimate(ode.scores("concat-ppo", "interpolation"))
    assert concat[5] == f"{iqm.value:.2f} [{iqm.low:.2f}, {iqm.high:.2f}]"
    assert concat[8:] == ["1.00 [1.00, 1.00]", "0.00 [0.00, 0.00] |"]
    assert rows["| `hyper-ppo low-rank`"][2] == "10"
    assert rows["| `concat-ppo-matched`"][2] == "1 of 10"
    assert "An agent with one seed has no interval yet. Of two or three seeds," in text
    assert rows["| `hyper-ppo`"][8:] == ["", " |"]


def test_results_of_recipes_that_have_changed_are_marked_and_give_way(site: Site) -> None:
    put_suite(site, "ode", MIXED, seeds=2, digest="of before")
    words = "**Out of date:** measured with recipes that have changed since: "
    assert f"{words}all results of this suite." in page(site)
    assert "with other start states" not in page(site)
    put_suite(site, "ode", {"hyper-ppo": 90.0}, seeds=1)
    text = page(site)
    assert f"{words}`concat-ppo`, `blind-ppo` on `ode`." in text
    (ode,) = load(site)
    assert ode.runs.agents["hyper-ppo"].seeds == [1000]


def test_results_that_are_older_than_digests_are_called_so(site: Site) -> None:
    put_suite(site, "ode", MIXED, seeds=2, digest=SHARED_STARTS)
    assert "measured with start states that all tasks shared and recipes" in page(site)
    assert "with other start states" in page(site)


def test_choices_are_compared_with_what_they_change(site: Site) -> None:
    levels = {"hyper-ppo": 90.0, "low rank": 70.0, "low rank of 4": 70.0, "masks": 70.0}
    put_suite(site, "ode", levels, seeds=5, suite="ablation")
    put_suite(site, "point-goal", {"hyper-ppo": 90.0}, seeds=2, suite="ablation")
    text = page(site).split("## What each choice is worth")[1]
    rows = {}
    for line in text.split("Held-out tasks, which")[0].splitlines():
        name, *cells = line.strip("| ").split(" | ")
        rows[name] = cells
    assert rows["agent"] == ["parameters", "seeds", "ode, validation", "point-goal, validation"]
    assert rows["`hyper-ppo`"][:2] == ["1,234", "2 to 5"]
    bold = {name for name, cells in rows.items() if len(cells) > 2 and "**" in cells[2]}
    assert bold == {"`low rank`", "`masks`"}


def test_enough_seeds_replace_the_older_results(site: Site) -> None:
    for name in ("ode", "cartpole"):
        for agent in ("hyper-ppo", "concat-ppo"):
            put(site, made_up(agent, Family.load(name), 0, 170.0))
    put_suite(site, "ode", MIXED, seeds=2)
    text = page(site)
    assert "## ode, older results\n" in text
    assert "return_over_context_ode.png" in site.readme.read_text()
    put_suite(site, "ode", MIXED, seeds=3)
    text, readme = page(site), site.readme.read_text()
    assert "## ode, older results\n" not in text
    assert "## cartpole, older results\n" in text
    assert readme.split("\n\n")[1].startswith("<!-- results:begin -->\nAnother agent beats the default one")
    assert re.search(r"^\| `ode` \| extrapolation \| 4\d", readme, re.MULTILINE)
    assert re.search(r"^\| `cartpole`\* \| extrapolation \| 170", readme, re.MULTILINE)
    names = ["return_over_context_paper-ode-ppo.png", "learning_curves_paper-ode-ppo.png"]
    assert re.findall(r"\(docs/images/(.*)\)", readme) == names
    assert {path.name for path in site.images.iterdir()} == {*names, "learning_curves_cartpole.png"}
    with Image.open(site.images / names[1]) as picture:
        assert picture.mode == "P"
    assert "lowest of 3 seeds" in text
    assert "**Where the context decides" in readme


def test_a_suite_of_other_jobs_is_left_alone(site: Site) -> None:
    put_suite(site, "ode", MIXED, seeds=1)
    first = jobs(site, "ode", "hyper-ppo")[0].result
    first.rename(first.with_name("seed-7.json"))
    (ode,) = load(site)
    assert "hyper-ppo" not in ode.runs.agents
    assert list(ode.duels("train")) == []


@pytest.mark.parametrize("what", ["a result", "a figure"])
def test_a_change_is_noticed(site: Site, what: str) -> None:
    put_suite(site, "ode", MIXED, seeds=3)
    page(site)
    if what == "a result":
        put_suite(site, "ode", {"concat-ppo": 51.0}, seeds=1)
    else:
        (site.images / "learning_curves_paper-ode-ppo.png").write_bytes(b"another")
    assert differing(site) != []
