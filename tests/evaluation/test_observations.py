import re
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.evaluation.observations import check_observation
from hyperrl.tasks.spaces import zero_based


def test_an_observation_is_checked_before_an_agent_acts() -> None:
    tile, buttons = gym.spaces.Discrete(16, start=1), gym.spaces.MultiDiscrete([2, 3])
    space = gym.spaces.Dict(tile=tile, buttons=buttons, picture=gym.spaces.Box(0, 255, (2, 2), np.uint8))
    parts, starts = zero_based(space), {"tile": 1}
    assert isinstance(parts, gym.spaces.Dict)
    good: dict[str, Any] = {"tile": 16, "buttons": [1, 2], "picture": np.full((2, 2), 255)}
    batch, rows = check_observation(good, parts, starts)
    assert (int(batch["tile"]), batch["picture"].dtype.name, rows) == (15, "uint8", None)
    two = {name: np.stack([part, part]) for name, part in good.items()}
    assert check_observation(two, parts, starts)[1] == 2
    for wrong, says in (
        ({"tile": 17}, "tile: found 17; allowed: whole numbers from 1 to 16"),
        ({"tile": 0}, "tile: found 0; allowed: whole numbers from 1 to 16"),
        ({"tile": 1.5}, "tile: found 1.5; allowed: whole numbers from 1 to 16"),
        ({"tile": "a"}, "tile: found 'a'; allowed: numbers of shape ()"),
        ({"tile": None}, "tile: found None; allowed: numbers of shape ()"),
        ({"buttons": [1, 3]}, "buttons: found 3; allowed: whole numbers from 0 to 2"),
        ({"buttons": [1]}, "buttons: found shape (1,); allowed: (2,), or (n, 2) for n of them"),
        ({"buttons": [[1, 2], [3]]}, "buttons: found [[1, 2], [3]]; allowed: numbers of shape (2,)"),
        ({"picture": np.full((2, 2), 256)}, "picture: found 256; allowed: whole numbers from 0 to 255"),
        ({"picture": np.full((2, 2), np.nan)}, "picture: found nan; allowed: whole numbers from 0 to 255"),
        ({"tile": [1, 2]}, "the observation's parts are not equally many: "),
        ({"lever": 1}, "the observation has ['buttons', 'lever', 'picture', 'tile'], the environment's"),
    ):
        with pytest.raises(ValueError, match=re.escape(says)):
            check_observation({**good, **wrong}, parts, starts)
