"""A neuron as a GLB file: a mesh in the colours of its compartments, for viewers, slides and Blender.

glTF 2.0 (Khronos, 2021): right-handed, y up, anticlockwise faces, material colours linear.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neuropil.errors import InputError
from neuropil.morphology.tree import Neuron
from neuropil.rendering.opengl.meshes import Mesh, cone_mesh
from neuropil.rendering.png import PALETTE
from neuropil.rendering.segments import CLASSES, Segments, segments_of
from neuropil.work.atomic import write_bytes

_FINENESS = 0.1  # of the median radius: how far a surface may lie off its cone


def export_glb(neuron: Neuron, path: Path | str) -> None:
    """Write a neuron's surface, one mesh for each compartment that it has, named soma, axon, basal, apical, other.

    A unit of the file is a micrometre (glTF would have it a metre, which is out of reach for most viewers' cameras);
    the file says so in `asset.extras`. The axes are those of the SWC file: where its y is up, so it is here.

    Args:
        neuron: a checked tree.
        path: the file, written whole or not at all.

    Raises:
        InputError: the neuron has no nodes.
    """
    if not len(neuron):
        raise InputError(f"{neuron.name}: no nodes to export")
    from trimesh import Scene

    segments = segments_of(neuron)
    surface = cone_mesh(segments, _tolerance(segments))
    scene = Scene()
    for number in np.unique(segments.classes):
        part = surface.of_class(int(number))
        if len(part.faces):
            scene.add_geometry(_coloured(part, int(number)), node_name=CLASSES[number], geom_name=CLASSES[number])

    def describe(tree: dict[str, Any]) -> None:
        tree["asset"] |= {"generator": "neuropil", "extras": {"neuron": neuron.name, "unit": "micrometre"}}
        for material in tree["materials"]:
            # trimesh would round linear colours to 8 bits, which leaves nothing of the dark ones.
            colour = linear_colour(CLASSES.index(material["name"]))
            material["pbrMetallicRoughness"]["baseColorFactor"] = [*colour, 1.0]

    write_bytes(path, scene.export(file_type="glb", include_normals=True, tree_postprocessor=describe))


def linear_colour(number: int) -> tuple[float, float, float]:
    """The palette's colour of a class as linear light, 0 to 1 (IEC 61966-2-1)."""
    colour = np.array(PALETTE[number]) / 255
    red, green, blue = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(red), float(green), float(blue)


def _tolerance(segments: Segments) -> float:
    return _FINENESS * float(np.median(np.maximum(segments.start_radii, segments.end_radii)))


def _coloured(part: Mesh, number: int) -> Any:
    from trimesh import Trimesh
    from trimesh.visual import TextureVisuals
    from trimesh.visual.material import PBRMaterial

    material = PBRMaterial(name=CLASSES[number], metallicFactor=0.0, roughnessFactor=0.6)
    return Trimesh(
        part.vertices,
        part.faces,
        vertex_normals=part.normals,
        visual=TextureVisuals(material=material),
        process=False,
    )
