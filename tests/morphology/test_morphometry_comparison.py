import json
import math

import pandas as pd
import pytest

from morphology.random_trees import caterpillar, perfect
from neuropil.errors import InputError
from neuropil.morphology.comparison import compare, relative_difference
from neuropil.morphology.measures.lmeasure import lmeasure
from neuropil.morphology.morphometry import measure
from neuropil.morphology.swc import write_swc


@pytest.fixture
def folder(tmp_path):
    """Two neurons, one of them as neuromorpho.org names its files."""
    swc = tmp_path / "swc"
    (swc / "deeper").mkdir(parents=True)
    write_swc(perfect(3), swc / "perfect.CNG.swc")
    write_swc(caterpillar(4), swc / "deeper" / "caterpillar.swc")
    return swc


def ours():
    return {"perfect": measure(perfect(3)), "caterpillar": measure(caterpillar(4))}


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_own_measures_agree_wholly(folder, tmp_path):
    table = written(tmp_path / "own.jsonl", [{"neuron_name": name, **row} for name, row in ours().items()])
    found = compare(folder, table)
    assert found.neurons == 2 and not found.exceptions
    assert {row.feature for row in found.features} == set(ours()["perfect"])
    assert all(row.n == row.within_thousandth == row.within_hundredth == 2 for row in found.features)
    assert "| length | 2 | 2 | 2 | 0 % | 0 % |" in found.to_markdown()


def test_difference_is_found_named_and_measured(folder, tmp_path):
    lengths = {name: row["length"] for name, row in ours().items()}
    rows = [
        {"neuron_name": "perfect", "Length": str(lengths["perfect"] / 1.005)},
        {"neuron_name": "caterpillar.swc", "LENGTH": lengths["caterpillar"] / 1.0005},
    ]
    found = compare(folder, written(tmp_path / "t.jsonl", rows))
    (row,) = found.features
    assert (row.feature, row.n, row.within_thousandth, row.within_hundredth) == ("length", 2, 1, 2)
    assert row.largest == pytest.approx(0.005) and row.median == pytest.approx((0.005 + 0.0005) / 2)
    (exception,) = found.exceptions
    assert (exception.neuron, exception.ours) == ("perfect", pytest.approx(lengths["perfect"]))
    assert "| perfect | length |" in found.to_markdown()


def test_neurons_of_one_side_only_are_named(folder, tmp_path):
    table = written(tmp_path / "t.jsonl", [{"neuron_name": name, "n_tips": 8} for name in ("perfect", "lost")])
    found = compare(folder, table)
    assert found.without_row == ("caterpillar",) and found.without_file == ("lost",)
    assert "1 in the table, not in the folder: lost." in found.to_markdown()


def test_l_measure_form_maps_to_our_measures_and_keeps_functions_on_demand(folder, tmp_path):
    functions = lmeasure(perfect(3))
    functions["Bif_ampl_local"] = [
        str(functions["Bif_ampl_local"][key]) for key in ("sum", "n")
    ] + ["(0)"] + [str(functions["Bif_ampl_local"][key]) for key in ("min", "mean", "max")] + ["0"]  # fmt: skip
    table = written(tmp_path / "lm.jsonl", [{"neuron_name": "perfect", "lmeasure": functions}])
    found = compare(folder, table)
    names = {row.feature for row in found.features}
    assert names >= {"length", "bif_ampl_local", "depth"} and not found.exceptions
    assert "fractal_dimension" not in names  # no branch is long enough, so the program states no mean
    whole = {row.feature: row for row in compare(folder, table, functions=True).features}
    assert {name.split(".")[0] for name in whole if "." in name} == set(functions)
    assert whole["Fractal_Dim.n"].n == 1 and whole["Taper_1.mean"].largest == 0


def test_neuromorpho_form_in_any_letter_case_csv_and_parquet(folder, tmp_path):
    measured = ours()["perfect"]
    row = {
        "neuron_name": "perfect", "soma_Surface": "", "eucDistance": measured["euclidean_distance"],
        "pathDistance": measured["path_distance"], "branch_Order": measured["branch_order"],
        "fractal_Dim": measured["fractal_dimension"], "N_Bifs": measured["n_bifs"], "note": "x",
    }  # fmt: skip
    frame = pd.DataFrame([row])
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.json").write_text(json.dumps([row]))
    for name in ("t.csv", "t.tsv", "t.parquet", "t.json"):
        found = compare(folder, tmp_path / name)
        names = {"euclidean_distance", "path_distance", "branch_order", "fractal_dimension", "n_bifs"}
        assert {feature.feature for feature in found.features} == names and not found.exceptions, name


def test_processes_find_what_one_process_finds(folder, tmp_path):
    table = written(tmp_path / "own.jsonl", [{"neuron_name": name, **row} for name, row in ours().items()])
    assert compare(folder, table, workers=2) == compare(folder, table)


def test_file_that_cannot_be_read_is_listed(folder, tmp_path):
    (folder / "broken.swc").write_text("<html>404</html>")
    table = written(tmp_path / "t.jsonl", [{"neuron_name": name, "n_tips": 8} for name in ("perfect", "broken")])
    found = compare(folder, table)
    assert found.neurons == 1 and [name for name, _ in found.unreadable] == ["broken"]
    assert "not readable: broken (" in found.to_markdown()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.jsonl", "", "no rows"),
        ("t.jsonl", '{"neuron_name": "perfect", "n_tips": 8', "line 1: no JSON"),
        ("t.jsonl", "[1]", "not an object"),
        ("t.jsonl", '{"n_tips": 8}', "no neuron_name"),
        ("t.jsonl", '{"neuron_name": "perfect", "colour": 8}', "no column is a known measure"),
        ("t.jsonl", '{"neuron_name": "perfect", "n_tips": "many"}', "column n_tips: 'many' is no number"),
        ("t.jsonl", '{"neuron_name": "other", "n_tips": 8}', "none of its 1 neurons"),
        ("t.jsonl", '{"neuron_name": "a", "n_tips": 8}\n{"neuron_name": "a.swc", "n_tips": 8}', "a stands twice"),
        ("t.csv", "name;n_tips\nperfect;8\n", "no neuron_name"),
        ("t.xlsx", "x", "is no table"),
        ("t.parquet", "x", "not a Parquet file"),
    ],
)
def test_unusable_table_is_one_clear_line(folder, tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said.replace("(", "\\(")) as caught:
        compare(folder, tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_unusable_folder_is_one_clear_line(folder, tmp_path):
    table = written(tmp_path / "t.jsonl", [{"neuron_name": "perfect", "n_tips": 8}])
    with pytest.raises(InputError, match="no such folder"):
        compare(tmp_path / "missing", table)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no SWC file"):
        compare(tmp_path / "empty", table)
    write_swc(perfect(3), folder / "perfect.swc")
    with pytest.raises(InputError, match="the same neuron name"):
        compare(folder, table)
    with pytest.raises(InputError, match="no such table"):
        compare(folder, tmp_path / "missing.jsonl")


def test_relative_difference():
    assert relative_difference(0, 0) == 0
    assert relative_difference(1.5, 1) == 0.5
    assert math.isinf(relative_difference(1, 0))
