"""PyTorch beside longspan: a JSON object a line on standard input, the same back. Tensors lie in files.

{"do": "version"}                                    -> {"version": "..."}
{"do": "open", "kind", "threads", "numbers", "operands", "answers"} -> {"forms": {group: form}, "refused": {group: why}} or {"unknown": true}
{"do": "run", "group", "times": n}                   -> {"seconds": s}, of all n runs
{"do": "answer", "group"}                            -> {}, after the files of answers are filled
{"do": "trim"}                                       -> {}, after free memory went back to the system
{"do": "limits"}                                     -> {"gigaflops"}
{"do": "close"}                                      -> {}
An error is {"error": "..."}. Of the ways to compute the same the fastest counts; on a device (`peer.py cuda`) the fastest of
each group of ways, which is what stands before the comma of their names.
"""

import ctypes
import gc
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
if sys.argv[1:] == ["cuda"] and not torch.cuda.is_available():
    sys.stdin.readline()
    print(json.dumps({"error": f"torch {torch.__version__} sees no CUDA device"}), flush=True)
    sys.exit(0)

import attention
import cema
import gemm
import models
import pointwise
import timestep_norm
import timing
from timing import fastest, seconds

DEVICE = sys.argv[1] if len(sys.argv) > 1 else "cpu"

KINDS = {
    "attention": attention.forms,
    "cema": cema.forms,
    "gemm": gemm.forms,
    "decoder": models.forms,
    "megalodon": models.megalodon_forms,
    "pointwise": pointwise.forms,
    "timestep_norm": timestep_norm.forms,
}
DTYPES = {"f32": torch.float32, "f64": torch.float64, "i32": torch.int32, "i64": torch.int64, "bf16": torch.bfloat16}


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
    mapped = torch.from_file(of["file"], shared=True, size=size, dtype=DTYPES[of["dtype"]], device="cpu").view(of["shape"])
    return mapped if shared else mapped.to(DEVICE, copy=True)


def version():
    where = torch.backends.cpu.get_cpu_capability() if DEVICE == "cpu" else (
        f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}")
    return {"version": f"{torch.__version__}, python {sys.version.split()[0]}, {where}"}


def groups(forms):
    """Ways by the group that they belong to; one group on the CPU."""
    grouped = {}
    for form in forms:
        grouped.setdefault("" if DEVICE == "cpu" else form[0].partition(",")[0], []).append(form)
    return grouped


def choose(grouped, runs, reply):
    """The fastest way of each group."""
    for group, forms in grouped.items():
        try:
            name, runs[group] = (forms[0][0], forms[0][1]()) if len(forms) == 1 else fastest(forms)
            reply["forms"][group] = name.removeprefix(group).removeprefix(",").strip() if group else name
        except Exception as e:  # of a device: other groups may do
            if not group:
                raise
            reply["refused"][group] = reason(e)


def limits():
    """What a device multiplies in bfloat16, of random numbers."""
    size = 512 if DEVICE == "cpu" else 8192
    a, b = (torch.randn(size, size, device=DEVICE).bfloat16() for _ in range(2))
    c = torch.empty_like(a)

    def product():
        torch.mm(a, b, out=c)

    seconds(product, 5)
    return {"gigaflops": 2e-9 * size**3 / sorted(seconds(product, 10) / 10 for _ in range(5))[2]}


def poison():
    """Memory that the next answer may lie in holds NaN."""
    if DEVICE != "cpu":
        torch.full((1 << 28,), math.nan, device=DEVICE)


def trim():
    """What is free goes back to the system, where its C library can."""
    gc.collect()
    getattr(ctypes.CDLL(None), "malloc_trim", int)(0)


def main():
    timing.device = DEVICE
    task, runs = None, {}
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
                    task, runs = Task(request), {}
                    reply = {"forms": {}, "refused": {}}
                    with torch.device(DEVICE):  # costs every call, so runs name the device themselves
                        choose(groups(KINDS[request["kind"]](task)), runs, reply)
                    if not reply["forms"] and not reply["refused"]:
                        reply = {"unknown": True}
                case "run":
                    reply = {"seconds": seconds(runs[request["group"]], request["times"])}
                case "answer":
                    poison()
                    run = runs[request["group"]]
                    task.write(run.answers() if hasattr(run, "answers") else run())
                case "trim":
                    trim()
                case "limits":
                    reply = limits()
                case "close":
                    task, runs = None, {}
                    if DEVICE != "cpu":
                        torch.cuda.empty_cache()
                case other:
                    reply = {"error": f"unknown request {other}"}
        except Exception as e:  # every failure goes back to who asked
            traceback.print_exc()
            if DEVICE == "cpu":
                task, runs = None, {}
            reply = {"error": reason(e)}
        print(json.dumps(reply), flush=True)


def reason(e):
    return f"{type(e).__name__}: {e}".splitlines()[0]


main()
