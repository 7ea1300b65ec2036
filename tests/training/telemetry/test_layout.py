"""The Custom Scalars tab."""

from __future__ import annotations

import re
from typing import Any

from tensorboard.plugins.custom_scalar.layout_pb2 import Layout


def test_first_chart_of_the_layout_shows_the_splits_together(events: Any) -> None:
    (event,) = events.Tensors("custom_scalars__config__")
    layout = Layout.FromString(event.tensor_proto.string_val[0])
    chart = layout.category[0].chart[0]
    assert list(chart.multiline.tag) == ["^Zero-shot/return$"]
    tags = [*events.Tags()["scalars"], "Zero-shot/return"]
    for category in layout.category:
        for other in category.chart:
            assert any(re.match(pattern, tag) for pattern in other.multiline.tag for tag in tags), other.title
