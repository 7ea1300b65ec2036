#!/usr/bin/env bash
# gymnasium 1.4.0
#
# Expected: the options of a reset hold for the episodes that begin with it, in every vector environment
#           alike.
# Seen:     gymnasium.make_vec('CartPole-v1') makes a CartPoleVectorEnv by default, which starts every
#           episode that begins by itself within the bounds of the last explicit reset's options; with
#           vectorization_mode='sync' the bounds are forgotten after one episode.
#
# Output:
#   least |entry| of the states at which later episodes start, after a reset within [0.15, 0.2]:
#       {'CartPoleVectorEnv': 0.15, 'SyncVectorEnv': 0.0}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check gymnasium==1.4.0 numpy==2.4.6
venv/bin/python - <<'END'
import gymnasium as gym
import numpy as np

least = {}
for mode in (None, "sync"):
    batch = gym.make_vec("CartPole-v1", num_envs=1, vectorization_mode=mode)
    batch.reset(seed=0, options={"low": 0.15, "high": 0.2})
    starts, ended = [], False
    for _ in range(300):
        seen, _, terminated, truncated, _ = batch.step(np.ones(1, int))
        if ended:
            starts.append(np.abs(seen).min())
        ended = bool((terminated | truncated)[0])
    least[type(batch.unwrapped).__name__] = round(float(min(starts)), 2)
print("least |entry| of the states at which later episodes start, after a reset within [0.15, 0.2]:", least)
if not (least['CartPoleVectorEnv'] >= 0.15 and least['SyncVectorEnv'] < 0.05):
    raise SystemExit("the behavior has changed")
END
