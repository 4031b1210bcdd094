"""LongNet's dilated attention from fused pieces: each branch and group of heads with one phase is a strided view, attended
with its log-sum-exp; branches are merged by it. The way back gives the fused backward the merged output and log-sum-exp,
which is the exact gradient."""

import torch
from timing import fastest

# Of a longer sequence, this many rows decide which way is taken.
CHOSEN_ON = 32768

aten = torch.ops.aten
attend = aten._scaled_dot_product_flash_attention_for_cpu
attend_backward = aten._scaled_dot_product_flash_attention_for_cpu_backward


def pieces(branches, heads):
    """(segment, dilation, phase, from head, to head): torchscale's contiguous groups of heads."""
    for branch in branches:
        segment, dilation = branch["segment"], branch["dilation"]
        size = -(-heads // dilation)
        for phase in range(dilation):
            start = phase * size
            if start < heads:
                yield segment, dilation, phase, start, min(start + size, heads)


class Dilated:
    """q, k, v: [1, N, H, D], N a multiple of every segment or shorter than it."""

    def __init__(self, branches, rows, heads, scale, gathered):
        self.pieces = list(pieces([{**b, "segment": min(b["segment"], rows)} for b in branches], heads))
        self.scale = scale
        self.gathered = gathered

    def part(self, t, piece):
        """[segments, heads, rows, D] of a piece: a view."""
        segment, dilation, phase, start, end = piece
        return t.view(-1, segment, t.shape[2], t.shape[3])[:, phase::dilation, start:end].transpose(1, 2)

    def lse_part(self, lse, piece):
        """[segments, rows, heads] of [N, H]: a view."""
        segment, dilation, phase, start, end = piece
        return lse.view(-1, segment, lse.shape[1])[:, phase::dilation, start:end]

    def ready(self, t):
        return t.contiguous() if self.gathered else t

    def forward(self, q, k, v):
        out = lse = None
        for piece in self.pieces:
            o, l = attend(*(self.ready(self.part(t, piece)) for t in (q, k, v)), 0.0, True, scale=self.scale)
            l = l.transpose(1, 2)  # [segments, rows, heads]
            if piece[1] == 1 and out is None:
                out = torch.empty_like(v)
                self.part(out, piece).copy_(o)
                lse = torch.empty(q.shape[1], q.shape[2])
                self.lse_part(lse, piece).copy_(l)
                continue
            if out is None:
                out = torch.zeros_like(v)
                lse = torch.full((q.shape[1], q.shape[2]), float("-inf"))
            before = self.lse_part(lse, piece)
            both = torch.logaddexp(before, l)
            share = torch.exp(l - both).transpose(1, 2)[..., None]
            self.part(out, piece).lerp_(o, share)
            before.copy_(both)
        return out, lse

    def backward(self, q, k, v, out, lse, d_out):
        dq, dk, dv = None, None, None
        for piece in self.pieces:
            l = self.lse_part(lse, piece).transpose(1, 2).contiguous()
            grads = attend_backward(*(self.ready(self.part(t, piece)) for t in (d_out, q, k, v, out)), l, 0.0, True,
                                    scale=self.scale)
            if dq is None:
                dq, dk, dv = (torch.zeros_like(t) for t in (q, k, v))
            for whole, g in zip((dq, dk, dv), grads):
                self.part(whole, piece).add_(g)
        return dq, dk, dv


def forms(task):
    n = task.numbers
    q, k, v = (task.operands[name] for name in ("q", "k", "v"))

    def make(gathered, rows):
        way = Dilated(n["branches"], rows, q.shape[2], n["scale"], gathered)
        first = [t[:, :rows] for t in (q, k, v)]

        @torch.no_grad()
        def run():
            out, lse = way.forward(*first)
            if not n["backward"]:
                return {"out": out}
            grads = way.backward(*first, out, lse, task.operands["dOut"][:, :rows])
            return {"out": out, **dict(zip(("dq", "dk", "dv"), grads))}

        return run

    def ways(rows):
        return [("fused pieces, strided", lambda: make(False, rows)), ("fused pieces, gathered", lambda: make(True, rows))]

    if q.shape[1] <= CHOSEN_ON:
        return ways(q.shape[1])
    name, _ = fastest(ways(CHOSEN_ON))
    return [way for way in ways(q.shape[1]) if way[0] == name]
