"""The section about unknown tasks."""

import json
from pathlib import Path

import numpy as np

from benchmarks.learning import adapt
from benchmarks.learning.suite import encode
from benchmarks.report import adapt_section, variants
from benchmarks.report.variants import FamilyVariants
from tests.benchmarks.report.test_variants import SEEDS, put


def results(
    root: Path, family: str, true: float, found: tuple[float, ...], untrained: float
) -> FamilyVariants:
    """Results whose agents return `found` after so many episodes of `adapt.AFTER`."""
    scores: dict[str, float] = {}
    for count, value in zip(adapt.AFTER, found, strict=True):
        for role in (adapt.HYPER, adapt.CONCAT):
            scores |= {adapt.at(role, count): value, adapt.exact(role, count): true}
        scores |= {adapt.at(adapt.SPECIALIST, count): 3.0, adapt.at(adapt.SCRATCH, count): 1.0}
    for seed in SEEDS:
        path = put(root, family, seed, scores, adapt.SPLITS)
        more = {"untrained": {adapt.HYPER: untrained, adapt.CONCAT: untrained}}
        path.write_bytes(encode({**json.loads(path.read_text()), **more}))
    return next(each for each in variants.load(root) if each.name == family)


def test_returns_are_parts_of_that_with_the_true_context(tmp_path: Path) -> None:
    found = results(tmp_path, "ode", 1000.0, (0.0, 980.0, 990.0, 1000.0), -5.0)
    assert adapt_section.positive(found, adapt.HYPER)
    np.testing.assert_allclose(adapt_section.share(found, adapt.HYPER, 1), 0.98, atol=1e-3)
    text = adapt_section.section([found], "By hand.")
    assert "| `ode` | `hyper-ppo` | 3 | 1001.2 [" in text
    assert "| 98.0% [98.0%, 98.0%] |" in text
    assert "| `ode` | 3 | 10 | 1001.2 [" in text
    assert text.endswith("\n\nBy hand.\n")
    (verdict,) = adapt_section.verdicts([found])
    assert verdict.met
    assert "`ode`: `hyper-ppo` reaches 95% of the return with the true context" in verdict.expected
    assert verdict.found == "98.0% [98.0%, 98.0%] over 3 of 5 seeds"


def test_negative_returns_are_parts_of_the_way_from_the_untrained_agent(tmp_path: Path) -> None:
    found = results(tmp_path, "pendulum", -1000.0, (-2000.0, -1120.0, -1000.0, -1000.0), -2000.0)
    np.testing.assert_allclose(adapt_section.share(found, adapt.HYPER, 1), 0.88, atol=1e-3)
    assert "| `pendulum`* | `concat-ppo` | 3 |" in adapt_section.section([found], None)
    (verdict,) = adapt_section.verdicts([found])
    assert not verdict.met
    assert "90% of the way from the untrained agent to the return with the true context" in verdict.expected


def test_one_seed_has_no_spread(tmp_path: Path) -> None:
    found = results(tmp_path, "ode", 100.0, (0.0, 98.0, 99.0, 100.0), 0.0)
    one = FamilyVariants("ode", found.records[:1])
    assert "% [" not in adapt_section.section([one], None)
    assert "100.0% |" in adapt_section.section([one], None)
