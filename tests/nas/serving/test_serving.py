"""Runs served: to whom, and what is told while they grow."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from nas.records.journal import Journal
from nas.serving.watched import Watched, watched_runs
from search_spaces.errors import InputError
from tests.nas.report.browser import as_device, browser
from tests.nas.report.made_up import HARM, made_up_run

server = pytest.importorskip("nas.serving.server", reason="starlette or uvicorn is not installed (extra 'serve')")
PATIENCE = 60.0  # seconds; machines are busy at times


@contextmanager
def served(runs: list[Watched], host: str = "127.0.0.1") -> Iterator[str]:
    """The address at which the runs are served by a thread."""
    opened = server.door(runs, host, 0)
    thread = threading.Thread(target=opened.serve)
    thread.start()
    try:
        yield opened.address
    finally:
        opened.server.should_exit = True
        thread.join(PATIENCE)


def ask(
    address: str, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(address).port, timeout=PATIENCE)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    return answer, answer.read().decode()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Watched]:
    folder = tmp_path_factory.mktemp("runs")
    names = [f"one {HARM.replace('/', '')}", "two"]
    return [Watched(made_up_run(folder / name).folder, [name]) for name in names]


def test_several_runs_are_listed_and_nothing_can_be_changed(runs: list[Watched]) -> None:
    with served(runs) as address:
        answer, text = ask(address, "/")
        assert answer.status == 200
        assert "&lt;img" in text
        assert "<img" not in text
        assert 'name="viewport"' in text  # else a phone shows it as a desk does
        assert 'content="light dark"' in text
        answer, text = ask(address, "/run/1/data")
        assert answer.headers["Cache-Control"] == "no-store"
        assert '"run":"two"' in text
        assert ask(address, "/run/2")[0].status == 404
        for method in ("POST", "PUT", "DELETE"):
            assert ask(address, "/run/1", method)[0].status == 405
        # A page of another name that resolves to this machine must not read it.
        assert ask(address, "/run/1", headers={"Host": "evil.example"})[0].status == 400


def test_beyond_this_machine_a_token_is_asked_for(runs: list[Watched]) -> None:
    with served(runs, "0.0.0.0") as address:
        token = urlsplit(address).query
        assert len(token) > 30
        for path in ("/", "/run/1", "/run/1/data", "/run/1/events", "/?token=wrong", "/?token=%C3%A9"):
            answer, text = ask(address, path)
            assert answer.status == 403
            assert "two" not in text
        answer, _ = ask(address, f"/?{token}")
        assert (answer.status, answer.headers["Location"]) == (307, "/")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie  # a strict one is not sent on from a link in a mail
        with served(runs, "0.0.0.0") as other:  # cookies know no ports, and one must not take the other's place
            theirs = ask(other, f"/?{urlsplit(other).query}")[0].headers["Set-Cookie"]
        assert theirs.partition("=")[0] != cookie.partition("=")[0]
        answer, text = ask(address, "/", headers={"Cookie": cookie.split(";")[0]})
        assert (answer.status, "two" in text) == (200, True)


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("", False), ("example.org", False)],
)
def test_what_is_only_this_machine(host: str, only_here: bool) -> None:
    assert server.is_loopback(host) == only_here


def test_why_a_run_cannot_be_shown_is_said(tmp_path: Path) -> None:
    run = made_up_run(tmp_path / "damaged")
    with (run.folder / "journal.jsonl").open("a") as journal:
        journal.write('{"number": 3}\n')
    with served([Watched(run.folder, ["damaged"])]) as address:
        for path in ("/run/0", "/run/0/data"):
            answer, text = ask(address, path)
            assert (answer.status, answer.headers["Content-Type"]) == (500, "text/plain; charset=utf-8")
            assert "journal.jsonl" in text
            assert "keys missing or not known" in text


def test_every_address_of_this_machine_may_be_listened_at(runs: list[Watched]) -> None:
    with served(runs, "127.0.0.2") as address:
        connection = http.client.HTTPConnection("127.0.0.2", urlsplit(address).port, timeout=PATIENCE)
        connection.request("GET", "/run/1/data")
        assert connection.getresponse().status == 200


def test_an_address_that_is_taken_is_said(runs: list[Watched]) -> None:
    with served(runs) as address:
        port = urlsplit(address).port
        with pytest.raises(InputError, match=f"address 127.0.0.1:{port}: Address already in use; expected"):
            server.door(runs, "127.0.0.1", port)


def test_all_runs_of_a_folder_are_served_unless_some_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run"):
        watched_runs([], tmp_path)
    for name in ("b", "a"):
        made_up_run(tmp_path / name)
    assert [run.name for run in watched_runs([], tmp_path)] == ["a", "b"]
    (named,) = watched_runs(["b"], tmp_path)
    assert (named.name, named.command) == ("b", ["b", "--runs", str(tmp_path)])


def test_a_page_begins_with_the_first_trial_and_follows_the_others(tmp_path: Path) -> None:
    run = made_up_run(tmp_path / "growing")
    path = run.folder / "journal.jsonl"
    trials = run.journal
    path.unlink()
    with browser() as driver, served([Watched(run.folder, ["growing"])]) as address:

        def wait_for(script: str, expected: object) -> None:
            ends = time.monotonic() + PATIENCE
            while (found := driver.execute_script(f"return {script}")) != expected:
                assert time.monotonic() < ends, (script, found)
                time.sleep(0.2)

        as_device(driver, 1300, 900)
        driver.get(address)
        wait_for("document.getElementById('about').textContent", "No trial has been completed yet.")
        caption = "document.querySelector('#table caption')?.textContent"
        for trial in trials[:3]:
            Journal(path).append(trial)
        wait_for(caption, "3 networks, validation cases")
        key = trials[2].architecture.key
        driver.execute_script(
            "document.querySelector(`#table tr[data-key='${arguments[0]}'] .link`).click();"
            "document.getElementById('filter-slot').value = 0;"
            "document.getElementById('filters').requestSubmit();",
            key,
        )
        chosen = driver.execute_script("return document.querySelector('#filters-set').textContent")
        for trial in trials[3:5]:
            Journal(path).append(trial)
        wait_for("document.querySelector('#about').textContent.includes('5 search trials')", True)
        wait_for("document.querySelector('#detail code').textContent", key)
        wait_for("document.querySelector('#filters-set').textContent", chosen)
        assert [entry["message"] for entry in driver.get_log("browser")] == []
