"""What a neuron's page links, how measures are spelt, what is an SWC file."""

import pytest

from neuropil.sources.http.client import Answer
from neuropil.sources.http.content import problem_of_file
from neuropil.sources.http.faults import AttemptError
from neuropil.sources.neuromorpho.find import link_of
from neuropil.sources.neuromorpho.records import MEASURES, file_url, measures_of, page_of, with_files

PAGE = "https://neuromorpho.org/neuron_info.jsp?neuron_name=a"


def answer(text):
    return Answer(PAGE, {}, text.encode())


@pytest.mark.parametrize(
    ("html", "link"),
    [
        (
            '<a href="dableFiles/x/CNG version/a.CNG.swc">Morphology File (Standardized)</a>',
            "x/CNG%20version/a.CNG.swc",
        ),
        ('<a href="/dableFiles/x/a%20b.CNG.swc"><b>morphology file\n (standardized)</b></a>', "x/a%20b.CNG.swc"),
        (
            '<td>Morphology File (Standardized)</td><td><a href="i.html">?</a>'
            '<a href=/dableFiles/x/a.CNG.swc>Download</a></td><a href="/dableFiles/b.CNG.swc">b</a>',
            "x/a.CNG.swc",
        ),
        ('<a href="dableFiles/x/a.CNG.swc">here</a><a href="dableFiles/x/a.swc">original</a>', "x/a.CNG.swc"),
        ('<p><a href="https://neuromorpho.org/dableFiles/x/a.CNG.SWC">here<p></div></td>', "x/a.CNG.SWC"),
    ],
)
def test_link_is_found_however_the_page_shows_it(html, link):
    assert link_of(answer(f"<html>{html}")) == f"https://neuromorpho.org/dableFiles/{link}"


@pytest.mark.parametrize(
    "html", ["", "<a href='a.CNG.swc'>x</a><a href='b.CNG.swc'>y</a>", "<a name=x>Morphology File (Standardized)</a>"]
)
def test_page_that_does_not_say_which_file_is_refused(html):
    with pytest.raises(AttemptError, match="links no standardised file"):
        link_of(answer(html))


@pytest.mark.parametrize("case", [str.upper, str.lower, str.title])
def test_measures_are_spelt_alike_whatever_the_case(case):
    said = ", ".join(f'"{case(name)}": "{number}.5"' for number, name in enumerate(MEASURES))
    found = measures_of(answer(f'{{"neuron_id": 7, {said}, "_links": {{}}}}'), 7)
    assert found == {name: number + 0.5 for number, name in enumerate(MEASURES)} and list(found) == list(MEASURES)


def test_unknown_measures_are_null_and_no_nan_gets_in():
    text = '{"surface": "N/A", "volume": NaN, "length": null, "Length": 3}'
    assert measures_of(answer(text), 1) == {"surface": None, "volume": None, "length": 3.0}


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "<html>",
        '{"pa',
        '{"page": {"totalElements": -1}}',
        '{"page": {"totalElements": 5, "number": 4}}',
        '{"page": {"totalElements": 5}, "_embedded": {"neuronResources": ["a"]}}',
    ],
)
def test_what_is_no_page_of_a_list_is_refused(text):
    with pytest.raises(AttemptError) as caught:
        page_of(answer(text), 0, 50)
    assert caught.value.kind == "content"


def test_address_is_the_archive_in_small_letters_and_quoted():
    record = {"archive": "De Koninck & Co", "neuron_name": "a/b #1"}
    where = "dableFiles/de%20koninck%20%26%20co/CNG%20version/a%2Fb%20%231.CNG.swc"
    assert file_url("https://neuromorpho.org/", record) == f"https://neuromorpho.org/{where}"


def test_files_of_names_that_differ_in_case_or_signs_are_told_apart_and_stay_in_the_folder():
    names = ["Cell", "cell", "a/b", "a_b", "../../x"]
    records = [{"neuron_id": n, "neuron_name": name, "archive": "A"} for n, name in enumerate(names)]
    files = [name for _, name in with_files(records)]
    assert len({name.casefold() for name in files}) == 5 and not any("/" in name for name in files)
    assert files == [name for _, name in with_files(records)]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"# a\n1 1 0 0 0 1 -1\n", None),
        (b"# " + b"long comment\n# " * 1000 + b"\n1 1 0 0 0 1 -1", None),
        (b"id type x y z r parent\n1,1,0,0,0,1,-1\n", None),
        (b"# a\n# b\n", "no row"),
        (b"# a\n1 1 0 0 0 1 -1\n2 3 0 0", "is cut"),
        (b'{"error": "not found"}\n', "not an SWC file"),
        (b"<html><body>Sorry", "a web page came instead of an SWC file"),
        (b"1 1 0 0\0 0", "not an SWC file"),
        (b"Service unavailable", "not an SWC file"),
    ],
)
def test_what_is_no_swc_file_is_told(tmp_path, data, problem):
    path = tmp_path / "a.swc"
    path.write_bytes(data)
    found = problem_of_file(path, "swc", path.name)
    assert found is None if problem is None else problem in found
