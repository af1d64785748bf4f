"""A server on loopback that plays the Allen Cell Types Database, its RMA service and the Brain Image Library."""

import csv
import io
import json
import random
import re
from collections.abc import Iterable
from urllib.parse import quote

from loopback import Loopback
from neuropil.sources.http.parameters import HttpParameters
from replies import Reply, Request

QUICK = HttpParameters(backoff_s=0.01, backoff_most_s=0.02, connect_timeout_s=2, read_timeout_s=0.5, attempts=4)
TYPES = "cell_specimen_id,T-type Label,MET-type,dendrite_type,structure,species\n"
HTML = {"Content-Type": "text/html;charset=UTF-8"}


def swc(seed: int, nodes: int = 30) -> bytes:
    """An SWC file that is like no other."""
    draw = random.Random(seed)
    rows = [f"{n} {1 if n == 1 else 3} {draw.random():.4f} {n} 0 1 {n - 1 or -1}" for n in range(1, nodes + 1)]
    return ("# made for a test\n" + "\n".join(rows) + "\n").encode()


def specimens(count: int, start: int = 1000) -> list[dict[str, str]]:
    """Rows of the table; every fifth has no reconstruction."""
    return [
        {
            "line_name": "Sst-IRES-Cre",
            "specimen__id": str(start + n),
            "structure__name": '"Primary visual area, layer 4"',
            "structure__layer": "4",
            "nr__reconstruction_type": "" if n % 5 == 4 else ("full" if n % 2 else "dendrite-only"),
            "nrwkf__id": "" if n % 5 == 4 else str(70_000 + n),
            "tag__apical": "NA",
            "tag__dendrite_type": "aspiny",
            "donor__species": "Homo Sapiens" if n % 3 == 0 else "Mus musculus",
        }
        for n in range(count)
    ]


def as_csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def apache(path: str, folders: Iterable[str] = (), files: Iterable[str] = ()) -> bytes:
    """The page of Apache's mod_autoindex; long names are cut in the text, not in the link."""
    heads = "".join(f'<th><a href="?C={letter};O=A">{letter}</a></th>' for letter in "NMSD")
    parent = path.rstrip("/").rpartition("/")[0] + "/"
    rows = [f'<tr><td><a href="{parent}">Parent Directory</a></td></tr>']
    rows += [f'<tr><td><a href="{quote(name)}/">{name[:12]}..&gt;</a></td></tr>' for name in folders]
    rows += [f'<tr><td><a href="{quote(name)}">{name[:12]}..&gt;</a></td></tr>' for name in files]
    title = f"<title>Index of {path}</title>"
    return f"<!DOCTYPE HTML>\n<html><head>{title}</head><body><table><tr>{heads}</tr>{''.join(rows)}</table>".encode()


def serve_cells(server: Loopback, rows: list[dict[str, str]]) -> dict[str, bytes]:
    """Serve the table as CSV and by RMA, and the reconstructions; return their bytes by specimen."""
    server.serve("/specimens.csv", Reply(as_csv(rows), headers={"Content-Type": "text/csv"}))
    server.answer("/rma", lambda request: _rma(rows, request))
    bodies = {row["specimen__id"]: swc(int(row["nrwkf__id"])) for row in rows if row["nrwkf__id"]}
    for row in rows:
        if row["nrwkf__id"]:
            server.serve(f"/well_known/{row['nrwkf__id']}", bodies[row["specimen__id"]])
    return bodies


def serve_tree(server: Loopback, tree: dict[str, bytes], root: str = "/bil/") -> None:
    """Serve files below a directory, with a listing of each folder."""
    folders: dict[str, tuple[set[str], set[str]]] = {root: (set(), set())}
    for path, body in tree.items():
        server.serve(root + quote(path), body)
        *above, name = path.split("/")
        for depth in range(len(above)):
            folders.setdefault(root + "/".join(above[: depth + 1]) + "/", (set(), set()))
            folders[root + "".join(f"{one}/" for one in above[:depth])][0].add(above[depth])
        folders[root + "".join(f"{one}/" for one in above)][1].add(name)
    for path, (below, files) in folders.items():
        server.serve(quote(path), Reply(apache(path, sorted(below), sorted(files)), headers=HTML))


def settings(server: Loopback, **more: object) -> dict[str, object]:
    """Parameters that point to the server."""
    return {
        "csv": server.url("/specimens.csv"),
        "rma": server.url("/rma"),
        "reconstruction": server.url("/well_known/{id}"),
        "hosts": (),
        "patch_seq": {"listings": {"visp": {"url": server.url("/bil/")}}},
        **more,
    }


def _rma(rows: list[dict[str, str]], request: Request) -> Reply:
    criteria = request.query["criteria"][0]
    if "model::ApiCellTypesSpecimenDetail" not in criteria or "order$eq" not in criteria:
        return Reply(json.dumps({"success": False, "msg": "unknown model or no order"}).encode())
    start, count = (int(re.search(rf"{name}\$eq(\d+)", criteria)[1]) for name in ("start_row", "num_rows"))
    page = [{key: value or None for key, value in row.items()} for row in rows[start : start + count]]
    page = [{**row, "specimen__id": int(row["specimen__id"])} for row in page]
    answer = {"success": True, "start_row": start, "num_rows": len(page), "total_rows": len(rows), "msg": page}
    return Reply(json.dumps(answer).encode(), headers={"Content-Type": "application/json"})
