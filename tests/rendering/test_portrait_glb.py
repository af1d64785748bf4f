from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from neuropil.errors import InputError
from neuropil.morphology.swc import write_swc
from neuropil.morphology.synthesis.grow import grow_neuron
from neuropil.rendering.opengl.glb import export_glb, linear_colour
from neuropil.rendering.opengl.sheet import write_portraits
from neuropil.rendering.segments import CLASSES, segments_of
from rendering.neurons import grown, neuron_of


def contents(file: Path) -> dict:
    """The JSON chunk of a GLB file, its container checked (glTF 2.0, chapter 4.4)."""
    data = file.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON"
    binary, kind = struct.unpack_from("<I4s", data, 20 + size)
    assert kind == b"BIN\0"
    assert 28 + size + binary == length
    return json.loads(data[20 : 20 + size])


def test_a_glb_file_holds_the_compartments_with_their_colours_and_says_its_unit(tmp_path: Path) -> None:
    neuron, _ = grow_neuron("pyramidal", 1, 0)
    export_glb(neuron, tmp_path / "cell.glb")
    tree = contents(tmp_path / "cell.glb")
    assert tree["asset"]["version"] == "2.0"
    assert tree["asset"]["extras"] == {"neuron": neuron.name, "unit": "micrometre"}
    assert [node["name"] for node in tree["nodes"]] == ["soma", "axon", "basal", "apical"]
    for mesh in tree["meshes"]:
        material = tree["materials"][mesh["primitives"][0]["material"]]
        assert material["name"] == mesh["name"]
        colour = material["pbrMetallicRoughness"]["baseColorFactor"]
        np.testing.assert_allclose(colour, [*linear_colour(CLASSES.index(mesh["name"])), 1])


def test_a_glb_file_is_as_large_as_the_neuron_and_has_its_axes(tmp_path: Path) -> None:
    import trimesh

    neuron = grown(3)
    export_glb(neuron, tmp_path / "cell.glb")
    segments = segments_of(neuron)
    points = np.concatenate([segments.starts, segments.ends])
    radii = np.concatenate([segments.start_radii, segments.end_radii])[:, None]
    bounds = trimesh.load(tmp_path / "cell.glb").bounds
    np.testing.assert_allclose(bounds, [(points - radii).min(axis=0), (points + radii).max(axis=0)], atol=0.3)


def test_a_glb_file_is_the_same_at_every_export(tmp_path: Path) -> None:
    for name in ("one.glb", "two.glb"):
        export_glb(grown(2, steps=40), tmp_path / name)
    assert (tmp_path / "one.glb").read_bytes() == (tmp_path / "two.glb").read_bytes()


def test_the_colours_are_linear_light() -> None:
    assert linear_colour(0) == (1.0, 1.0, 1.0)
    np.testing.assert_allclose(linear_colour(2), (0.013702, 0.184475, 0.456411), atol=1e-6)


def test_a_neuron_without_nodes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no nodes"):
        export_glb(neuron_of([]), tmp_path / "cell.glb")
    assert not list(tmp_path.iterdir())


def test_mistakes_are_one_line_and_leave_no_file(tmp_path: Path) -> None:
    file = tmp_path / "cell.swc"
    write_swc(grown(1, steps=20), file)
    for files, output, message in (
        ([file, file], "two.glb", "holds one neuron, 2 are given"),
        ([file], "cell.obj", r"\.png file .* or a \.glb"),
        ([], "none.png", "no SWC file"),
        ([tmp_path / "missing.swc"], "cell.glb", "missing.swc"),
    ):
        with pytest.raises(InputError, match=message):
            write_portraits(files, tmp_path / output)
    assert [path.name for path in tmp_path.iterdir()] == ["cell.swc"]
