#!/usr/bin/env bash
# mujoco 3.3.0 (4.0.0 too)
#
# Expected: a larger gear makes an actuator stronger: a position servo reaches its target with more force.
# Seen:     a servo of gear g settles at target / g, because the length that it measures is multiplied by
#           the gear as well as its force. To make one stronger, scale gainprm, biasprm and forcerange.
#
# Output:
#   target 1; gear 0.5, 1 and 2, and gains times 2: [2.0, 1.0, 0.5, 1.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mujoco==3.3.0 numpy==2.4.6
venv/bin/python - <<'END'
import mujoco

SERVO = """<mujoco><option gravity='0 0 0'/><worldbody><body><joint name='rail' type='slide' damping='20'/>
<geom size='.1' mass='1'/></body></worldbody><actuator><position joint='rail' kp='100'/></actuator></mujoco>"""


def settles_at(gear, gain=1.0):
    model = mujoco.MjModel.from_xml_string(SERVO)
    model.actuator_gear[0, 0] = gear
    model.actuator_gainprm[0] *= gain
    model.actuator_biasprm[0] *= gain
    data = mujoco.MjData(model)
    data.ctrl[0] = 1.0
    for _ in range(5000):
        mujoco.mj_step(model, data)
    return round(float(data.qpos[0]), 3)


found = [settles_at(0.5), settles_at(1.0), settles_at(2.0), settles_at(1.0, gain=2.0)]
print("target 1; gear 0.5, 1 and 2, and gains times 2:", found)
if not (found == [2.0, 1.0, 0.5, 1.0]):
    raise SystemExit("the behavior has changed")
END
