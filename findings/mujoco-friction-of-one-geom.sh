#!/usr/bin/env bash
# mujoco 3.3.0, gymnasium 1.4.0
#
# Expected: a floor with less friction is more slippery; in Pusher-v5 the object slides further on less
#           friction.
# Seen:     a contact takes the larger coefficient of its two geoms, so that less friction of the floor
#           alone changes no bit of HalfCheetah-v5's episode and more does. Pusher-v5's contacts have condim
#           1 and gravity 0: no friction changes anything there.
#
# Output:
#   HalfCheetah-v5, the floor's friction times a factor changes the episode: {0.01: False, 0.5: False, 2:
#       True} contacts: 2
#   Pusher-v5, all friction times a factor changes the episode: {0.01: False, 100: False}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'gymnasium[mujoco]==1.4.0' mujoco==3.3.0 numpy==2.4.6
venv/bin/python -W ignore - <<'END'
import gymnasium as gym
import numpy as np


def episode(name, geom, factor):
    env = gym.make(name)
    env.reset(seed=0)
    env.unwrapped.model.geom_friction[geom] *= factor
    env.action_space.seed(0)
    seen = [env.step(env.action_space.sample())[0] for _ in range(100)]
    return np.array(seen), env.unwrapped.data.ncon


plain, contacts = episode("HalfCheetah-v5", 0, 1)
changes = {factor: bool((episode("HalfCheetah-v5", 0, factor)[0] != plain).any()) for factor in (0.01, 0.5, 2)}
print("HalfCheetah-v5, the floor's friction times a factor changes the episode:", changes, "contacts:", contacts)
everything = slice(None)
plain = episode("Pusher-v5", everything, 1)[0]
pusher = {factor: bool((episode("Pusher-v5", everything, factor)[0] != plain).any()) for factor in (0.01, 100)}
print("Pusher-v5, all friction times a factor changes the episode:", pusher)
if not (changes == {0.01: False, 0.5: False, 2: True} and not any(pusher.values())):
    raise SystemExit("the behavior has changed")
END
