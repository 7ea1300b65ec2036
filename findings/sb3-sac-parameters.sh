#!/usr/bin/env bash
# stable-baselines3 2.9.2, torch 2.13.0 (sb3-contrib's TQC too)
#
# Expected: model.set_parameters(other.get_parameters()) makes a SAC model go on from where the other is.
# Seen:     the learned entropy coefficient (log_ent_coef) is not among the parameters, while the state of
#           its optimizer is: the other model explores with the coefficient of its own start. save() and
#           load() do keep it.
#
# Output:
#   parameters: ['actor.optimizer', 'critic.optimizer', 'ent_coef_optimizer', 'policy']
#   entropy coefficient trained 0.864, after set_parameters 1.000, after load 0.864
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 stable-baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6
venv/bin/python -W ignore - <<'END'
from stable_baselines3 import SAC

trained = SAC("MlpPolicy", "Pendulum-v1", learning_starts=10, seed=0)
trained.learn(500)
parameters = trained.get_parameters()
fresh = SAC("MlpPolicy", "Pendulum-v1", seed=1)
fresh.set_parameters(parameters)
trained.save("model.zip")
loaded = SAC.load("model.zip")
print("parameters:", sorted(parameters))
coefficients = [model.log_ent_coef.exp().item() for model in (trained, fresh, loaded)]
print("entropy coefficient trained %.3f, after set_parameters %.3f, after load %.3f" % tuple(coefficients))
if not (coefficients[1] == 1 and abs(coefficients[0] - 1) > 0.05 and coefficients[2] == coefficients[0]):
    raise SystemExit("the behavior has changed")
END
