"""One training: its environments, its task sampler and its model, and how it learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cache
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter

from hyperrl import interrupts
from hyperrl.evaluation import Evaluation, ModelPolicy, RunResult, plan
from hyperrl.evaluation.progress import Progress, report_phase, share_of
from hyperrl.policies.inference import ContextInference
from hyperrl.policies.normalization import Normalization
from hyperrl.policies.registry import view
from hyperrl.recipes import AgentRecipe
from hyperrl.store import Run
from hyperrl.tasks import Family, TaskSampler
from hyperrl.tasks.actions import refuse_family
from hyperrl.tasks.context_errors import ContextErrors, noise_sizes
from hyperrl.tasks.observation_noise import ObservationNoise, observation_scales
from hyperrl.tasks.sequence import SequentialSampler
from hyperrl.training.build import build_inference, build_model, training_descriptors, training_goals
from hyperrl.training.callbacks import BestWeights, Checkpoints, Logs, ProgressHook
from hyperrl.training.checkpoint import (
    State,
    load_learned,
    load_state,
    load_weights,
    mismatch_prefix,
    restore,
    restoring,
)
from hyperrl.training.context_dropout import ContextDropout
from hyperrl.training.context_noise import ContextNoise
from hyperrl.training.divergence import DivergenceGuard
from hyperrl.training.freezing import freeze
from hyperrl.training.hyperparameters import TruncationDiscount, hyperparameters_of
from hyperrl.training.index import IndexedVecEnv
from hyperrl.training.inference import InferenceUpdates, InferringVecEnv
from hyperrl.training.interruption import Interruption
from hyperrl.training.isolation import preserve_training_state, preserve_weights
from hyperrl.training.memory import explain_lack_of_memory
from hyperrl.training.normalization import NormalizedVecEnv, TrainingEnv
from hyperrl.training.observation_noise import TrainingNoise
from hyperrl.training.observed_context import ContextChange, ObservedContextVecEnv
from hyperrl.training.sequence import SequenceCallback
from hyperrl.training.vec_env import BatchedVecEnv
from hyperrl.training.writers import run_logger

LOG_STEPS = 1000
"""Scalars are logged after every rollout, or after as many rollouts as take this many environment steps.

