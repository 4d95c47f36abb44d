"""What a search looks like while it runs: progress with a time left, running trials, the front so far."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from evaluators import evaluator
from nas.cli.places import from_here
from nas.cli.tables import describe, front_table
from nas.engine.orders import Order
from nas.engine.schedule import Schedule
from nas.engine.watcher import Watcher
from nas.evidence.front import Front, front_of, front_of_finals
from nas.quantities import format_count, format_duration
from nas.records.trial import Trial
from nas.records.usage import running_seconds
from nas.run import Run
from search_spaces.architecture.architecture import Architecture
from search_spaces.architecture.cost import Cost

SILENCE = 30.0  # seconds after which a log is told how far the reading of the data is


class _TimeLeft(ProgressColumn):
    """Until what ends first: what is left at the pace so far, or ``ends``, a time of the bars' clock.

    Rich's own column knows a pace of the last half minute alone: of trials that take longer it tells nothing.
    """

    def render(self, task: Task) -> Text:
        now, since = task.get_time(), task.fields.get("since", task.start_time)
        done, ends = task.completed - task.fields.get("before", 0), task.fields.get("ends")
        left = [] if ends is None else [ends - now]
        if done > 0 and task.total is not None and since is not None:
            left.append((task.total - task.completed) * (now - since) / done)
        return Text(format_duration(min(left)) if left else "--:--", style="progress.remaining")


class LiveWatcher(Watcher):
    """Draws a search in the terminal; where there is no terminal, prints a line a trial instead."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.folder: Path | None = None
        self.trials: dict[tuple[str, int], Trial] = {}
        self.references: Mapping[Architecture, str] = {}
        self.counterparts: Mapping[Architecture, Architecture] = {}
        self._running: dict[tuple[str, int], tuple[Order, Cost, float, evaluator.Progress | None]] = {}
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            _TimeLeft(),
            console=console,
        )
        self._reading: dict[str, TaskID] = {}
        self._silent = self._bars.get_time()  # since when nothing was said
        self._schedule: Schedule | None = None
        self._alive = False  # whether a trial has shown a sign of life: from the first one on time counts
        self._left: float | None = None  # seconds of limits.time before that
        self._search: TaskID | None = None
        self._final: TaskID | None = None
        self._front: RenderableType | None = None
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=2, transient=True)

    def __enter__(self) -> LiveWatcher:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self._live.stop()

    # -- messages -----------------------------------------------------------------------------------------

    def reading(self, what: str, done: int, total: int) -> None:
        if what not in self._reading:
            self._reading[what] = self._bars.add_task(what, total=total)
        self._bars.update(self._reading[what], completed=done, visible=done < total)
        if not self.console.is_terminal and self._bars.get_time() > self._silent + SILENCE:
            self._say(f"{what}: {done} of {total}")

    def noted(self, notes: Sequence[str]) -> None:
        for note in notes:
            self._say(f"note: {note}")

    def opened(self, folder: Path, schedule: Schedule, trials: list[Trial]) -> None:
        self.folder = folder
        self.trials = {(trial.phase, trial.number): trial for trial in trials}
        self.references = schedule.references
        self._front = self._front_view()
        done = self._done("search")
        self._search = self._bars.add_task("search", total=schedule.trials, completed=done, before=done)
        self._schedule = schedule
        if schedule.seconds is not None:
            self._left = schedule.seconds - running_seconds([trial for trial in trials if trial.phase == "search"])
        resumed = f", {done} trials done before" if done else ""
        self._say(f"run {from_here(folder)}: {schedule.workers} trials at once{resumed}")

    def started(self, order: Order, cost: Cost) -> None:
        self._running[order.key] = (order, cost, time.monotonic(), None)

    def progress(self, order: Order, progress: evaluator.Progress) -> None:
        self._lives()
        _, cost, began, _ = self._running[order.key]
        self._running[order.key] = (order, cost, began, progress)

    def stopped(self, order: Order) -> None:
        _, _, _, reached = self._running.pop(order.key)
        step = reached.step if reached else 0
        self._say(f"{order.phase} {order.number}: cut off by limits.time after {step} of {order.steps} steps")

    def halted(self, trial: Trial) -> None:
        order = self._running[trial.phase, trial.number][0]
        self._ended(trial, f"Dice {trial.dice:.4f} after {trial.steps} of {order.steps} steps")

    def finished(self, trial: Trial) -> None:
        self._ended(trial, f"failed: {trial.error}" if trial.error else f"Dice {trial.dice:.4f}")

    def _ended(self, trial: Trial, score: str) -> None:
        self._lives(trial.seconds)
        self._running.pop((trial.phase, trial.number), None)
        self.trials[trial.phase, trial.number] = trial
        self._front = self._front_view()
        if trial.phase == "search" and self._search is not None:
            self._bars.update(self._search, completed=self._done("search"))
        elif trial.phase == "final" and self._final is not None:
            self._bars.advance(self._final)
        if trial.error is not None or not self.console.is_terminal:
            self._say(
                f"{trial.phase} {trial.number}: {score}, {format_count(trial.cost.params)} parameters, "
                f"{format_duration(trial.seconds)}, {describe(trial.architecture)}"
            )

    def _lives(self, seconds: float = 0.0) -> None:
        """A trial is seen to have been at work for so long."""
        if not self._alive and self._search is not None:
            self._alive, since = True, self._bars.get_time() - seconds
            ends = None if self._left is None else since + self._left
            self._bars.update(self._search, since=since, ends=ends)

    def _say(self, line: str) -> None:
        self._silent = self._bars.get_time()
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _done(self, phase: str) -> int:
        return sum(trial.phase == phase for trial in self.trials.values())

    def finals(
        self, finalists: list[Architecture], counterparts: Mapping[Architecture, Architecture], count: int
    ) -> None:
        self.counterparts = counterparts
        if self._search is not None:
            self._bars.update(self._search, total=self._done("search"))
        if count:
            self._final = self._bars.add_task("finals", total=count)
        if count and self._schedule is not None and self._schedule.seconds is not None:
            self.noted([f"finals: {count} trainings, beyond limits.time{self._about(count, self._schedule)}"])

    def _about(self, count: int, schedule: Schedule) -> str:
        """How long so many finals will take; nothing where no trial of the search was worked to its end."""
        searched = [trial for trial in self.trials.values() if trial.phase == "search" and trial.dice is not None]
        whole = [trial.seconds for trial in searched if trial.steps == schedule.steps]
        if not whole:
            return ""
        each = statistics.median(whole) * schedule.final_steps / schedule.steps * schedule.final_folds
        return f"; about {format_duration(each * count / min(schedule.workers, count))} at the pace of the search"

    # -- drawing ------------------------------------------------------------------------------------------

    def _render(self) -> RenderableType:
        parts: list[RenderableType] = [self._bars]
        if self.folder is None:
            parts.append(Text("starting", style="dim"))
        if self._running:
            parts.append(self._running_table())
        if self._front is not None:
            parts.append(self._front)
        return Group(*parts)

    def _front_view(self) -> RenderableType | None:
        """The front of the finals once one has ended, else of the search; nothing where nobody would see it."""
        if not self.console.is_terminal:
            return None
        title, final = "finals so far (test cases)", True
        front: Front | None = front_of_finals(list(self.trials.values()), self.references, self.counterparts)
        if front is None:
            title, final = "front so far (validation cases)", False
            front = front_of([trial for trial in self.trials.values() if trial.phase == "search"])
        # The intervals of a search are those of a model, which takes too long while workers wait.
        table = front_table(front, rows=8, intervals=final, chances=False)
        return Group(Text(title, style="bold"), table) if front.points else None

    def _running_table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("running", "seed", "params", "step", "loss", "for", "architecture"):
            table.add_column(name, justify="left" if name == "architecture" else "right")
        for order, cost, began, progress in list(self._running.values()):  # drawn in a thread of its own
            table.add_row(
                f"{order.phase} {order.number}",
                str(order.seed),
                format_count(cost.params),
                _place(progress) if progress else "",
                f"{progress.loss:.3f}" if progress else "",
                format_duration(time.monotonic() - began),
                describe(order.architecture),
            )
        return table


def _place(progress: evaluator.Progress) -> str:
    """How far a trial is."""
    if progress.scored is None:
        return f"{progress.step}/{progress.steps}"
    return f"{progress.step}/{progress.steps}, scored {progress.scored[0]}/{progress.scored[1]}"


def closing_lines(run: Run) -> list[str]:
    """How much was done, how busy the machine was, why the search ended, what failed."""
    summary = run.summary
    failed = [trial for trial in run.journal if trial.error]
    searched = [trial.steps for trial in run.journal if trial.phase == "search"]
    whole = searched.count(max(searched, default=0))
    parts = f", {whole} of them to the end," if whole < len(searched) else ""
    ended = f"; the search ended: {summary['ended']}" if summary.get("ended") else ""
    lines = []
    if summary.get("trials"):
        lines.append(
            f"{summary['trials']} trials{parts} in {format_duration(summary['seconds'])} "
            f"({summary['trials_per_hour']:g} an hour), cores {summary['utilisation']:.0%} busy, "
            f"hypervolume {summary['hypervolume']:.4f}{ended}"
        )
    if failed:
        lines.append(f"{len(failed)} trials failed; their reasons are in {from_here(run.folder / 'journal.jsonl')}")
    return lines
