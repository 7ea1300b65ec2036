#!/usr/bin/env bash
# mujoco 3.3.0 (4.0.0 too), mujoco.rollout
#
# Expected: a rollout whose controls hold one NaN raises, or returns NaN from there on, as a divergence does
#           elsewhere.
# Seen:     the row stands still from that step on, its time too, and nothing is raised; numbers stay finite
#           and plausible, and a return that is summed over them is wrong. Compare the time in the last
#           state with what it should be.
#
# Output:
#   WARNING: Nan, Inf or huge value in CTRL at ACTUATOR 0. The simulation is unstable. Time = 0.2000.
#
#   time and position after 500 steps: [[1.0, 0.501], [0.202, 0.021]]
#   everything is finite: True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mujoco==3.3.0 numpy==2.4.6
venv/bin/python - <<'END'
import mujoco
import numpy as np
from mujoco import rollout

CART = """<mujoco><worldbody><body><joint name='j' type='slide' axis='1 0 0'/><geom size='.1' mass='1'/></body>
</worldbody><actuator><motor joint='j'/></actuator></mujoco>"""
model = mujoco.MjModel.from_xml_string(CART)
controls = np.ones((2, 500, 1))
controls[1, 100, 0] = np.nan
states, _ = rollout.rollout(model, mujoco.MjData(model), np.zeros((2, 3)), controls)
print("time and position after 500 steps:", states[:, -1, :2].round(3).tolist())
print("everything is finite:", bool(np.isfinite(states).all()))
if not (np.isfinite(states).all() and states[0, -1, 0] > 0.999 and 0.19 < states[1, -1, 0] < 0.21):
    raise SystemExit("the behavior has changed")
END
