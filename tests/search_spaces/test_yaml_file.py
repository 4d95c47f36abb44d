"""YAML as users and the tool write it."""

import pytest
import yaml

from search_spaces.errors import InputError
from search_spaces.yaml_file import parse_yaml, read_yaml

MERGED = "base: &b {k: 1, l: 2}\nx: {y: &y {<<: *b, k: 3}}\nz: {<<: *y, l: 4}\n"


@pytest.mark.parametrize("text", ["a: 1\nb: {c: 1}\nd: {c: 1}", "- {a: 1}\n- {a: 1}", "1: a\n'1': b", MERGED, ""])
def test_a_key_in_several_places_is_fine(text):
    assert parse_yaml(text) == yaml.safe_load(text)


@pytest.mark.parametrize(
    "text", ["a: 1\nb: 2\na: 3", "x: {y: [{a: 1, a: 1}]}", "{a: 1, 'a': 2}", "x: &x {a: 1, a: 2}\ny: *x"]
)
def test_a_key_twice_in_one_place_is_told_with_the_place(text):
    with pytest.raises(yaml.YAMLError, match=r"the key 'a' is given twice"):
        parse_yaml(text)


@pytest.mark.parametrize("name", ["caf\udce9", "日本", "a\u2028b"])
def test_names_of_files_come_back_whatever_their_encoding(name):
    assert parse_yaml(yaml.safe_dump({"path": name})) == {"path": name}


@pytest.mark.parametrize("content", [b"a: 2024-13-45", b"a: \xff", b"a: [", b"a: 1\na: 2"])
def test_a_file_that_holds_none_is_one_line_that_names_it(tmp_path, content):
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"^space file '{path}' is not YAML: [^\n]*$"):
        read_yaml(path, "space")
