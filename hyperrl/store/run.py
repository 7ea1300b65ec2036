"""The run directory: its recipe, checkpoints, evaluations and figures."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hyperrl.errors import UserError, did_you_mean, spelled
from hyperrl.recipes import FamilyRecipe
from hyperrl.store.files import (
    CHECKPOINT,
    atomic_write,
    checkpoint_name,
    file_name,
    remove_unfinished,
    report_write_errors,
)
from hyperrl.store.lock import is_locked, locked
from hyperrl.store.progress import history, last_values
from hyperrl.store.safety import FOLDERS, SOURCE, refuse_strange
from hyperrl.store.spec import RunSpec, SourceFile, read_spec, spec_text
from hyperrl.store.status import Resumed, State, Status, read_status, write_status
from hyperrl.store.trust import permitted, remember
from hyperrl.tasks.base_modules import digest, pinned

if TYPE_CHECKING:
    from torch import Tensor

SPEC = "run.yaml"
T = TypeVar("T")


class Run:
    """One agent on one family with one seed: a directory with all that is needed to use it again.

    Attributes:
        path: the directory.
        spec: what `run.yaml` says.
    """

    def __init__(self, path: Path, spec: RunSpec) -> None:
        self.path = path
        self.spec = spec

    def __repr__(self) -> str:
        """What the run is and how far: `Run('runs/...': hyper-ppo on ode, seed 0, finished, 2048 steps)`."""
        agent, family = self.spec.agent.name, self.spec.family.name
        try:
            progress = f"{self.state}, {self.status.steps:,} of {self.spec.steps:,} steps"
        except UserError:
            progress = "its status cannot be read"
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
                run.note_source(spec.family)
            yield run

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the run's lock, as whoever trains it must; what a killed process was writing is removed.

        Raises:
            UserError: another process holds it, or the directory cannot be written.
        """
        with ExitStack() as held:
            with report_write_errors("run", self.path):
                held.enter_context(locked(self.path))
                for folder in (self.path, self._checkpoints):
                    remove_unfinished(folder)
            yield

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
        if path.is_file():
            raise UserError(f"run {str(path)!r}: found a file; allowed: a run's directory{_holding(path)}")
        if not path.is_dir():
            raise UserError(
                f"run {str(path)!r}: no such directory{did_you_mean(str(path), _neighbors(path))}"
            )
        if not (path / SPEC).is_file():
            raise UserError(f"run {str(path)!r}: not a run, it has no {SPEC}{_runs_inside(path)}")
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
        return read_status(self.path / "status.json")

    @property
    def state(self) -> State:
        """`running` while a process trains it; else `finished`, or `interrupted` or `killed` before its end.

        An interrupted run has a checkpoint of where it was; of a killed one what came after it is lost.
        """
        if is_locked(self.path):
            return "running"
        state = self.status.state
        return state if state in ("finished", "interrupted") else "killed"

    def kept_steps(self) -> int | None:
        """Environment steps at the latest checkpoint; None where there is none that is whole."""
        from hyperrl.store.checkpoint import read_meta

        try:
            return int(read_meta(self._checkpoint("latest"))["steps"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def last_checkpoint(self) -> str:
        """What is left of a training that ended early, as a part of a message."""
        steps = self.kept_steps()
        return (
            "no checkpoint was written yet" if steps is None else f"the checkpoint of {steps:,} steps is kept"
        )

    def write_status(self, state: State, steps: int, resumed: tuple[Resumed, ...] | None = None) -> None:
        """Note how far the run is; `resumed` None keeps the list of resumptions."""
        kept = self.status.resumed if resumed is None else resumed
        write_status(self.path / "status.json", state, steps, kept)

    def write_spec(self, spec: RunSpec) -> None:
        """Replace `run.yaml` (a run that is extended plans more steps)."""
        atomic_write(self.path / SPEC, spec_text(spec).encode())
        self.spec = spec

    def note_source(self, family: FamilyRecipe) -> None:
        """Note the file that a training imports the base environment from: in the run and on this machine.

        The run keeps a copy, to be read, not imported, beside those of other contents that it was trained
        with before. A package, or a compiled module, is not copied.
        """
        source = SourceFile.of(family)
        if source is None:
            return
        file = Path(source.path)
        if file.suffix == ".py" and file.name != "__init__.py":
            copy = self.path / SOURCE / file.name
            copy.parent.mkdir(exist_ok=True)
            if copy.is_file() and digest(copy) != source.sha256:
                copy.rename(copy.with_stem(f"{copy.stem}-{digest(copy)[:8]}"))
            atomic_write(copy, file.read_bytes())
        if source != self.spec.source:
            self.write_spec(self.spec.model_copy(update={"family": pinned(family), "source": source}))
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
        from hyperrl.store.checkpoint import encode

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
        from hyperrl.store.checkpoint import decode

        return self._read_checkpoint(name, lambda path: decode(path.read_bytes()))

    def checkpoint_steps(self, name: str) -> int:
        """Environment steps behind a checkpoint, by its header alone; raises as `load_checkpoint`."""
        from hyperrl.store.checkpoint import read_meta

        return int(self._read_checkpoint(name, read_meta)["steps"])

    def _read_checkpoint(self, name: str, read: Callable[[Path], T]) -> T:
        path = self._checkpoint(name)
        if not path.is_file():
            there = ", ".join(self.checkpoints()) or "none"
            raise UserError(f"run {str(self.path)!r}: no checkpoint {name!r}; it has: {there}")
        try:
            return read(path)
        except OSError as error:
            raise UserError(f"checkpoint {str(path)!r}: {error.strerror or error}") from error
        except ValueError as error:
            raise UserError(f"checkpoint {str(path)!r}: {error}") from error

    def default_checkpoint(self) -> str:
        """The checkpoint that plays where none is named: `best`, else `latest`; UserError without either."""
        names = self.checkpoints()
        for name in ("best", "latest"):
            if name in names:
                return name
        raise UserError(f"run {str(self.path)!r}: has no checkpoint yet")

    def checkpoints(self) -> list[str]:
        """Names of the checkpoints: numbers in their order, then `best` and `latest`."""
        stems = {file.stem for file in self._checkpoints.glob("*.safetensors") if file.is_file()}
        names = {name for name in stems if CHECKPOINT.fullmatch(name)}
        numbers = sorted((name for name in names if name.isdecimal()), key=int)
        return numbers + [name for name in ("best", "latest") if name in names]

    def save_evaluation(self, obj: Mapping[str, Any], name: str) -> Path:
        """Write one evaluation as `evaluations/NAME.json`, replacing one of that name."""
        path = self._evaluations / f"{file_name(name)}.json"
        path.parent.mkdir(exist_ok=True)
        atomic_write(path, (json.dumps(obj, indent=1) + "\n").encode())
        return path

    def evaluation(self, name: str) -> dict[str, Any] | None:
        """One stored evaluation; None where there is none of that name, or the file is no JSON object."""
        try:
            found = json.loads((self._evaluations / f"{file_name(name)}.json").read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def fault(self) -> str | None:
        """What is wrong with a file of the run, None where all seem whole.

        Of a checkpoint the header and the length are looked at, which tell a truncated one; its digest is
        checked when it is loaded.
        """
        from hyperrl.store.checkpoint import read_meta

        for name in self.checkpoints():
            try:
                read_meta(self._checkpoint(name))
            except (OSError, ValueError) as error:
                return f"checkpoint {name!r} is {error}"
        for path in (self.path / "status.json", *sorted(self._evaluations.glob("*.json"))):
            try:
                if not isinstance(json.loads(path.read_bytes()), dict):
                    raise ValueError
            except (OSError, ValueError, RecursionError):
                return f"{path.relative_to(self.path)} is truncated or not JSON"
        return None

    def evaluations(self) -> list[dict[str, Any]]:
        """Every stored evaluation, by name; UserError tells of a file that is no JSON object."""
        found = []
        for path in sorted(self._evaluations.glob("*.json")):
            try:
                obj = json.loads(path.read_bytes())
            except ValueError as error:
                raise UserError(f"evaluation {str(path)!r}: truncated or not JSON") from error
            if not isinstance(obj, dict):
                raise UserError(f"evaluation {str(path)!r}: expected a JSON object")
            found.append(obj)
        return found

    def last_values(self, prefix: str) -> dict[str, float]:
        """The newest scalars whose names begin so, by the rest of their names (`zero_shot/`: by split)."""
        return last_values(self.path / "progress.csv", prefix)

    def history(self, prefix: str) -> dict[int, dict[str, float]]:
        """By step, the scalars whose names begin so, by the rest of their names."""
        return history(self.path / "progress.csv", prefix)

    @property
    def _checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def _evaluations(self) -> Path:
        return self.path / "evaluations"

    def _checkpoint(self, name: str) -> Path:
        return self._checkpoints / f"{checkpoint_name(name)}.safetensors"


def refuse_existing(path: Path) -> None:
    """UserError when `path` holds a run already, or is no directory."""
    another = f"name another directory with {spelled('out', '--out')}"
    if path.exists() and not path.is_dir():
        raise UserError(f"run {str(path)!r}: a file is in the way; {another}")
    if (path / SPEC).exists() or (path / "checkpoints").exists():
        raise UserError(
            f"run {str(path)!r}: holds a run already; go on with it by {resume_call(path)}, or {another}"
        )


def resume_call(path: Path) -> str:
    """How a message says that a run goes on, in Python or on the command line."""
    return spelled(f"hyperrl.resume({str(path)!r})", f"--resume {shlex.quote(str(path))}")


def runs_below(root: Path) -> Iterator[tuple[Path, Run | UserError]]:
    """Every run in `root` and the folders below it, by path, or what is wrong with it.

    Nothing is imported, whatever a run's environment is: such runs are to look at, not to use.
    """
    for folder in sorted(
        {found.parent for name in (SPEC, "checkpoints") for found in root.glob(f"**/{name}")}
    ):
        try:
            refuse_strange(folder)
            yield folder, Run(folder, read_spec(folder / SPEC))
        except UserError as mistake:
            yield folder, mistake


def _neighbors(path: Path) -> list[str]:
    """Runs that a mistyped `path` may have meant: those at its depth below its nearest folder that exists."""
    folder, depth = path.parent, 1
    while not folder.is_dir() and folder != folder.parent:
        folder, depth = folder.parent, depth + 1
    if folder == Path(folder.anchor):
        return []
    return sorted(str(file.parent) for file in folder.glob("*/" * min(depth, 4) + SPEC))


def _holding(file: Path) -> str:
    """The tail of a message about a file in the place of a run: the run that holds it, if any."""
    run = next((folder for folder in file.parents if (folder / SPEC).is_file()), None)
    return "" if run is None else f", such as {str(run)!r}, which holds it"


def _runs_inside(folder: Path) -> str:
    """The tail of a message about a folder in the place of a run: the first run up to four levels below."""
    for depth in range(1, 5):
        if runs := sorted(str(file.parent) for file in folder.glob("*/" * depth + SPEC)):
            others = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
            return f"; below it: {runs[0]!r}{others}"
    return ""
