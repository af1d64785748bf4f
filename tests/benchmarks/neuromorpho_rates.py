"""How quickly neurons of NeuroMorpho.org come over a line with a given delay: figures of docs/all_mouse_neurons.md.

    python tests/benchmarks/neuromorpho_rates.py $DATA/swc/rat_s1

A server on this machine plays the site with the real files and records of a folder (`swc/*.swc`, `metadata.jsonl`) and
answers each request after a delay, as a server far away does. Printed: neurons per second, the share of what the
delay allows (requests in flight / delay / requests a neuron), and the CPU time of client and server together.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[1]))

from loopback import Loopback, Reply, Request
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.neuromorpho.neurons import neuromorpho_neurons
from neuropil.sources.neuromorpho.parameters import NeuromorphoNeurons


def serve(server: Loopback, folder: Path, count: int, delay: float) -> int:
    """Serve the first neurons of a folder; return their bytes."""
    files = {file.name.partition(".")[0]: file for file in (folder / "swc").iterdir()}
    records = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    records = sorted((r for r in records if r["neuron_name"] in files), key=lambda r: r["neuron_id"])[:count]

    def late(reply: Reply) -> Any:
        def answer(_: Request) -> Reply:
            time.sleep(delay)
            return reply

        return answer

    def select(request: Request) -> Reply:
        number, size = int(request.query["page"][0]), int(request.query["size"][0])
        page = {"size": size, "totalElements": len(records), "number": number}
        found = records[number * size : (number + 1) * size]
        return Reply(json.dumps({"_embedded": {"neuronResources": found}, "page": page}).encode(), etag=None)

    server.answer("/api/neuron/select", select)
    size = 0
    for record in records:
        body = files[record["neuron_name"]].read_bytes()
        size += len(body)
        where = f"/dableFiles/{quote(record['archive'].lower())}/CNG%20version/{quote(record['neuron_name'])}.CNG.swc"
        server.answer(where, late(Reply(body)))
        measures = json.dumps(record["morphometry"]).encode()
        server.answer(f"/api/morphometry/id/{record['neuron_id']}", late(Reply(measures, etag=None)))
    return size


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--neurons", type=int, default=100)
    parser.add_argument("--delays", type=float, nargs="+", default=[0.1, 0.4])
    given = parser.parse_args()
    print("| delay, s | in flight | measures | neurons/s | of what the delay allows | CPU ms a neuron |")  # noqa: T201
    print("|--:|--:|---|--:|--:|--:|")  # noqa: T201
    for delay in given.delays:
        for per_host in (4, 8):
            for measured in (False, True):
                with Loopback() as server, tempfile.TemporaryDirectory() as store:
                    serve(server, given.folder, given.neurons, delay)
                    http = HttpParameters(per_host=per_host)
                    wanted = NeuromorphoNeurons(query="a:b", site=server.url(""), fetch_morphometry=measured)
                    start, cpu = time.monotonic(), time.process_time()
                    count = sum(1 for _ in neuromorpho_neurons(wanted, http, Path(store)))
                    rate = count / (time.monotonic() - start)
                    cpu = (time.process_time() - cpu) / count * 1e3
                share = rate / (per_host / delay / (1 + measured))
                words = "yes" if measured else "no"
                print(f"| {delay} | {per_host} | {words} | {rate:.1f} | {share:.0%} | {cpu:.0f} |")  # noqa: T201


if __name__ == "__main__":
    main()
