"""Functions of rows: into a buffer that is kept where there is such a call, otherwise into new memory; the faster of both."""

import torch
import torch.nn.functional as F

aten = torch.ops.aten


def forms(task):
    x, weight, bias = (task.operands[name] for name in ("x", "weight", "bias"))
    eps, function = task.numbers["eps"], task.numbers["function"]
    width = [x.shape[-1]]
    y = torch.empty_like(x)
    mean = torch.empty(x.shape[0], 1)
    rstd = torch.empty(x.shape[0], 1)
    new, kept = {
        "rms_norm": (lambda: F.rms_norm(x, width, weight, eps), None),
        "layer_norm": (lambda: F.layer_norm(x, width, weight, bias, eps),
                       lambda: aten.native_layer_norm.out(x, width, weight, bias, eps, out0=y, out1=mean, out2=rstd)),
        "gelu_tanh": (lambda: F.gelu(x, approximate="tanh"), lambda: aten.gelu.out(x, approximate="tanh", out=y)),
        "gelu": (lambda: F.gelu(x), lambda: aten.gelu.out(x, out=y)),
        "silu": (lambda: F.silu(x), lambda: aten.silu.out(x, out=y)),
        "softmax": (lambda: torch.softmax(x, -1), lambda: torch.softmax(x, -1, out=y)),
    }.get(function, (None, None))

    def into_new():
        with torch.no_grad():
            return {"y": new()}

    def into_kept():
        with torch.no_grad():
            kept()
            return {"y": y}

    return [] if new is None else [("", lambda: into_new)] if kept is None else [
        ("new memory", lambda: into_new), ("memory kept", lambda: into_kept)]
