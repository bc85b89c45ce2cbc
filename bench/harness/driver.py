"""Programs of `benches/` that answer requests: `benches/driver.rs` serves one model with its data."""
import json
import os
import subprocess
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("ELBO_POSTERIORDB", ROOT / "../shared/posteriordb"))
PEERS = Path(os.environ.get("ELBO_PEERS", ROOT / "../shared/peers"))
PROGRAMS = ROOT / "tests/posteriordb"
MODELS = ROOT / "bench/models"


def build(name):
    """The path of the compiled `benches/NAME.rs`."""
    command = ["cargo", "bench", "--bench", name, "--no-run", "--message-format=json"]
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    messages = [json.loads(text) for text in out.splitlines() if text.startswith("{")]
    return [m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == name][-1]


def posteriordb(only):
    """(name, program, data) of the models of posteriordb whose names hold one of the words in `only`."""
    for program in sorted(PROGRAMS.glob("*.vi")):
        data = DATA / program.stem / "data.json"
        if data.exists() and (not only or any(word in program.stem for word in only)):
            yield program.stem, program, data


class Refused(Exception):
    """What the driver cannot do."""


class Server:
    """A process that answers lines with lines of JSON, to be used in a `with`."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise Refused("the driver ended")
        return json.loads(line)

    def ask(self, *words):
        """The answer to one request of the list at the head of the program's file."""
        print(*words, file=self.process.stdin, flush=True)
        answer = self.read()
        if isinstance(answer, dict) and "error" in answer:
            raise Refused(answer["error"])
        return answer


class Driver(Server):
    """`benches/driver.rs`, bound to a program and its data."""

    def __init__(self, path, program, data):
        super().__init__(path, program, data)
        self.blocks = self.read()["blocks"]
        self.size = sum(size for _, size in self.blocks)

    def at(self, points):
        """Values and gradients at `[points, size]` numbers, for the subject of the last `gradient`."""
        out = self.ask("at", *np.ravel(points))
        return np.array(out["values"]), np.array(out["gradients"]).reshape(np.shape(points))

    def seconds(self, ms):
        """Of one run of the subject, over about so many milliseconds of them."""
        return self.ask("time", ms) * 1e-9
