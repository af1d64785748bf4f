"""The page of a neuron: it loads nothing, runs only its own scripts, and says what was measured and mended."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from neuropil.morphology.drawing.page_words import REMARKS, REPAIRS, counted, groups, number
from neuropil.morphology.morphometry import measure
from neuropil.morphology.page import is_neuron_page, neuron_page
from neuropil.morphology.reading.rows import rows_of_bytes
from neuropil.morphology.reading.swc_lines import read_lines
from neuropil.morphology.repair import Repaired, repair
from neuropil.morphology.tree import Neuron

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\"'"


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script" and self.cdata_elem:
            self.scripts[-1] += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def repaired(name: str = "cell", comments: tuple[str, ...] = (), nodes: int = 60) -> Repaired:
    random = np.random.default_rng(3)
    points = np.cumsum(random.normal(size=(nodes, 3)), axis=0) * 20
    parents = np.append(-1, np.arange(1, nodes) - random.integers(1, 4, nodes - 1).clip(max=np.arange(1, nodes)))
    types = np.append(1, np.repeat([2, 3, 4], nodes)[: nodes * 3 : 3][: nodes - 1]).astype(np.int32)
    neuron = Neuron(name, points, np.full(nodes, 0.5), types, parents, comments)
    return Repaired(neuron, {"radius": 12, "encoding": 1, "new_kind": 3}, {"several_roots": 4})


@pytest.fixture(scope="module")
def text() -> str:
    return neuron_page(repaired(), "folder/cell.swc")


def test_the_page_loads_nothing(text: str) -> None:
    page = Page(text)
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "img"), tag
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert name not in attributes, (tag, name)
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style and "@import" not in style


def test_its_policy_lets_only_its_own_two_scripts_run(text: str) -> None:
    page = Page(text)
    (policy,) = [attributes["content"] for tag, attributes in page.tags if "http-equiv" in attributes]
    assert policy is not None and policy.startswith("default-src 'none'; script-src 'sha256-")
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    _, *scripts = page.scripts
    assert {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts} == allowed
    assert len(scripts) == 2 and "unsafe-inline" not in policy.split("style-src")[0] and "connect-src" not in policy


def test_the_figure_in_the_page_is_the_neuron(text: str) -> None:
    figure = json.loads(Page(text).scripts[0])
    assert {trace["name"] for trace in figure["data"]} >= {"Soma", "Axon", "scale"}
    assert figure["layout"]["meta"]["note"] == "all 60 nodes drawn"


def test_hostile_names_and_comments_are_shown_as_text() -> None:
    page = Page(neuron_page(repaired(EVIL, (EVIL, "plain")), f"{EVIL}.swc"))
    assert [tag for tag, _ in page.tags if tag == "script"] == ["script"] * 3
    assert "img" not in {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert page.text.count("alert(1)") == 4 and EVIL in page.text  # title, heading, file, comment


def test_hostile_names_do_not_end_the_figure() -> None:
    custom = repaired(EVIL)
    assert json.loads(Page(neuron_page(custom, "x.swc")).scripts[0])["data"]


def test_dollar_signs_are_kept() -> None:
    assert "$name ${style} $$" in Page(neuron_page(repaired("$name ${style} $$"), "x.swc")).text


def test_every_measure_is_shown_with_its_value(text: str) -> None:
    shown = Page(text).text
    for name, value in measure(repaired().neuron).items():
        if not name.startswith(("apical_", "dendrite_", "other_")):  # compartments that this neuron lacks
            assert number(value) in shown, name


def test_every_measure_has_a_name_of_its_own() -> None:
    assert "Further" not in dict(groups(measure(repaired().neuron)))


def test_repairs_and_remarks_are_named_counted_and_explained(text: str) -> None:
    shown = Page(text).text
    assert f"radius 12 nodes {REPAIRS['radius'][1]}" in shown
    assert f"encoding whole file {REPAIRS['encoding'][1]}" in shown
    assert "new_kind 3 nodes" in shown
    assert f"several_roots 4 roots {REMARKS['several_roots'][1]}" in shown


def test_every_repair_and_remark_of_the_reader_is_explained() -> None:
    for reader in (repair, rows_of_bytes, read_lines):
        words = (reader.__doc__ or "").partition("Repairs, by name")[2].partition("\n\n")[0]
        names = set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", words))
        assert names and names <= set(REPAIRS), reader
    remarks = (Repaired.__doc__ or "").partition("remarks:")[2]
    assert set(re.findall(r"`([a-z_]+)`", remarks)) <= set(REMARKS)


def test_nothing_mended_is_said() -> None:
    plain = Repaired(repaired().neuron, {}, {})
    assert "None: the file was read as it stands." in Page(neuron_page(plain, "x.swc")).text


def test_a_long_header_is_cut_and_says_so() -> None:
    page = Page(neuron_page(repaired("cell", tuple(f"line {i} {'x' * 10_000}" for i in range(5_000))), "x.swc"))
    assert "line 0" in page.text and "4,800 more lines" in page.text and len(page.text) < 200_000


def test_a_page_is_known_as_ours(text: str, tmp_path: Path) -> None:
    ours, other = tmp_path / "a.html", tmp_path / "b.html"
    ours.write_text(text, encoding="utf-8")
    other.write_text("<html>a thesis</html>", encoding="utf-8")
    assert is_neuron_page(ours) and not is_neuron_page(other)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (12.0, "12"),
        (1234567.0, "1,234,567"),
        (12345.678, "12,346"),
        (123.46, "123.5"),
        (1.2345, "1.23"),
        (0.12345, "0.123"),
        (0.00012345, "0.000123"),
        (1.5e12, "1,500,000,000,000"),
        (-3.14159, "-3.14"),
    ],
)
def test_numbers_are_rounded_for_people(value: float, shown: str) -> None:
    assert number(value) == shown


def test_counts_have_a_singular() -> None:
    assert [counted(1, "node"), counted(2000, "node"), counted(1, "file")] == ["1 node", "2,000 nodes", "whole file"]
