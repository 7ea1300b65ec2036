"""Outputs of a generator from its features."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from hyperrl.nets.outputs import Outputs


@given(
    tasks=st.integers(1, 4),
    sections=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    size=st.integers(1, 5),
    equal=st.booleans(),
)
def test_each_section_is_made_of_its_own_features(
    tasks: int, sections: list[int], size: int, equal: bool
) -> None:
    sections = [sections[0]] * len(sections) if equal else sections
    features = torch.randn(tasks, len(sections), size)
    weight, bias = torch.randn(size, sum(sections)), torch.randn(sum(sections))
    expected = torch.cat(
        [
            features[:, number] @ own + own_bias
            for number, (own, own_bias) in enumerate(
                zip(torch.split(weight, sections, dim=1), torch.split(bias, sections), strict=True)
            )
        ],
        dim=1,
    )
    torch.testing.assert_close(Outputs(features, weight, bias, sections).values(), expected)
