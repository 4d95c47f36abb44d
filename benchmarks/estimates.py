"""Which cheap estimate ranks networks as full training does, and how many times less time it takes.

    python benchmarks/estimates.py CONFIG --out estimates.jsonl [--networks 24] [--seeds 3] [--steps N]
        [--estimate '{name: grafted, share: 0.25, gate: learnt}']... [--set KEY=VALUE]... [--workers 2]
        [--record] [--page docs/estimation.md]
    python benchmarks/estimates.py --table TABLE.csv [--record] [--page docs/estimation.md]
    python benchmarks/estimates.py --quick

Networks are drawn from the config's space, the plain one first. The truth is their mean Dice on validation cases after
full training (--steps, else the finals' steps) with several seeds, and estimates have another seed, as a search has.
``share`` is an estimate's share of the full steps. The ceiling is what one full training says of the others.

Every training appends a line to --out as it ends, so that a measurement that is stopped goes on, with more networks or
estimates too. --record keeps the figures where the check of a config reads them (nas/config/estimates.json); --page
writes all that are kept into a page. A table of ``nas benchmark record`` tells how its trainings on their way rank.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from result import finish
from rich.console import Console
from rich.markdown import Markdown

from evaluators.cores import allowed_cores
from evaluators.files import write_text
from nas.benchmark.estimates import FULL, Scored, figures_of, figures_of_table, figures_table, write_page
from nas.config.measured import Figure, cheapest_that_holds, own_settings, read_figures, write_figures
from search_spaces.errors import InputError

if TYPE_CHECKING:
    from evaluators.evaluator import Evaluator
    from evaluators.preprocessing import PreparedTask
    from nas.config.checks import Checked
    from search_spaces import Architecture

ESTIMATES = (
    "{name: train, share: 0.5}",
    "{name: train, share: 0.25}",
    "{name: train, share: 0.1}",
    "{name: narrow, share: 1}",
    "{name: narrow, share: 0.25}",
    "{name: grafted, share: 0.25}",
    "{name: grafted, share: 0.1}",
    "{name: grafted, share: 0.25, gate: learnt}",
    "{name: supernet, share: 0.25}",
    "{name: synflow}",
    "{name: grad_norm}",
    "{name: naswot}",
)
QUICK: dict[str, Any] = {
    "task": {"path": "phantom2d", "size": [32, 32]},
    "space": {"host": "unet", "options": {"depth": 2, "width": 4}, "mechanisms": {"se": {"reduction": 4}, "eca": {}}},
    "training": {"steps": 4, "batch": 4},
    "finals": {"steps": 12},
}
QUICK_ESTIMATES = (
    "{name: train, share: 0.5}",
    "{name: narrow, share: 0.5}",
    "{name: grafted, share: 0.5}",
    "{name: supernet, share: 1}",
    *ESTIMATES[-3:],
)
PATIENCE = 1000  # draws without a network that is new and within the limits


@dataclass(frozen=True)
class Job:
    """One network to score once. ``config`` is YAML, read from ``folder``."""

    config: str
    folder: str
    estimate: str
    settings: str
    steps: int
    seed: int
    network: str


@dataclass(frozen=True)
class Opened:
    """What a process has of a config."""

    checked: Checked
    task: PreparedTask
    evaluators: dict[tuple[str, str], Evaluator]


@functools.cache
def opened(config: str, folder: str) -> Opened:
    """Of this process: reading a task takes longer than a short training, and evaluators keep what they make once."""
    import torch

    from nas.config.checks import check
    from nas.engine.launch import prepare_checked

    torch.set_num_threads(1)
    return Opened(*prepare_checked(check(yaml.safe_load(config), Path(folder)), ("val",)), {})


@functools.cache
def warmed(config: str, folder: str) -> Opened:
    """Likewise, after one training: what only the first does, importing most of all, is no part of what others take."""
    from evaluators.evaluator import Assignment, run_to_end
    from nas.config.evaluation import training_evaluator

    here = opened(config, folder)
    plain = here.checked.space.plain()
    run_to_end(training_evaluator(here.checked.config).evaluate(Assignment(plain, here.task, 1, 0)))
    return here


def work(job: Job) -> Scored:
    """Score one network, a failure told in words."""
    from evaluators.evaluator import Assignment, run_to_end
    from evaluators.zero_cost import ZERO_COST, zero_cost_score
    from nas.config.evaluation import make_evaluator, training_evaluator
    from nas.engine.failures import failure_reason
    from search_spaces import Architecture

    here = warmed(job.config, job.folder)
    config, settings = here.checked.config, json.loads(job.settings)
    architecture = Architecture.from_dict(json.loads(job.network))
    key, name = (job.estimate, job.settings), "train" if job.estimate == FULL else job.estimate
    if name not in ZERO_COST and key not in here.evaluators:
        here.evaluators[key] = make_evaluator(config, here.checked.space, name, settings)
    kept = getattr(here.evaluators.get(key), "kept", None)
    before, began, score, error = kept.seconds if kept else 0.0, time.perf_counter(), None, ""
    try:
        if name in ZERO_COST:
            score = zero_cost_score(name, architecture, here.task, job.seed, training=training_evaluator(config))
        else:
            assignment = Assignment(architecture, here.task, job.steps, job.seed)
            score = run_to_end(here.evaluators[key].evaluate(assignment)).metrics["dice"]
    except Exception as failure:  # of one network: the others go on
        error = failure_reason(failure)
    setup = kept.seconds - before if kept else 0.0
    layout = here.task.preprocessing
    return Scored(
        task=here.task.name,
        estimate=job.estimate,
        settings=settings,
        steps=job.steps,
        seed=job.seed,
        network=architecture.key,
        params=architecture.cost(layout.channels, len(layout.classes), layout.patch).params,
        score=score,
        seconds=time.perf_counter() - began - setup,
        setup=setup,
        setup_of=str(Architecture(architecture.host, architecture.dims, architecture.options)),
        error=error,
        config=digest(job.config),
    )


def digest(config: str) -> str:
    """Names what scores depend on beside network, estimate, steps and seed."""
    data = yaml.safe_load(config)
    parts = {key: data.get(key) for key in ("task", "training", "space")}
    parts["training"] = {key: value for key, value in (parts["training"] or {}).items() if key != "steps"}
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=4).hexdigest()


def drawn(here: Opened, count: int) -> list[Architecture]:
    """The plain network, then different random ones within the limits: the first ones are the same for any count."""
    import numpy as np

    from nas.config.checks import admits

    rng, found, misses = np.random.default_rng(here.checked.config.seed), [here.checked.space.plain()], 0
    while len(found) < count and misses < PATIENCE:
        one = here.checked.space.sample(rng)
        if one not in found and admits(here.checked, one, here.task.preprocessing.patch):
            found.append(one)
            misses = 0
        else:
            misses += 1
    return found


def jobs_for(
    config: str, folder: str, networks: Sequence[Architecture], estimates: Sequence[str], steps: int, seeds: range
) -> Iterator[Job]:
    """Network by network, so that a measurement that is stopped has all there is to say of the first ones."""
    from evaluators.evaluator import EVALUATORS
    from evaluators.zero_cost import ZERO_COST
    from nas.config.config import parse_config
    from search_spaces.errors import InputErrors, unknown_name

    kinds: list[tuple[str, str, int]] = []
    for text in estimates:
        settings = yaml.safe_load(text)
        if not isinstance(settings, dict) or not isinstance(settings.get("name"), str):
            raise InputError(f"estimate '{text}': expected a mapping with the key 'name'")
        name, share = settings.pop("name"), settings.pop("share", 1)
        if name not in EVALUATORS and name not in ZERO_COST:
            raise InputError(unknown_name("estimate", name, [*EVALUATORS, *ZERO_COST]))
        if not isinstance(share, int | float) or not 0 < share <= 1:
            raise InputError(f"estimate '{text}': expected a share above 0 and at most 1, got {share!r}")
        if name in EVALUATORS:
            if faults := parse_config({"evaluator": {"name": name, **settings}}).faults:
                raise InputErrors(faults)
            settings = own_settings(name, settings)
        kinds.append(
            (name, json.dumps(settings, sort_keys=True), 0 if name in ZERO_COST else max(round(share * steps), 1))
        )
    for one in networks:
        network = json.dumps(one.to_dict())
        for name, own, length in kinds:
            yield Job(config, folder, name, own, length, seeds[0], network)
        for seed in seeds[1:]:
            yield Job(config, folder, FULL, "{}", steps, seed, network)


def measure(options: argparse.Namespace, config: str, folder: str, out: Path) -> list[Figure]:
    """All jobs that ``out`` does not hold, and the figures of what it then holds."""
    here = opened(config, folder)
    steps = options.steps or here.checked.config.final_steps
    seed = here.checked.config.seed
    networks = drawn(here, options.networks)
    wanted = jobs_for(config, folder, networks, options.estimate, steps, range(seed, seed + 1 + options.seeds))
    done = held(out)
    if any(one.config != digest(config) for one in done):
        raise InputError(f"'{out}' holds scores with another task, space or training; expected a file of its own")
    have = {(*one.kind, one.seed, one.network) for one in done}
    keys = {json.dumps(one.to_dict()): one.key for one in networks}
    left = [job for job in wanted if (job.estimate, job.settings, job.steps, job.seed, keys[job.network]) not in have]
    with ProcessPoolExecutor(options.workers, get_context("spawn")) as pool:
        futures = [pool.submit(work, job) for job in left]
        try:
            for number, future in enumerate(as_completed(futures), start=1):
                done.append(future.result())
                append(out, done[-1])
                print(f"{number} of {len(left)}: {json.dumps(asdict(done[-1]))}", flush=True)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    shown = set(keys.values())
    return figures_of([one for one in done if one.network in shown and (one.estimate != FULL or one.steps == steps)])


def held(out: Path) -> list[Scored]:
    """What a file holds; a last line that was not written whole is cut off."""
    if not out.exists():
        return []
    text = out.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        write_text(out, whole)
    return [Scored(**json.loads(line)) for line in whole.splitlines()]


def append(out: Path, scored: Scored) -> None:
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(scored)) + "\n")
        file.flush()
        os.fsync(file.fileno())


def of_table(path: Path) -> tuple[list[Figure], dict[str, float | None]]:
    """The figures of a table's rungs, and tau with the end of the same training by rung."""
    from nas.benchmark.table import read_table

    found = figures_of_table(read_table(path), f"{path.stem} (table)")
    return [figure for figure, _ in found], {f"{figure.steps}": same for figure, same in found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, nargs="?")
    parser.add_argument("--table", type=Path, help="of nas benchmark record, in place of a config")
    parser.add_argument("--quick", action="store_true", help="a phantom, too few steps and networks to say anything")
    parser.add_argument("--networks", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=3, help="full trainings of each network")
    parser.add_argument("--steps", type=int, help="of full training; left out, those of the config's finals")
    parser.add_argument("--estimate", action="append", help="{name: ..., share: ..., settings}; left out, all")
    parser.add_argument("--set", dest="settings", action="append", default=[])
    parser.add_argument("--workers", type=int, default=allowed_cores())
    parser.add_argument("--out", type=Path, help="JSON lines, one a training")
    parser.add_argument("--record", action="store_true", help="keep the figures for the check of configs")
    parser.add_argument("--page", type=Path, help="write all figures that are kept into this page")
    options = parser.parse_args()
    if sum([options.config is not None, options.table is not None, options.quick]) != 1:
        parser.error("expected a config, --table or --quick")
    if options.config is not None and options.out is None:
        parser.error("expected --out, where a measurement that was stopped goes on")
    try:
        run(options)
    except InputError as error:
        parser.exit(1, "".join(f"{fault}\n" for fault in error.faults))


def run(options: argparse.Namespace) -> None:
    same: dict[str, float | None] = {}
    if options.table is not None:
        figures, same = of_table(options.table)
    elif options.quick:
        options.networks, options.seeds, options.record = 3, 2, False
        options.estimate = options.estimate or QUICK_ESTIMATES
        with tempfile.TemporaryDirectory() as folder:
            figures = measure(options, yaml.safe_dump(QUICK), folder, Path(folder) / "estimates.jsonl")
    else:
        from nas.config.reading import apply_settings, read_config

        options.estimate = options.estimate or ESTIMATES
        config = yaml.safe_dump(apply_settings(read_config(options.config), options.settings))
        figures = measure(options, config, str(options.config.parent), options.out)
    Console().print(Markdown(figures_table(figures)))
    if options.record:
        write_figures(figures)
    if options.page:
        write_page(options.page, read_figures())
    finish(
        {
            "benchmark": "estimates",
            "task": figures[0].task if figures else None,
            "cheapest_that_holds": cheapest_that_holds(figures),
            "rows": [asdict(figure) for figure in figures],
            **({"same_training": same} if same else {}),
        },
        out=None,
    )


if __name__ == "__main__":
    main()
