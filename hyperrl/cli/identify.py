"""`hyperrl identify`: the context of a task from recorded transitions."""

from typing import TYPE_CHECKING, Annotated

from hyperrl.cli import console, options, parsing, streams
from hyperrl.cli.options import flag, option
from hyperrl.cli.progress import progress
from hyperrl.errors import UserError

if TYPE_CHECKING:
    from hyperrl.identify import Estimate
    from hyperrl.identify.forward_files import ForwardSpec


def identify(
    run: options.RunPath,
    data: Annotated[
        str | None,
        option(
            "FILE", "Transitions of one task: a .csv or .npz file, or minari:NAME for a data set of Minari's."
        ),
    ] = None,
    fit: Annotated[
        bool, flag("--fit", "First fit a forward model to the training tasks, for the model 'learned'.")
    ] = False,
    model: options.Predictor = None,
    level: options.Level = 0.9,
    within: options.Within = "declared",
    particles: options.Particles = 500,
    transitions: options.Transitions = 500,
    seed: Annotated[int, option("N", "Seed of the draws.", parser=parsing.SEED)] = 0,
    out: Annotated[
        str | None, option("FILE", "Write the estimate as JSON, for --context @FILE of other commands.")
    ] = None,
    force: options.Force = False,
    as_json: options.Json = False,
    allow_import: options.AllowImport = None,
) -> None:
    """Tell which task this is, from a few seconds of transitions."""
    if data is None and not fit:
        raise UserError("--data: found none; allowed: a file of transitions (--fit alone needs none)")
    with streams.stdout_to_stderr(as_json):
        from hyperrl import api

        if fit:
            with progress("fitting") as advance:
                fitted = api.fit_forward_model(
                    run, seed=seed, allow_import=allow_import or (), progress=advance
                )
            if data is None:
                _print_model(fitted, as_json)
                return
        assert data is not None
        with progress("identifying") as advance:
            estimate = api.identify(
                run,
                data,
                model=model,
                particles=particles,
                transitions=transitions,
                level=level,
                within=within,  # type: ignore[arg-type]  # checked there
                seed=seed,
                out=out,
                force=force,
                allow_import=allow_import or (),
                progress=advance,
            )
    if as_json:
        console.json_object(estimate.to_json())
    else:
        _print(estimate)


def _print_model(spec: "ForwardSpec", as_json: bool) -> None:
    if as_json:
        console.json_object(spec.model_dump(mode="json"))
        return
    learned = f"{spec.transitions:,} transitions, {spec.updates:,} updates"
    console.line(f"{spec.family}: a forward model, {learned}")
    console.line()
    rows = [[name, f"{error:.3g}"] for name, error in zip(spec.columns, spec.errors, strict=True)]
    console.table(["change of", "error on validation tasks"], rows, numbers=["error on validation tasks"])


def _print(estimate: "Estimate") -> None:
    from hyperrl.tasks.contexts import assignment

    recorded, used = estimate.transitions
    thinned = f", {used:,} of them used" if used < recorded else ""
    episodes = console.count(estimate.episodes, "episode")
    console.line(f"{estimate.family}: {recorded:,} transitions of {episodes} in {estimate.data}{thinned}")
    settings = estimate.settings
    console.line(f"model {estimate.model}, {settings.particles:,} particles in the {settings.within} ranges")
    console.line()
    interval = f"{100 * settings.level:g} % interval"
    rows = []
    for name, feature in estimate.features.items():
        found = f"{feature.low:.4g} to {feature.high:.4g}"
        if feature.probabilities is not None:
            found = ", ".join(f"{value:g}: {100 * p:.3g} %" for value, p in feature.probabilities.items())
        before = " to ".join(f"{end:g}" for end in feature.prior)
        rows.append([name, f"{feature.estimate:.4g}", found, before])
    console.table(["feature", "estimate", interval, "possible"], rows, numbers=["estimate"])
    console.line()
    for note in estimate.notes:
        console.line(f"note: {note}")
    file = [("file", str(estimate.file))] if estimate.file is not None else []
    console.pairs([("context", assignment(estimate.context)), *file])
