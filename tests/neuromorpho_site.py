"""NeuroMorpho.org as a test server: lists by pages, measures, files and pages about neurons, with its real traps.

with Loopback() as server:
    site = Site(server, 500)
    ... server.url("") is the address; site.records, site.swc(record) are what must arrive
"""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any
from urllib.parse import quote

from loopback import Loopback, Reply, Request

ARCHIVES = ("Wearne_Hof", "Allen Cell Types", "Scanziani", "De Koninck")
_REGIONS = ["neocortex", "occipital", "layer 6"]
_TYPES = ["Local projecting", "pyramidal", "principal cell"]


class Site:
    """The site; it counts what was asked for.

    Args:
        server: the server.
        count: neurons. Every 50th has no file at the usual address (`elsewhere`); names 3 and 4 differ in case only.
        seed: of the files.
        overlapping: the first so many readings of the list give the second page the records of the first.
    """

    def __init__(self, server: Loopback, count: int, *, seed: int = 0, overlapping: int = 0) -> None:
        self.server, self.overlapping = server, overlapping
        self.bodies: list[Any] = []
        self.records = [_record(number, seed) for number in range(1, count + 1)]
        if count > 4:
            self.records[3]["neuron_name"] = self.records[2]["neuron_name"].upper()
        self.elsewhere = {r["neuron_id"] for r in self.records if r["neuron_id"] % 50 == 0}
        self._swc = {r["neuron_id"]: _swc(r["neuron_id"], seed) for r in self.records}
        server.answer("/api/neuron/select", self._select)
        server.answer("/neuron_info.jsp", self._page)
        for record in self.records:
            server.serve(self.measures_path(record), Reply(json.dumps(_measures(record)).encode(), etag=None))
            server.serve(self.path(record), Reply(self.swc(record), headers={"Content-Type": "text/plain"}))

    def swc(self, record: dict[str, Any]) -> bytes:
        """The file of a neuron."""
        return self._swc[record["neuron_id"]]

    def path(self, record: dict[str, Any]) -> str:
        """Where the file is, as a request has it; for some neurons another than the usual address."""
        usual = self.usual_path(record)
        return usual.replace("dableFiles", "other%20files/x") if record["neuron_id"] in self.elsewhere else usual

    def usual_path(self, record: dict[str, Any]) -> str:
        """Where the file should be."""
        archive, name = quote(record["archive"].lower()), quote(record["neuron_name"])
        return f"/dableFiles/{archive}/CNG%20version/{name}.CNG.swc"

    def measures_path(self, record: dict[str, Any]) -> str:
        """Where the measures are."""
        return f"/api/morphometry/id/{record['neuron_id']}"

    def asked(self) -> Counter[str]:
        """How many requests there were, by kind."""
        with self.server.lock:
            return Counter(_kind(logged.request.path) for logged in self.server.requests)

    def _select(self, request: Request) -> Reply:
        number, size = int(request.query["page"][0]), int(request.query["size"][0])
        self.bodies.append(json.loads(request.body) if request.method == "POST" else request.query["q"][0])
        order = list(self.records)
        if request.query.get("sort") != ["neuron_id,asc"]:
            random.shuffle(order)
        first = number
        if number == 1 and self.overlapping > 0:
            self.overlapping -= 1
            first = 0
        records = order[first * size : (first + 1) * size]
        if first != number:
            records = records[: max(0, len(order) - number * size)]
        random.shuffle(records)
        about = {"size": size, "totalElements": len(order), "totalPages": -(-len(order) // size), "number": number}
        said: dict[str, Any] = {"_links": {}, "page": about}
        if records:
            said["_embedded"] = {"neuronResources": records}
        return Reply(json.dumps(said).encode(), headers={"Content-Type": "application/hal+json"}, etag=None)

    def _page(self, request: Request) -> Reply:
        name = request.query["neuron_name"][0]
        record = next((record for record in self.records if record["neuron_name"] == name), None)
        link = "" if record is None else self.path(record).lstrip("/").replace("%20", " ")
        original = link.replace(".CNG", "")
        text = (
            '<html><body><a href="index.jsp">Home</a><table><tr>'
            f'<td><a href="{original}">Morphology File (Original)</a></td>'
            f'<td><a href="{link}">Morphology File\n (Standardized)</a></td></tr></table></body></html>'
        )
        return Reply(text.encode(), headers={"Content-Type": "text/html;charset=UTF-8"}, etag=None)


def _kind(path: str) -> str:
    for kind, start in (("list", "/api/neuron/select"), ("measures", "/api/morphometry"), ("page", "/neuron_info")):
        if path.startswith(start):
            return kind
    return "file"


def _record(number: int, seed: int) -> dict[str, Any]:
    rng = random.Random(f"{seed} {number}")
    return {
        "neuron_id": number,
        "neuron_name": f"cell {number}-a" if number % 7 == 0 else f"cell_{number:04d}",
        "archive": ARCHIVES[number % len(ARCHIVES)],
        "species": "mouse",
        "brain_region": rng.sample(_REGIONS, rng.randint(1, 3)),
        "cell_type": rng.sample(_TYPES, rng.randint(1, 3)),
        "reference_doi": ["10.1093/cercor/12.9.917"],
        "physical_Integrity": "Dendrites Complete",
        "_links": {"self": {"href": f"https://neuromorpho.org/api/neuron/id/{number}"}},
    }


def _measures(record: dict[str, Any]) -> dict[str, Any]:
    """Letters vary in case, and numbers may be text."""
    number = record["neuron_id"]
    found = {"soma_Surface": 100.5 + number, "n_stems": "4", "eucDistance": 1.5, "fractal_Dim": "N/A"}
    if number % 2:
        found = {key.upper(): value for key, value in found.items()}
    return {"neuron_id": number, "neuron_name": record["neuron_name"], **found, "_links": {}}


def _swc(number: int, seed: int) -> bytes:
    rng = random.Random(f"swc {seed} {number}")
    lines = [f"# neuron {number}", "1 1 0 0 0 5.5 -1"]
    for node in range(2, rng.randint(20, 120)):
        lines.append(f"{node} 3 {rng.uniform(0, 99):.3f} {rng.uniform(0, 99):.3f} {node} 0.5 {node - 1}")
    return ("\n".join(lines) + "\n").encode()