Off-policy algorithms, whose rollouts are short, log at multiples of it.
"""


class TrainingSession:
    """Environments, task sampler and model of one training.

    Args:
        agent: resolved for the family, `match_parameters` too (`match_widths`).
        family: what it trains on.
        seed: of everything random.
        device: as in `hyperrl.training.train`.
        detect_anomaly: look for numbers that are not finite at each step and in each gradient.
        frozen: the part of the weights that does not learn, as `freeze` has it; None: all learn.
        in_sequence: the training tasks arrive one after another.

    Raises:
        UserError: what building the environments or the model raises, a part that cannot be frozen, or the
            system has not the memory.
    """

    def __init__(
        self, agent: AgentRecipe, family: Family, seed: int, device: str, detect_anomaly: bool = False,
        frozen: str | None = None, in_sequence: bool = False,
    ) -> None:  # fmt: skip
        family = family.for_agent(agent)
        self.agent, self.family, self.seed, self.detect_anomaly = agent, family, seed, detect_anomaly
        refuse_family(agent, family)
        self.sampler = _sampler(agent, family, seed, in_sequence)
        with explain_lack_of_memory(agent.name, family.name):
            self.goals = training_goals(agent, family)
            self.hyperparameters = hyperparameters_of(agent, family)
            spaces = family.observation_space, family.action_space
            inference = build_inference(agent, *spaces, seed=seed)
            self.env = _vec_env(agent, family, self.sampler, seed, inference)
            descriptors = training_descriptors(agent, family)
            self.model = build_model(agent, self.env, seed, device, descriptors, inference)
        view(self.model).set_hyperparameters(self.hyperparameters)
        if self.goals is not None:
            view(self.model).set_goals(self.goals)
        if frozen is not None:
            freeze(self.model, agent, frozen)

    def restore(self, run: Run, state: State | None) -> bool:
        """Restore model, environments and sampler from `state`; UserError where it does not fit.

        Without a state they stay at the start, at the weights that the run began with.

        Returns:
            Whether the environments go on where they were.
        """
        if state is None:
            if "0" in run.checkpoints():
                load_learned(self.model, load_state(run, "0"), mismatch_prefix(run, "0"))
            return True
        with restoring(run):
            return restore(self.model, self.env, self.sampler, state, mismatch_prefix(run, "latest"))

    def learn(
        self, run: Run, progress: Progress | None, state: State | None = None, resumed_at: int | None = None,
        trackers: Sequence[KVWriter] = (),
    ) -> None:  # fmt: skip
        """Train to the run's planned steps, from `state` or from the start, and evaluate the best weights.

        Args:
            run: where checkpoints, logs, figures and the evaluation go.
            progress: called with the steps done and planned.
            state: the state that the model was restored from.
            resumed_at: logs after so many environment steps are dropped; None for a new run.
            trackers: writers to trackers, which get the same scalars as TensorBoard.
        """
        # Telemetry evaluates at the end of training; the file gets the same evaluation.
        final_evaluation = cache(lambda: evaluate_best(self.model, run, self.family, progress))
        left = max(run.spec.steps - (0 if state is None else int(state["steps"])), 0)
        if left or state is None:  # else it was killed after its last update
            self._take_steps(left, run, progress, state, resumed_at, final_evaluation, trackers)
        run.save_evaluation(final_evaluation().to_json(), "final")
        run.write_status("finished", self.model.num_timesteps)

    def _take_steps(
        self, steps: int, run: Run, progress: Progress | None, state: State | None, resumed_at: int | None,
        final_evaluation: Callable[[], Evaluation], trackers: Sequence[KVWriter],
    ) -> None:  # fmt: skip
        from hyperrl.training import telemetry  # takes a second to import

        agent, off_policy = self.agent, self.agent.algorithm.off_policy
        log_interval = max(1, LOG_STEPS // view(self.model).rollout_steps)
        intervals = LOG_STEPS, agent.evaluate_every, agent.checkpoint_every
        guard = DivergenceGuard(run, self.family, intervals, self.detect_anomaly)
        interruption = Interruption(lambda: report_phase(progress, "stopping"))
        sequence, more = self._sequence(run, progress, state)
        checkpoints = Checkpoints(
            run, self.env, self.sampler, agent.checkpoint_every, log_interval, state, interruption,
            guard.check_update, more,
        )  # fmt: skip
        progress_hooks = [] if progress is None else [ProgressHook(progress, run.spec.steps)]
        updates = [] if agent.inference is None else [InferenceUpdates()]
        logs = [Logs(LOG_STEPS)] if off_policy else []
        own_gamma = None if off_policy else self.hyperparameters.get("gamma")
        truncation = [] if own_gamma is None else [TruncationDiscount(own_gamma)]
        callbacks = telemetry.callbacks(
            agent, self.family, self.sampler, self.seed, figures=run.figures, progress=progress,
            on_validation=BestWeights(run, self.model, progress), final_evaluation=final_evaluation,
            others=[*sequence, *updates, *logs, checkpoints],
        )  # fmt: skip
        callbacks = [guard, *progress_hooks, *truncation, *callbacks]
        # None: `Logs` writes the log, where Stable-Baselines3 would count episodes.
        interval: Any = None if off_policy else log_interval
        with (
            interrupts.handling(interruption.handle),
            closing(run_logger(run.path, resumed_at, trackers)) as logger,
            guard.explain_errors(),
        ):
            self.model.set_logger(logger)
            self.model.learn(steps, callbacks, log_interval=interval, reset_num_timesteps=state is None)

    def _sequence(
        self, run: Run, progress: Progress | None, state: State | None
    ) -> tuple[list[BaseCallback], Callable[[], State]]:
        """The callback that has tasks learned one after another, if any, and what checkpoints hold of it."""
        if not isinstance(self.sampler, SequentialSampler):
            return [], dict
        callback = SequenceCallback(
            self.agent, self.family, self.sampler, self.env, run, self.seed,
            lambda: evaluate_best(self.model, run, self.family, progress),
        )  # fmt: skip
        if state is not None:
            with restoring(run):
                callback.load(self.model, state["sequence"])
        return [callback], lambda: {"sequence": callback.get_state()}

    def close(self) -> None:
        """Close the environments."""
        self.env.close()
        if self.goals is not None:
            self.goals.close()


def evaluate_best(model: BaseAlgorithm, run: Run, family: Family, progress: Progress | None) -> Evaluation:
    """Zero-shot evaluation of the run's best weights on all splits, as `hyperrl evaluate` makes it.

    Without validation tasks, which choose the best, these are the model's weights. The model keeps its own.
    """
    parts = plan.at_the_end(family, run.spec.steps)
    name = "best" if "best" in run.checkpoints() else "latest"
    steps = model.num_timesteps
    with preserve_training_state(model), preserve_weights(model):
        if name == "best":
            best = load_state(run, name)
            steps = int(best["steps"])
            load_weights(model, best["policy"], mismatch_prefix(run, name))
        played = plan.play(ModelPolicy(model), family, parts, share_of(progress, "evaluating"))
    results = [result for split in played.values() for result in split]
    result = RunResult(str(run.path), run.spec.seed, model.num_timesteps, name, steps, results)
    return Evaluation(
        run.spec.agent.name, family.name, parts[0].episodes, 0, True, (result,),
        left_out=sum(part.size - len(part.contexts) for part in parts),
    )  # fmt: skip


def _sampler(agent: AgentRecipe, family: Family, seed: int, in_sequence: bool) -> TaskSampler:
    tasks = family.tasks("train")
    if in_sequence:
        return SequentialSampler(tasks)
    return TaskSampler(tasks, agent.sampler, seed, **agent.curriculum.options)


def _vec_env(
    agent: AgentRecipe, family: Family, sampler: TaskSampler, seed: int, inference: ContextInference | None
) -> TrainingEnv:
    batch = family.make_vec(
        agent.n_envs,
        sampler=sampler,
        subprocesses=agent.subprocesses,
        threads=agent.simulation_threads,
    )
    changes = _context_changes(agent, family, seed)
    noise = None
    if agent.observation_noise:
        scales = observation_scales(family)
        noise = TrainingNoise(ObservationNoise(scales, agent.observation_noise), seed)
    if inference is not None:
        env: BatchedVecEnv = InferringVecEnv(batch, inference)
    else:
        changed = bool(changes) or noise is not None
        env = ObservedContextVecEnv(batch, changes, noise) if changed else BatchedVecEnv(batch)
    if (indexed := agent.indexed) is not None and indexed.index.act == "thompson":
        env = IndexedVecEnv(batch, changes, noise, indexed, seed)
    if agent.normalize.active:
        normalization = Normalization(agent.normalize, env.observation_space)
        return NormalizedVecEnv(env, normalization, agent.algorithm.gamma)
    return env


def _context_changes(agent: AgentRecipe, family: Family, seed: int) -> list[ContextChange]:
    """What differs between the contexts that are played in training and those that are observed."""
    changes: list[ContextChange] = []
    sizes, policy = noise_sizes(agent, family.space), agent.policy
    if sizes.any():
        changes.append(ContextNoise(agent.n_envs, ContextErrors(family.space), sizes, seed))
    if policy.kind == "hyper" and policy.hypernetwork.context_dropout:
        probability = policy.hypernetwork.context_dropout
        changes.append(ContextDropout(agent.n_envs, family.space.owners, probability, seed))
    return changes
