"""Training from an agent and a family to a run, and going on with one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from hyperrl.errors import UserError, spelled
from hyperrl.evaluation import Evaluation, RunResult, act_of, plan
from hyperrl.evaluation.progress import Progress, report_phase, share_of
from hyperrl.recipes import AgentRecipe, HyperPolicyRecipe
from hyperrl.store import Resumed, Run, RunSpec, refuse_existing, refuse_links
from hyperrl.tasks import Family, TaskSampler
from hyperrl.training.base_failures import explaining_base_failures
from hyperrl.training.build import build_model, training_descriptors
from hyperrl.training.callbacks import BestWeights, Checkpoints, Logs, ProgressHook, rollout_steps
from hyperrl.training.checkpoint import (
    RESTORE_ERRORS,
    State,
    learned,
    load_learned,
    load_state,
    load_weights,
    mismatch_error,
    mismatch_prefix,
    restore,
    save_state,
)
from hyperrl.training.context_dropout import ContextDropoutVecEnv
from hyperrl.training.disk import explaining_full_disks
from hyperrl.training.divergence import DivergenceGuard
from hyperrl.training.interruption import Interruption, noting_interruption
from hyperrl.training.memory import room_for, telling_of_memory
from hyperrl.training.parameter_matching import match_widths
from hyperrl.training.vec_env import BatchedVecEnv
from hyperrl.training.writers import run_logger

LOG_STEPS = 1000
"""Scalars are logged after every rollout, or after as many rollouts as take this many environment steps.

Off-policy algorithms, whose rollouts are short, log at multiples of it.
"""


def train(
    agent: AgentRecipe,
    family: Family,
    *,
    out: Path,
    seed: int = 0,
    steps: int | None = None,
    device: str = "cpu",
    from_run: Run | None = None,
    overrides: Sequence[str] = (),
    keep: int = 0,
    detect_anomaly: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train an agent on a family.

    Args:
        agent: resolved for the family (`hyperrl.recipes.resolve`).
        family: what it trains on.
        seed: of everything random.
        out: the run's directory, which is created.
        steps: environment steps, in place of the agent's; training ends with the rollout that reaches them.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        from_run: start at the weights of this run (its best, else its latest).
        overrides: what `agent` was resolved with, for the record.
        keep: how many checkpoints to keep beside the latest and the best, named by their steps.
        detect_anomaly: look for numbers that are not finite at each step and in each gradient, slowly.
        progress: called with the steps done and planned.

    Returns:
        The finished run: checkpoints `latest` and `best`, `evaluations/final.json`, logs and figures.

    Raises:
        BaseEnvironmentError: the base environment failed; the last checkpoint is kept.
        DivergenceError: numbers that are not finite came up; the last checkpoint before them is kept.
        UnwritableError: the disk is full, or the run can no longer be written; its last checkpoint is kept.
        UserError: `out` holds a run already or cannot be written; a device that is not there; weights of
            `from_run` that have other shapes; and what building the family's environments raises.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP came; the rollout under way was ended and a checkpoint
            written, and the run can be resumed. A second one is raised as it comes: the checkpoint before
            stays.
    """
    refuse_existing(out)
    agent = match_widths(agent, family.observation_space, family.action_space, family)
    planned = agent.steps if steps is None else steps
    with closing(_Training(agent, family, seed, device, detect_anomaly)) as training:
        if from_run is not None:
            name = from_run.default_checkpoint()
            origin = f"run {str(from_run.path)!r} does not fit agent {agent.name!r} on family {family.name!r}"
            load_learned(training.model, load_state(from_run, name), origin)
        source = None if from_run is None else str(from_run.path)
        spec = RunSpec.now(
            agent, family.recipe, seed=seed, steps=planned, overrides=overrides, from_run=source, keep=keep
        )
        with Run.create(out, spec) as run, _explaining_ends(run):
            if from_run is not None:
                save_state(run, "0", {"steps": 0, **learned(training.model)})
            training.learn(run, progress)
    return run


