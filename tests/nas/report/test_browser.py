"""The page in a real browser: what is clicked is shown, by mouse and by keyboard, on a phone and in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nas.report.content import content_of
from nas.report.page import page_of
from nas.run import Run
from tests.nas.report.browser import as_device, browser
from tests.nas.report.made_up import CASES, CLASSES, HARM, REASON, made_up_run, network


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return made_up_run(tmp_path_factory.mktemp("runs") / f"run {HARM.replace('/', '')}")


@pytest.fixture(scope="module")
def driver(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page_of(content_of(run, [run.name])), encoding="utf-8")
    with browser() as started:
        as_device(started, 1300, 900)
        started.get(path.as_uri())
        yield started


@pytest.fixture
def shown(driver: Any) -> Any:
    """The page as it is first seen."""
    as_device(driver, 1300, 900)
    driver.refresh()
    return driver


def all_texts(driver: Any, selector: str) -> list[str]:
    script = "return [...document.querySelectorAll(arguments[0])].map((node) => node.textContent)"
    texts: list[str] = driver.execute_script(script, selector)
    return texts


def at_search(driver: Any) -> None:
    driver.execute_script("document.querySelector('#phases input[value=search]').click()")


def select(driver: Any, key: str) -> None:
    """By the search field and the table."""
    script = (
        "const find = document.getElementById('find'); find.value = arguments[0];"
        "find.dispatchEvent(new Event('input')); document.querySelector('#table .link').click();"
    )
    driver.execute_script(script, key)


def test_nothing_that_a_user_has_named_becomes_part_of_the_page(shown: Any, run: Run) -> None:
    at_search(shown)
    select(shown, network(3).key)
    shown.execute_script("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    shown.execute_async_script("setTimeout(arguments[0], 50)")
    assert shown.title == shown.find_element("id", "title").text == run.name
    text = " ".join(all_texts(shown, "main"))
    for name in (*CLASSES, *CASES, REASON):
        assert name in text
    assert shown.execute_script("return window.harmed") is None
    assert shown.execute_script("return document.images.length") == 0
    assert [entry["message"] for entry in shown.get_log("browser")] == []


def test_a_click_shows_the_network_with_its_mechanisms_in_their_slots(shown: Any, run: Run) -> None:
    at_search(shown)
    for index in (3, 4, 9):
        point = next(one for one in run.search_front.everything if one.architecture == network(index))
        select(shown, point.architecture.key)
        drawn = shown.execute_script(
            "return [...document.querySelectorAll('.drawing [data-slot]')]"
            ".map((one) => [one.dataset.slot, one.querySelector('text').textContent])"
        )
        expected = [
            (slot, series[0].mechanism + (" × 2" if len(series) > 1 else ""))
            for slot, series in point.architecture.attention
        ]
        assert sorted((slot, text.split(" (")[0]) for slot, text in drawn) == sorted(expected)
        empty = shown.execute_script(
            "return [...document.querySelectorAll('.drawing [data-empty]')].map((one) => one.dataset.empty)"
        )
        assert not set(empty) & {slot for slot, _ in expected}
        assert f"{point.dice:.3f}" in all_texts(shown, "#detail")[0]


def test_a_point_of_the_plot_can_be_clicked(shown: Any) -> None:
    marks = shown.find_elements("css selector", "#front-plot .mark.front, #front-plot .mark.plain")
    found = set()
    for mark in marks:
        script = (
            "const box = arguments[0].getBoundingClientRect(); const at = {bubbles: true,"
            "clientX: box.x + box.width / 2, clientY: box.y + box.height / 2};"
            "document.querySelector('#front-plot svg').dispatchEvent(new MouseEvent('click', at));"
        )
        shown.execute_script(script, mark)
        found.add(all_texts(shown, "#detail code")[0])
    assert len(found) == len(marks) > 1


def test_the_keyboard_steps_along_the_front(shown: Any, run: Run) -> None:
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    assert run.final_front is not None
    plot = shown.find_element("css selector", "#front-plot svg")
    for _ in range(9):
        plot.send_keys(keys.ARROW_LEFT)
    seen = [all_texts(shown, "#detail code")[0]]
    for _ in range(9):
        plot.send_keys(keys.ARROW_RIGHT)
        seen.append(all_texts(shown, "#detail code")[0])
    front = [point.architecture.key for point in run.final_front.points]
    assert [key for key in dict.fromkeys(seen) if key in front] == front
    assert "Selected: " in shown.find_element("id", "said").text


def test_the_keyboard_keeps_its_place_where_what_it_was_on_is_drawn_anew(shown: Any) -> None:
    used = "const it = document.querySelector(arguments[0]); it.focus(); it.click(); return document.activeElement"
    for name in ("all", "front"):
        shown.execute_script(used, f"#ranges input[value={name}]")
        assert shown.execute_script("return document.activeElement.value") == name
    for at in (1, 2):
        shown.execute_script(
            "document.getElementById('filter-slot').selectedIndex = arguments[0];"
            "document.querySelector('#filters').requestSubmit()",
            at,
        )
    first, second = all_texts(shown, "#filters-set button")
    shown.execute_script(used, "#filters-set li:last-child button")
    assert shown.execute_script("return document.activeElement.textContent") == first != second
    shown.execute_script(used, "#filters-set button")
    assert shown.execute_script("return document.activeElement.id") == "filter-slot"


def test_the_table_holds_what_the_plot_shows_and_both_follow_the_filters(shown: Any, run: Run) -> None:
    at_search(shown)
    everything = run.search_front.everything
    assert f"{len(everything)} networks" in all_texts(shown, "#table caption")[0]
    rows = all_texts(shown, "#table tbody tr")
    assert len(rows) == len(everything)
    assert [row[:5] for row in rows] == sorted((f"{point.dice:.3f}" for point in everything), reverse=True)
    shown.execute_script(
        "document.getElementById('filter-slot').value = [...document.getElementById('filter-slot').options]"
        ".find((one) => one.text === 'skip.0').value; document.querySelector('#filters').requestSubmit()"
    )
    held = [point for point in everything if "skip.0" in dict(point.architecture.attention)]
    assert 0 < len(held) < len(everything)
    assert len(all_texts(shown, "#table tbody tr")) == len(held)
    shown.find_element("css selector", "#filters-set button").click()
    assert len(all_texts(shown, "#table tbody tr")) == len(everything)


def test_the_command_shown_is_that_of_the_network(shown: Any, run: Run) -> None:
    best = run.front.best()
    shown.find_element("css selector", "#picks button").click()
    assert best.architecture.key in all_texts(shown, "#detail code")
    (command,) = [text for text in all_texts(shown, ".command code") if text.startswith("nas export")]
    assert command.endswith(f"--key {best.architecture.key}")


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_it_without_scrolling_sideways(shown: Any, dark: bool) -> None:
    as_device(shown, 360, 740, dark)
    shown.refresh()
    size = shown.execute_script("const it = document.documentElement; return [it.scrollWidth, it.clientWidth]")
    assert size == [360, 360]
    paper = shown.execute_script("return getComputedStyle(document.documentElement).backgroundColor")
    assert paper == ("rgb(20, 24, 29)" if dark else "rgb(255, 255, 255)")


def test_all_that_can_be_used_has_a_name_for_a_screen_reader(shown: Any) -> None:
    nodes = shown.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    used = ("button", "checkbox", "radio", "combobox", "searchbox", "application", "img", "image", "region", "table")
    named = {
        role: [node.get("name", {}).get("value") for node in nodes if node.get("role", {}).get("value") == role]
        for role in used
    }
    assert [role for role, names in named.items() if not all(names)] == []
    assert named["button"]
    assert named["table"]
