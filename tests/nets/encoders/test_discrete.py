"""Encoders of categories, tasks and sizes of networks."""

import pytest
import torch

from hyperrl.nets import VaryingMLP
from hyperrl.nets.encoders import Architecture, Categorical, NearestTask, TaskEmbedding


def test_categories_are_reported_apart_and_checked() -> None:
    encoder = Categorical([3, 2])
    found = encoder(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    assert found.tolist() == [[0, 0, 1, 1, 0], [1, 0, 0, 0, 1]]
    with pytest.raises(ValueError, match=r"column 1: found category 2; allowed: 0 to 1"):
        encoder(torch.tensor([[0.0, 1.0], [1.0, 2.0]]))
    tasks = TaskEmbedding(5, 6)
    with pytest.raises(ValueError, match="found category -1; allowed: 0 to 4"):
        tasks(torch.tensor([[-1.0]]))
    assert len(tasks(torch.arange(5.0).unsqueeze(1)).unique(dim=0)) == 5


def test_sizes_of_networks_are_encoded_by_depth_presence_and_width() -> None:
    encoder = Architecture(3, 64)
    inputs = encoder(torch.tensor([[0.0, 0.0, 0.0], [64.0, 1.0, 8.0]]))
    assert inputs.tolist()[0] == [-1, -1, -1, -1, 0, 0, 0]
    assert inputs.tolist()[1] == pytest.approx([1, 1, 1, 1, 1, -1, 0], abs=1e-6)
    sizes = VaryingMLP(3, 2, width=64, depth=3).sizes([(64, 8)])
    assert sizes.tolist() == [[64, 8, 0]]
    assert encoder(sizes.float()).shape == (1, encoder.out_dim)


def test_the_nearest_task_is_that_of_the_smallest_distance_over_the_columns_that_are_there() -> None:
    encoder = NearestTask([[0.0, 0.0], [1.0, 10.0], [3.0, 0.1]], 4)
    descriptors = torch.randn(50, 2) * 3
    distances = (descriptors.unsqueeze(1) - encoder.tasks).square().sum(dim=2)
    assert torch.equal(encoder.nearest(descriptors), distances.argmin(dim=1))
    assert torch.equal(encoder(encoder.tasks), encoder.table)
    missing = torch.tensor([[1.1, torch.nan], [torch.nan, 9.0], [2.2, torch.nan]])
    assert encoder.nearest(missing).tolist() == [1, 1, 2]
    fine = NearestTask([[100.0 + step * 1e-4] for step in range(9)], 2)
    assert torch.equal(fine.nearest(fine.tasks), torch.arange(9))


def test_no_tasks_are_refused() -> None:
    with pytest.raises(ValueError, match="tasks: found"):
        NearestTask([], 4)
