"""c = a·b by MKL, into the same c each time."""

import torch


def forms(task):
    n = task.numbers
    a = task.operands["a"].t() if n["ta"] else task.operands["a"]
    b = task.operands["b"].t() if n["tb"] else task.operands["b"]
    c = torch.empty(n["m"], n["n"])

    def matmul():
        torch.mm(a, b, out=c)
        return {"c": c}

    if n["m"] > 1:
        return [("", lambda: matmul)]

    row = a.reshape(-1)

    def matvec():
        torch.mv(b.t(), row, out=c[0])
        return {"c": c}

    return [("mm", lambda: matmul), ("mv", lambda: matvec)]
