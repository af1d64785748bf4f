"""A run that is killed, ten times over at random moments, goes on to the same bytes."""

import json
import os
import random
import signal
import subprocess
import sys
import time

from loopback import Loopback, Wait
from neuromorpho_site import Site
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.neuromorpho.neurons import neuromorpho_neurons
from neuropil.sources.neuromorpho.parameters import NeuromorphoNeurons

_RUN = """
import sys
from pathlib import Path
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.neuromorpho.neurons import neuromorpho_neurons
from neuropil.sources.neuromorpho.parameters import NeuromorphoNeurons
parameters = NeuromorphoNeurons.model_validate_json(sys.argv[1])
http = HttpParameters.model_validate_json(sys.argv[2])
print(sum(1 for _ in neuromorpho_neurons(parameters, http, Path(sys.argv[3]))))
"""
_NEURONS, _KILLS = 60, 10
_HTTP = HttpParameters(concurrency=3, per_host=3, backoff_s=0.01)


def outputs(store):
    """All files that must be the same; of the log what does not tell of the runs."""
    kept = {path.name: path.read_bytes() for path in sorted((store / "swc").iterdir())}
    kept |= {name: (store / name).read_bytes() for name in ("metadata.jsonl", "morphometry.jsonl", "query.json")}
    log = [json.loads(line) for line in (store / "download_log.jsonl").read_text().splitlines()]
    return kept, [(line["neuron_id"], line["file"], line["bytes"], line["sha256"]) for line in log]


def killed_after(requests, server, command):
    """Run until the server has been asked so often in all, then kill; return whether it was killed."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(server.requests) < requests and process.poll() is None:
        time.sleep(0.0005)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def test_run_killed_at_ten_random_moments_resumes_to_the_same_bytes(tmp_path):
    rng = random.Random(5)
    with Loopback() as server:
        site = Site(server, _NEURONS)
        parameters = NeuromorphoNeurons(
            query="species:mouse", page_size=5, fetch_morphometry=True, find=True, site=server.url("")
        )
        assert len(list(neuromorpho_neurons(parameters, _HTTP, tmp_path / "whole"))) == _NEURONS
        whole, needed = outputs(tmp_path / "whole"), len(server.requests)

        server.requests.clear()
        server.fail("*", Wait(0.004), times=10 * needed)
        command = [sys.executable, "-c", _RUN, parameters.model_dump_json(), _HTTP.model_dump_json()]
        moments = sorted(rng.sample(range(1, needed), _KILLS))
        assert all(killed_after(moment, server, [*command, str(tmp_path / "killed")]) for moment in moments)
        assert not (tmp_path / "killed" / "download_log.jsonl").exists()  # it was never left to end
        done = subprocess.run([*command, str(tmp_path / "killed")], capture_output=True, text=True, timeout=60)
        assert done.stdout.split() == [str(_NEURONS)], done.stderr
        assert outputs(tmp_path / "killed") == whole
        assert len(server.requests) <= needed + _KILLS * _HTTP.concurrency * 2  # what was under way, no more
        assert not list((tmp_path / "killed").rglob(".*"))
        assert site.asked()["list"] <= 12 + _KILLS * _HTTP.concurrency * 2
