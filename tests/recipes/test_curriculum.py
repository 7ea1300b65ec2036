"""The options of samplers in recipes are those of the samplers."""

from hyperrl.recipes import described_fields
from hyperrl.recipes.curriculum import SAMPLER_OPTIONS, Curriculum
from hyperrl.tasks.curricula import CURRICULA, PrioritizedReplay, WorstCase


def test_the_recipes_options_are_the_curricula() -> None:
    assert set(SAMPLER_OPTIONS) == set(CURRICULA)
    texts = {name: text for name, _, text in described_fields(Curriculum())}
    for mode, names in SAMPLER_OPTIONS.items():
        made = CURRICULA[mode](3, **dict.fromkeys(names, 0.5))
        assert all(getattr(made, name) == 0.5 for name in names)
        for name in names:
            assert f"default {getattr(CURRICULA[mode](3), name):g}" in texts[name]
    assert PrioritizedReplay is CURRICULA["plr"]
    assert WorstCase is CURRICULA["cvar"]
