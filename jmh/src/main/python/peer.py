"""PyTorch beside longspan: a JSON object a line on standard input, the same back. Tensors lie in files.

{"do": "version"}                                    -> {"version": "..."}
{"do": "open", "kind", "threads", "numbers", "operands", "answers"} -> {"form": "..."} or {"unknown": true}
{"do": "run", "times": n}                            -> {"seconds": s}, of all n runs
{"do": "answer"}                                     -> {}, after the files of answers are filled
{"do": "close"}                                      -> {}
An error is {"error": "..."}.
"""

import json
import math
import sys
import traceback

try:
    import torch
except ImportError as e:
    sys.stdin.readline()
    print(json.dumps({"error": f"python3 has no torch: {e}"}), flush=True)
    sys.exit(0)

import attention
import cema
import gemm
import models
import pointwise
import timestep_norm
from timing import fastest, seconds

KINDS = {
    "attention": attention.forms,
    "cema": cema.forms,
    "gemm": gemm.forms,
    "decoder": models.forms,
    "megalodon": models.megalodon_forms,
    "pointwise": pointwise.forms,
    "timestep_norm": timestep_norm.forms,
}
DTYPES = {"f32": torch.float32, "f64": torch.float64, "i32": torch.int32, "i64": torch.int64}

class Task:
    """What to compute: numbers, operands by name, and the files of the answers."""

    def __init__(self, request):
        self.numbers = request["numbers"]
        self.operands = {name: load(of) for name, of in request["operands"].items()}
        self.files = request["answers"]

    def write(self, answers):
        for name, of in self.files.items():
            load(of, shared=True).copy_(answers[name])


def load(of, shared=False):
    """The tensor in a file: a copy, or the file itself."""
    size = math.prod(of["shape"])
    mapped = torch.from_file(of["file"], shared=True, size=size, dtype=DTYPES[of["dtype"]]).view(of["shape"])
    return mapped if shared else mapped.clone()


def version():
    return {"version": f"{torch.__version__}, python {sys.version.split()[0]}, {torch.backends.cpu.get_cpu_capability()}"}


def main():
    task = run = None
    for line in sys.stdin:
        reply = {}
        try:
            request = json.loads(line)
            match request["do"]:
                case "version":
                    reply = version()
                case "open" if request["kind"] not in KINDS:
                    reply = {"unknown": True}
                case "open":
                    torch.set_num_threads(request["threads"])
                    task = Task(request)
                    forms = KINDS[request["kind"]](task)
                    if not forms:
                        reply = {"unknown": True}
                    elif len(forms) == 1:
                        run = forms[0][1]()
                        reply = {"form": forms[0][0]}
                    else:
                        form, run = fastest(forms)
                        reply = {"form": form}
                case "run":
                    reply = {"seconds": seconds(run, request["times"])}
                case "answer":
                    task.write(run.answers() if hasattr(run, "answers") else run())
                case "close":
                    task = run = None
                case other:
                    reply = {"error": f"unknown request {other}"}
        except Exception as e:  # every failure goes back to who asked
            traceback.print_exc()
            task = run = None
            reply = {"error": f"{type(e).__name__}: {e}".splitlines()[0]}
        print(json.dumps(reply), flush=True)


main()