def resume(
    run: Run,
    *,
    steps: int | None = None,
    device: str = "cpu",
    family: Family | None = None,
    detect_anomaly: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Go on with a run from its latest checkpoint, or extend a finished one.

    On the CPU, a family whose batched environments give their state goes on as if it had never stopped,
    bit for bit. Other families' environments are reset; the run's status tells so (`resumed[-1].exact`).
    A run that was killed before its first checkpoint starts again.

    Args:
        run: an open run.
        steps: environment steps in all, in place of the planned ones.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        family: the run's family, where it cannot be built from its recipe (`contextualize`).
        detect_anomaly: as in `train`.
        progress: called with the steps done and planned.

    Raises:
        UserError: nothing is left to do, the checkpoint is missing, corrupt or of another agent, or a file
            of the run is a link.
    """
    refuse_links(run.path)
    with run.writing():
        state = _state_to_resume(run)
        done, planned = 0 if state is None else int(state["steps"]), steps or run.spec.steps
        if done >= planned and (steps is not None or run.status.state == "finished"):
            raise UserError(
                f"run {str(run.path)!r}: {done:,} of {planned:,} steps are taken;"
                f" give more {spelled('steps', '--steps')} to extend it"
            )
        built = _built(run, family, device, detect_anomaly, state)
        with closing(built) as training, _explaining_ends(run):
            exact = training.restore(run, state)
            run.note_source(training.family.recipe)
            if planned != run.spec.steps:
                run.write_spec(run.spec.model_copy(update={"steps": planned}))
            run.write_status("running", done, (*run.status.resumed, Resumed(steps=done, exact=exact)))
            # A run at step 0 evaluates, and logs it, once more.
            training.learn(run, progress, state, resumed_at=done or -1)
    return run


@contextmanager
def _explaining_ends(run: Run) -> Iterator[None]:
    """Note and explain what ends the training of a run early."""
    with explaining_full_disks(run), explaining_base_failures(run), noting_interruption(run):
        yield


def _state_to_resume(run: Run) -> State | None:
    """The latest checkpoint; None where the run was killed before its first."""
    names = run.checkpoints()
    if "latest" in names or run.status.steps > 0:
        return load_state(run, "latest")
    if run.spec.from_run is not None and "0" not in names:
        raise UserError(
            f"run {str(run.path)!r}: was killed before it held the weights of {run.spec.from_run!r};"
            " remove it and train anew"
        )
    return None


def _built(
    run: Run, family: Family | None, device: str, detect_anomaly: bool, state: State | None
) -> _Training:
    room = nullcontext() if state is None else room_for(state["policy"], mismatch_prefix(run, "latest"))
    with room:
        spec = run.spec
        return _Training(
            spec.agent, family or Family(spec.family), spec.seed, device, detect_anomaly=detect_anomaly
        )


class _Training:
    """Environments, sampler and model of one training."""

    def __init__(
        self, agent: AgentRecipe, family: Family, seed: int, device: str, detect_anomaly: bool = False
    ) -> None:
        self.agent, self.family, self.seed, self.detect_anomaly = agent, family, seed, detect_anomaly
        self.interruption = Interruption()
        self._found: Evaluation | None = None
        self.sampler = TaskSampler(family.tasks("train"), agent.sampler, seed, **agent.curriculum.given)
        with telling_of_memory(agent.name, family.name):
            self.env = _env_of(agent, family, self.sampler, seed)
            self.model = build_model(agent, self.env, seed, device, training_descriptors(agent, family))

    def restore(self, run: Run, state: State | None) -> bool:
        """Bring model, environments and sampler to `state`, or to the start; UserError where it does not fit.

        Returns:
            Whether the environments go on where they were.
        """
        if state is None:
            if "0" in run.checkpoints():
                load_learned(self.model, load_state(run, "0"), mismatch_prefix(run, "0"))
            return True
        try:
            return restore(self.model, self.env, self.sampler, state, mismatch_prefix(run, "latest"))
        except RESTORE_ERRORS as error:
            raise mismatch_error(run, error) from error

    def learn(
        self,
        run: Run,
        progress: Progress | None,
        state: State | None = None,
        resumed_at: int | None = None,
    ) -> None:
        """Train to the run's planned steps, from `state` or from the start, and evaluate the best weights.

        Args:
            run: where all goes.
            progress: called with the steps done and planned.
            state: what `restore` brought the model to.
            resumed_at: what was logged after so many steps is disowned.
        """
        self.interruption.tell = lambda: report_phase(progress, "stopping")
        left = max(run.spec.steps - (0 if state is None else int(state["steps"])), 0)
        if left or state is None:  # else it was killed after its last update
            self._learn(run, progress, state, resumed_at, left)
        run.save_evaluation(self._final_evaluation(run, progress), "final")
        run.write_status("finished", self.model.num_timesteps)

    def _learn(
        self, run: Run, progress: Progress | None, state: State | None, resumed_at: int | None, left: int
    ) -> None:
        interval = max(1, LOG_STEPS // rollout_steps(self.model))
        agent = self.agent
        moments = (LOG_STEPS, agent.evaluate_every, agent.checkpoint_every)
        finite = DivergenceGuard(run, self.family, moments, self.detect_anomaly)
        callbacks = [finite, *self._callbacks(run, progress, state, interval, finite.check_update)]
        # None: `Logs` does it, where Stable-Baselines3 would count episodes
        logged: Any = None if agent.algorithm.off_policy else interval
        named = list(self.model.policy.named_parameters())
        with (
            self.interruption.handling(),
            closing(run_logger(run.path, resumed_at)) as logger,
            finite.explaining_errors(named),
        ):
            self.model.set_logger(logger)
            self.model.learn(left, callbacks, log_interval=logged, reset_num_timesteps=state is None)

    def close(self) -> None:
        """Close the environments."""
        self.env.close()

    def _callbacks(
        self,
        run: Run,
        progress: Progress | None,
        state: State | None,
        interval: int,
        check: Callable[[], None],
    ) -> list[BaseCallback]:
        from hyperrl.training import telemetry

        shown = [] if progress is None else [ProgressHook(progress, run.spec.steps)]
        best = BestWeights(run, self.model)
        checkpoints = Checkpoints(
            run,
            self.env,
            self.sampler,
            self.agent.checkpoint_every,
            interval,
            state,
            self.interruption,
            check,
        )
        sampled = [] if self.sampler.curriculum is None else [telemetry.SampledTasks(self.sampler)]
        logs = [Logs(LOG_STEPS)] if self.agent.algorithm.off_policy else []
        told = telemetry.callbacks(
            run, self.family, self.agent, self.seed, best, lambda: self._evaluate_best(run, progress),
            *sampled, *logs, checkpoints,
        )  # fmt: skip
        for callback in told:
            if isinstance(callback, telemetry.ZeroShot):
                callback.progress = progress
        return [*shown, *told]

    def _final_evaluation(self, run: Run, progress: Progress | None) -> dict[str, object]:
        """What `hyperrl evaluate --json` prints of the best weights, on all splits."""
        return (self._found or self._evaluate_best(run, progress)).to_json()

    def _evaluate_best(self, run: Run, progress: Progress | None) -> Evaluation:
        """Zero-shot evaluation of the best weights on all splits, as `hyperrl evaluate` makes it.

        Where no validation task chose any, of the weights as they are. The model keeps its own afterwards.
        """
        from hyperrl.training.telemetry.isolation import own_weights, preserve_training_state

        parts = plan.at_the_end(self.family, run.spec.steps)
        name = "best" if "best" in run.checkpoints() else "latest"
        steps = self.model.num_timesteps
        with preserve_training_state(self.model), own_weights(self.model):
            if name == "best":
                chosen = load_state(run, name)
                steps = int(chosen["steps"])
                load_weights(self.model, chosen["policy"], mismatch_prefix(run, name))
            shown = share_of(progress, "evaluating")
            played = plan.play(act_of(self.model), self.family, parts, shown)
        results = [result for split in played.values() for result in split]
        found = RunResult(str(run.path), self.seed, self.model.num_timesteps, name, steps, results)
        self._found = Evaluation(
            self.agent.name, self.family.name, parts[0].episodes, 0, True, (found,),
            left_out=sum(part.of - len(part.contexts) for part in parts),
        )  # fmt: skip
        return self._found


def _env_of(agent: AgentRecipe, family: Family, sampler: TaskSampler, seed: int) -> BatchedVecEnv:
    batch = family.make_vec(agent.n_envs, sampler=sampler, subprocesses=agent.subprocesses)
    missing = agent.policy.hypernetwork.missing if isinstance(agent.policy, HyperPolicyRecipe) else 0.0
    if not missing:
        return BatchedVecEnv(batch)
    return ContextDropoutVecEnv(batch, family.space.owners, missing, seed)
