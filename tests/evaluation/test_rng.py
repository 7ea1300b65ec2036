import torch

from hyperrl.evaluation.rng import isolated_rng


def test_what_is_drawn_inside_is_seeded_and_leaves_no_trace() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        with isolated_rng(5):
            drawn.append(torch.rand(3).tolist())
    assert drawn[0] == drawn[1]
    assert torch.equal(torch.get_rng_state(), before)
    with isolated_rng():
        assert torch.equal(torch.get_rng_state(), before)
