"""The run directory: its recipe, checkpoints, evaluations and figures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hyperrl.errors import UserError
from hyperrl.recipes import FamilyRecipe
from hyperrl.store.checkpoint import decode, encode, read_meta
from hyperrl.store.files import (
    CHECKPOINT,
    atomic_write,
    checkpoint_name,
    file_name,
    read_object,
    remove_unfinished,
    report_write_errors,
)
from hyperrl.store.locate import refuse_existing, require_run
from hyperrl.store.lock import is_locked, locked
from hyperrl.store.progress import rows
from hyperrl.store.safety import FOLDERS, refuse_strange
from hyperrl.store.spec import SPEC, RunSpec, read_spec, spec_text
from hyperrl.store.status import Resumed, State, Status, read_status
from hyperrl.store.trust import copy_source, permitted, remember

if TYPE_CHECKING:
    from torch import Tensor

STATUS = "status.json"
_ENDED: tuple[State, ...] = ("finished", "interrupted", "failed")
T = TypeVar("T")


@dataclass(eq=False, repr=False)
class Run:
    """One agent on one family with one seed: a directory with all that is needed to use it again.

    Attributes:
        path: the directory.
        spec: what `run.yaml` says.
    """

    path: Path
    spec: RunSpec

    def __repr__(self) -> str:
        """What the run is and how far: `Run('runs/...': hyper-ppo on ode, seed 0, finished, 2048 steps)`."""
        agent, family = self.spec.agent.name, self.spec.family.name
        progress = f"{self.state}, {self.status.steps:,} of {self.spec.steps:,} steps"
        return f"Run({str(self.path)!r}: {agent} on {family}, seed {self.spec.seed}, {progress})"

    @classmethod
    @contextmanager
    def create(cls, path: Path | str, spec: RunSpec) -> Iterator[Run]:
        """Start a run directory and hold its lock, as `writing` does.

        Raises:
            UserError: the directory already holds a run, cannot be written, or another process is faster.
        """
        path = Path(path)
        refuse_existing(path)
        run = cls(path, spec)
        with report_write_errors("run", path):
            path.mkdir(parents=True, exist_ok=True)
        with run.writing():
            refuse_existing(path)
            with report_write_errors("run", path):
                run.write_spec(spec)
                run.write_status("running", 0)
                for folder in FOLDERS:
                    (path / folder).mkdir(exist_ok=True)
                run.note_sources(spec.family)
            yield run

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the run's lock, as whoever trains it must, and note an exception that ends the training.

        Files that a killed process left unfinished are removed.

        Raises:
            UserError: another process holds the lock, or the directory cannot be written.
        """
        with ExitStack() as lock:
            with report_write_errors("run", self.path):
                lock.enter_context(locked(self.path))
                for folder in (self.path, self.path / "checkpoints"):
                    remove_unfinished(folder)
            try:
                yield
            except BaseException as error:
                self._note_end("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
                raise

    def _note_end(self, state: State) -> None:
        """Write how the training that this process began has ended; a full disk must not hide the error."""
        status = self.status
        if (status.state, status.pid) == ("running", os.getpid()):
            with suppress(OSError):
                self.write_status(state, self.latest_steps() or 0)

    @classmethod
    def open(cls, path: Path | str, allow_import: Sequence[str] = ()) -> Run:
        """Open an existing run; nothing in it is executed or unpickled.

        Args:
            path: the directory.
            allow_import: modules, and paths of Python files, that the base environment may be imported from;
                a file that this machine has trained with needs none.

        Raises:
            UserError: no such directory, no run, a `run.yaml` that is truncated or corrupt, a folder in it
                that is a link, or a base environment that would import what is not trusted.
        """
        path = Path(path)
        require_run(path)
        refuse_strange(path)
        spec = read_spec(path / SPEC)
        return cls(path, permitted(path, spec, allow_import))

    @property
    def figures(self) -> Path:
        """Folder of the figures."""
        return self.path / "figures"

    @property
    def status(self) -> Status:
        """How far the run is."""
        return read_status(self.path / STATUS)

    @property
    def state(self) -> State:
        """`running` while a process trains it; else how its training ended.

        `finished`: it took all its steps. `interrupted`: a signal ended it, and its latest checkpoint is of
        where it was. `failed`: an error ended it. `killed`: its process ended without writing why. What a
        failed or killed run did after its latest checkpoint is lost.
        """
        if is_locked(self.path):
            return "running"
        state = self.status.state
        return state if state in _ENDED else "killed"

    def latest_steps(self) -> int | None:
        """Environment steps at the latest checkpoint; None where there is none that is whole."""
        try:
            return self.checkpoint_steps("latest")
        except (UserError, ValueError, KeyError, TypeError):
            return None

    def describe_latest(self) -> str:
        """Which checkpoint a training that ended early left behind, as a part of a message."""
        steps = self.latest_steps()
        if steps is None:
            return "no checkpoint was written yet"
        return f"the checkpoint of {steps:,} steps is kept"

    def write_status(self, state: State, steps: int, resumed: tuple[Resumed, ...] | None = None) -> None:
        """Write how far the run is, and that this process trains it; `resumed` None keeps the resumptions."""
        status = Status.now(state, steps, self.status.resumed if resumed is None else resumed)
        atomic_write(self.path / STATUS, status.model_dump_json(indent=1).encode() + b"\n")

    def write_spec(self, spec: RunSpec) -> None:
        """Replace `run.yaml` (a run that is extended plans more steps)."""
        atomic_write(self.path / SPEC, spec_text(spec).encode())
        self.spec = spec

    def note_sources(self, family: FamilyRecipe) -> None:
        """Note the files that a training imports, in the run and on this machine.

        Args:
            family: the run's own, whose base environment may lie elsewhere by now.
        """
        spec = self.spec.model_copy(update={"family": family}).located()
        sources = [source for source in spec.sources if source is not None]
        for source in sources:
            copy_source(self.path, source)
        if spec.sources != self.spec.sources:
            self.write_spec(spec)
        for source in sources:
            remember(source)

    def save_checkpoint(self, name: str, tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> Path:
        """Write one checkpoint, atomically.

        Args:
            name: `latest`, `best` or a number of steps.
            tensors: tensors by name.
            meta: JSON values.

        Returns:
            The file, `checkpoints/NAME.safetensors`.
        """
        path = self._checkpoint(name)
        path.parent.mkdir(exist_ok=True)
        atomic_write(path, encode(tensors, meta))
        return path

    def keep_checkpoints(self, most: int) -> None:
        """Remove all but the newest `most` that are named by their steps; a run's start, `0`, stays."""
        numbers = [name for name in self.checkpoints() if name.isdecimal() and name != "0"]
        for name in numbers[: max(len(numbers) - most, 0)]:
            self._checkpoint(name).unlink(missing_ok=True)

    def load_checkpoint(self, name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors (on the CPU) and metadata of a checkpoint.

        Raises:
            UserError: there is none of that name, or it is truncated or corrupt.
        """
        return self._read_checkpoint(name, lambda path: decode(path.read_bytes()))

    def checkpoint_steps(self, name: str) -> int:
        """Environment steps behind a checkpoint, by its header alone; raises as `load_checkpoint`."""
        return int(self._read_checkpoint(name, read_meta)["steps"])

    def _read_checkpoint(self, name: str, read: Callable[[Path], T]) -> T:
        path = self._checkpoint(name)
        if not path.is_file():
            there = ", ".join(self.checkpoints()) or "none"
            raise UserError(f"run {str(self.path)!r}: no checkpoint {name!r}; it has: {there}")
        try:
            return read(path)
        except (OSError, ValueError) as error:
            raise UserError(
                f"checkpoint {str(path)!r}: {getattr(error, 'strerror', None) or error}"
            ) from error

    def default_checkpoint(self) -> str:
        """The checkpoint that plays where none is named: `best`, else `latest`; UserError without either."""
        names = self.checkpoints()
        for name in ("best", "latest"):
            if name in names:
                return name
        raise UserError(f"run {str(self.path)!r}: has no checkpoint yet")

    def checkpoints(self) -> list[str]:
        """Names of the checkpoints: numbers in their order, then `best` and `latest`."""
        stems = {file.stem for file in self.path.glob("checkpoints/*.safetensors") if file.is_file()}
        names = {name for name in stems if CHECKPOINT.fullmatch(name)}
        numbers = sorted((name for name in names if name.isdecimal()), key=int)
        return numbers + [name for name in ("best", "latest") if name in names]

    def save_evaluation(self, obj: Mapping[str, Any], name: str) -> Path:
        """Write one evaluation as `evaluations/NAME.json`, replacing one of that name."""
        path = self._evaluation(name)
        path.parent.mkdir(exist_ok=True)
        atomic_write(path, (json.dumps(obj, indent=1) + "\n").encode())
        return path

    def evaluation(self, name: str) -> dict[str, Any] | None:
        """One stored evaluation; None where there is none of that name, or the file is no JSON object."""
        try:
            return read_object(self._evaluation(name))
        except ValueError:
            return None

    def evaluations(self) -> list[dict[str, Any]]:
        """Every stored evaluation, by name; UserError names a file that is no JSON object."""
        evaluations = []
        for path in sorted(self.path.glob("evaluations/*.json")):
            try:
                evaluations.append(read_object(path))
            except ValueError as error:
                raise UserError(f"evaluation {str(path)!r}: {error}") from error
        return evaluations

    def last_values(self, prefix: str) -> dict[str, float]:
        """The newest finite value of each scalar whose name begins with `prefix`, by the rest of its name."""
        return {name: value for _, values in self._scalars(prefix) for name, value in values.items()}

    def history(self, prefix: str) -> dict[int, dict[str, float]]:
        """By step, the finite scalars whose names begin with `prefix`, by the rest of their names."""
        return {int(step): values for step, values in self._scalars(prefix) if values and step.isdecimal()}

    def _scalars(self, prefix: str) -> Iterator[tuple[str, dict[str, float]]]:
        return rows(self.path / "progress.csv", prefix)

    def _checkpoint(self, name: str) -> Path:
        return self.path / "checkpoints" / f"{checkpoint_name(name)}.safetensors"

    def _evaluation(self, name: str) -> Path:
        return self.path / "evaluations" / f"{file_name(name)}.json"
