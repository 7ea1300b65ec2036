#!/usr/bin/env bash
# highway-env 1.12.1
#
# Expected: a collision_reward of -10 in the place of -1 makes a crash ten times as dear, and changes no
#           other step; a lane_change_reward pays for lane changes.
# Seen:     rewards are mapped from [collision_reward, best] to [0, 1] (normalize_reward): the crash stays
#           at about 0, and all other steps come nearer to 1, so that a dearer crash makes slow driving
#           cheaper. lane_change_reward, a key of the default config, is never read by highway-v0.
#
# Output:
#   rewards to the crash, collision_reward -1:  [0.977, 0.996, 0.999, 1.0, 0.067]
#   rewards to the crash, collision_reward -10: [0.997, 0.999, 1.0, 1.0, 0.01]
#   lane_change_reward 50 in the place of 0 changes a reward: False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check highway-env==1.12.1 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -W ignore - <<'END'
import gymnasium as gym
import highway_env

gym.register_envs(highway_env)


def rewards(actions, **config):
    env = gym.make("highway-v0", config={"vehicles_count": 8, **config})
    env.reset(seed=2)
    found = []
    for action in actions:
        _, reward, terminated, _, _ = env.step(action)
        found.append(round(float(reward), 3))
        if terminated:
            break
    return found


FASTER, CHANGES = [3] * 40, [0, 2] * 3
cheap, dear = rewards(FASTER, collision_reward=-1), rewards(FASTER, collision_reward=-10)
print("rewards to the crash, collision_reward -1: ", cheap)
print("rewards to the crash, collision_reward -10:", dear)
without, paid = rewards(CHANGES, lane_change_reward=0), rewards(CHANGES, lane_change_reward=50)
print("lane_change_reward 50 in the place of 0 changes a reward:", without != paid)
if not (dear[0] > cheap[0] and abs(dear[-1] - cheap[-1]) < 0.1 and without == paid):
    raise SystemExit("the behavior has changed")
END
