#!/usr/bin/env bash
# gymnasium 1.4.0, mujoco 3.3.0
#
# Expected: an observation of Pusher-v5 or Reacher-v5 belongs to the state in qpos and qvel that is current.
# Seen:     the positions of bodies in it (fingertip, object) are those of one simulation step earlier, as
#           mj_step leaves them, while the angles beside them are current. A state that is restored by qpos
#           and qvel, or a model that predicts from them, sees another observation.
#
# Output:
#   error of the fingertip's position in the observation (m): {'Pusher-v5': '2.8e-03', 'Reacher-v5':
#       '1.4e-06'}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'gymnasium[mujoco]==1.4.0' mujoco==3.3.0 numpy==2.4.6
venv/bin/python -W ignore - <<'END'
import gymnasium as gym
import mujoco
import numpy as np

errors = {}
for name, body, place in (("Pusher-v5", "tips_arm", slice(14, 17)), ("Reacher-v5", "fingertip", slice(8, 10))):
    env = gym.make(name)
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(20):
        seen = env.step(env.action_space.sample())[0]
    base = env.unwrapped
    now = mujoco.MjData(base.model)
    now.qpos[:], now.qvel[:] = base.data.qpos, base.data.qvel
    mujoco.mj_forward(base.model, now)
    true = now.body(body).xpos - (now.body("target").xpos if name == "Reacher-v5" else 0)
    errors[name] = float(np.abs(seen[place] - true[: place.stop - place.start]).max())
print("error of the fingertip's position in the observation (m):", {k: f"{v:.1e}" for k, v in errors.items()})
if not (all(error > 1e-6 for error in errors.values())):
    raise SystemExit("the behavior has changed")
END
