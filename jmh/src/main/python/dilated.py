"""LongNet's dilated attention from fused pieces: each branch and group of heads with one phase is a strided view, attended
with its log-sum-exp; branches are merged by it. The way back gives the fused backward the merged output and log-sum-exp,
which is the exact gradient."""

import torch
from timing import fastest

# Of a longer sequence, this many rows decide which way is taken.
CHOSEN_ON = 32768

aten = torch.ops.aten


class OnCpu:
    """Fused attention that gives its log-sum-exp [B, H, N], and the way back from any output and log-sum-exp."""

    name = "fused pieces"

    def attend(self, q, k, v, scale):
        return aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, True, scale=scale)

    def backward(self, d_out, q, k, v, out, lse, scale):
        return aten._scaled_dot_product_flash_attention_for_cpu_backward(d_out, q, k, v, out, lse, 0.0, True, scale=scale)


class Flash(OnCpu):
    name = "flash"

    def attend(self, q, k, v, scale):
        out, lse, *self.rest = aten._scaled_dot_product_flash_attention(q, k, v, 0.0, True, scale=scale)
        return out, lse

    def backward(self, d_out, q, k, v, out, lse, scale):
        starts_q, starts_k, most_q, most_k, seed, unused, _ = self.rest
        # The lengths of a piece are those of the tensors given; nothing is dropped, so any seed does.
        return aten._scaled_dot_product_flash_attention_backward(
            d_out, q, k, v, out, lse, starts_q, starts_k, q.shape[2], k.shape[2], 0.0, True, seed, unused, scale=scale)


class Cudnn(OnCpu):
    name = "cuDNN"

    def attend(self, q, k, v, scale):
        out, lse, *_ = aten._scaled_dot_product_cudnn_attention(q, k, v, None, True, 0.0, True, scale=scale)
        return out, lse.view(out.shape[:3])



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

    def __init__(self, fused, branches, rows, heads, scale, gathered):
        self.fused = fused
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
            o, l = self.fused.attend(*(self.ready(self.part(t, piece)) for t in (q, k, v)), self.scale)
            l = l.transpose(1, 2)  # [segments, rows, heads]
            if piece[1] == 1 and out is None:
                out = torch.empty_like(v)
                self.part(out, piece).copy_(o)
                lse = torch.empty(q.shape[1], q.shape[2], device=q.device)
                self.lse_part(lse, piece).copy_(l)
                continue
            if out is None:
                out = torch.zeros_like(v)
                lse = torch.full((q.shape[1], q.shape[2]), float("-inf"), device=q.device)
            before = self.lse_part(lse, piece)
            both = torch.logaddexp(before, l)
            share = torch.exp(l - both).transpose(1, 2)[..., None].to(o.dtype)
            self.part(out, piece).lerp_(o, share)
            before.copy_(both)
        return out, lse

    def backward(self, q, k, v, out, lse, d_out):
        dq, dk, dv = None, None, None
        for piece in self.pieces:
            l = self.lse_part(lse, piece).transpose(1, 2).contiguous()
            grads = self.fused.backward(*(self.ready(self.part(t, piece)) for t in (d_out, q, k, v, out)), l, self.scale)
            if dq is None:
                dq, dk, dv = (torch.zeros_like(t) for t in (q, k, v))
            for whole, g in zip((dq, dk, dv), grads):
                self.part(whole, piece).add_(g)
        return dq, dk, dv


def forms(task):
    n = task.numbers
    q, k, v = (task.operands[name] for name in ("q", "k", "v"))

    def make(fused, gathered, rows):
        way = Dilated(fused(), n["branches"], rows, q.shape[2], n["scale"], gathered)
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
        return [(f"{fused.name}, {how}", lambda fused=fused, gathered=gathered: make(fused, gathered, rows))
                for fused in fuseds for how, gathered in (("strided", False), ("gathered", True))]

    # cuDNN's own way back wants its own output; see flash.
    fuseds = [OnCpu] if not q.is_cuda else [Flash] if n["backward"] else [Flash, Cudnn]
    if q.is_cuda or q.shape[1] <= CHOSEN_ON:
        return ways(q.shape[1])
    name, _ = fastest(ways(CHOSEN_ON))
    return [way for way in ways(q.shape[1]) if way[0] == name]
