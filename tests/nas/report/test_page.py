"""The page as text: it asks nothing of a network, and what users have named stays what it is."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re

import pytest

from nas.report.page import Live, page, safe_json


@pytest.mark.parametrize("text", ["</script><script>", "<!--<script>", "&amp;", "\u2028", "é", 'a"b\\c', "\udcff"])
def test_json_in_a_page_ends_no_script_and_keeps_what_it_holds(text: str) -> None:
    told = safe_json({"name": text})
    assert not re.search(r"[<>&\u2028]", told)
    assert json.loads(told)["name"] == text.encode(errors="replace").decode()


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        safe_json({"dice": float("nan")})


def test_the_page_asks_nothing_of_a_network() -> None:
    text = page("title", "{}")
    assert set(re.findall(r"https?://[^\s\"'`<)]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<link|<iframe|@import|url\((?!#)|\bfetch\(|EventSource\(", text)


def test_only_its_own_program_and_styles_are_let_run() -> None:
    text = page("a <b> & $data", "{}")
    assert "<title>a &lt;b&gt; &amp; $data</title>" in text
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', text)[0])
    program = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)[0]
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)[0]
    for kind, own in (("script", program), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "connect-src" not in policy


def test_no_program_takes_a_name_of_another() -> None:
    text = page("title", "{}", Live(["one"], 0))
    names = re.findall(r"^(?:async )?(?:function|const|let) (\w+)", text, re.MULTILINE)
    assert len(names) > 50
    assert len(set(names)) == len(names)
