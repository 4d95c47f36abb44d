"""What the page of a long search takes: seconds to build it, its size, and how soon a click is answered.

    python benchmarks/report.py [--trials 5000] [--clicks 30] [--quick] [--keep FOLDER] [--out report.json]

The run is made up: networks of the shipped space, scores of a made-up truth on 20 cases of each class, one trial in a
hundred failed, and finals of the best; the project's own journal writes it. Each command runs in a process of its own,
start included; beside the seconds on the clock stand those of the processor, as machines are shared. A click is timed
in a headless Chromium, from the event until the frame that shows the network has been painted; without Chromium and its
driver that is left out.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import yaml
from made_up_truth import Truth
from result import finish
from rich.console import Console
from rich.table import Table
from search_task import MadeUp
from selenium import webdriver

from evaluators.scoring import class_means, mean_score
from nas.config.checks import check
from nas.engine.launch import prepare_checked, resolved
from nas.records.journal import Journal
from nas.records.trial import Trial
from nas.run import Run
from nas.testing import made_up
from search_spaces import Architecture

NOISE = 0.012
CASES = 20
FAILED = 100  # one trial in so many
FINALISTS, SEEDS = 8, 2
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
# Clicks somewhere into the plot; gives for each the milliseconds until what it shows was painted.
CLICKS = """
const [count, done] = arguments;
const plot = document.querySelector("#front-plot svg");
const shown = () => document.querySelector("#detail code").textContent;
const taken = [];
const next = (tries) => {
  if (taken.length === count || !tries) return done(taken);
  const box = plot.getBoundingClientRect();
  const at = { bubbles: true, clientX: box.x + 60 + Math.random() * (box.width - 90),
               clientY: box.y + 60 + Math.random() * (box.height - 130) };
  const before = shown();
  const began = performance.now();
  plot.dispatchEvent(new MouseEvent("click", at));
  requestAnimationFrame(() => setTimeout(() => {
    if (shown() !== before) taken.push(performance.now() - began);
    setTimeout(() => next(tries - 1), 50);
  }));
};
next(20 * count);
"""


class MadeUpTrials:
    """Trials whose scores are a made-up truth, with cases that are easier or harder for all networks."""

    def __init__(self, task: MadeUp, classes: Sequence[str], rng: np.random.Generator) -> None:
        self.task, self.classes, self.rng = task, classes, rng
        self.hardness = rng.normal(0, 0.06, (CASES, len(classes)))

    def completed(self, number: int, architecture: Architecture) -> Trial:
        noise = self.rng.normal(0, NOISE) + self.rng.normal(0, 0.03, self.hardness.shape)
        scores = np.clip(self.task.worth(architecture) + self.hardness + noise, 0, 1).tolist()
        cases = {f"case_{at:03d}": dict(zip(self.classes, row, strict=True)) for at, row in enumerate(scores)}
        dice = mean_score(cases)
        return dataclasses.replace(
            made_up(number, architecture, dice),
            steps=900,
            metrics={"dice": dice, **{f"dice/{name}": value for name, value in class_means(cases).items()}},
            cases=cases,
            curve=((300, 0.7 * dice), (600, 0.9 * dice), (900, dice)),
            finished=_after(number),
        )


def _after(minutes: int) -> str:
    return (BEGAN + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")


def make_run(folder: Path, count: int) -> None:
    """A run folder with ``count`` search trials and finals."""
    folder.mkdir(parents=True)
    config = {"task": {"path": "phantom2d"}, "limits": {"trials": count}, "finals": {"seeds": SEEDS}}
    checked, prepared = prepare_checked(check(config, Path()))
    (folder / "config.yaml").write_text(yaml.safe_dump(resolved(checked, prepared), sort_keys=False))
    task, rng = MadeUp(Truth(0), NOISE), np.random.default_rng(0)
    made = MadeUpTrials(task, prepared.preprocessing.classes, rng)
    drawn: dict[Architecture, None] = dict.fromkeys(task.plain)
    while len(drawn) < count:
        one = task.space.sample(rng, sparse=len(drawn) % 2 == 0)
        if task.budget(one):
            drawn[one] = None
    journal = Journal(folder / "journal.jsonl")
    for number, architecture in enumerate(list(drawn)[:count]):
        fails = number % FAILED == FAILED - 1
        journal.append(made_up(number, architecture, None) if fails else made.completed(number, architecture))
    finalists = [point.architecture for point in Run(folder).search_front.points[-FINALISTS:]]
    for number, (architecture, seed) in enumerate(itertools.product(finalists, range(SEEDS))):
        trial = made.completed(number, architecture)
        journal.append(dataclasses.replace(trial, phase="final", seed=1 + seed, steps=1800))


def timed(*arguments: str | Path) -> tuple[float, float]:
    """Seconds of a ``nas`` command in a process of its own: on the clock, and of the processor."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "nas", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)
    taken, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def clicks(page: Path, count: int) -> tuple[list[float], float]:
    """Milliseconds of each, and those of the processor that one takes; none where there is no browser."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        return [], 0.0
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.add_argument("--window-size=1400,1000")
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as browser:
        browser.set_script_timeout(300)
        browser.get(page.resolve().as_uri())
        browser.execute_script("document.querySelector('#phases input[value=search]').click()")
        browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        before = _processor_seconds(browser)
        found: list[float] = browser.execute_async_script(CLICKS, count)
        taken = _processor_seconds(browser) - before
    return found, 1000 * taken / len(found)


def _processor_seconds(browser: webdriver.Chrome) -> float:
    """That the process of the page has taken so far."""
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "ProcessTime"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--clicks", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="300 trials, 10 clicks")
    parser.add_argument("--keep", type=Path, help="folder of the run, which is made where it is missing")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.quick:
        options.trials, options.clicks = 300, 10
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary) / "made_up"
        if not folder.exists():
            make_run(folder, options.trials)
        page = Path(temporary) / "report.html"
        told, told_cpu = timed("report", folder, "--out", page, "--no-pictures")
        front, front_cpu = timed("front", folder, "--search")
        size = page.stat().st_size / 1e6
        waits, click_cpu = clicks(page, options.clicks)
    table = Table("what", "value", title=f"{options.trials} trials", box=None)
    rows = {
        "nas report, s": round(told, 2),
        "nas report, s of the processor": round(told_cpu, 2),
        "page, MB": round(size, 2),
        "nas front, s": round(front, 2),
        "nas front, s of the processor": round(front_cpu, 2),
        "click, ms, median": round(statistics.median(waits), 1) if waits else None,
        "click, ms, worst": round(max(waits), 1) if waits else None,
        "click, ms of the processor": round(click_cpu, 1) if waits else None,
    }
    for name, value in rows.items():
        table.add_row(name, "no browser" if value is None else str(value))
    Console().print(table)
    finish({"benchmark": "report", "trials": options.trials, "clicks": len(waits), "rows": rows}, options.out)


if __name__ == "__main__":
    main()
