"""Attention: fused where it is dense, composed of fused pieces where it is dilated or in chunks."""

import dilated
import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel


def forms(task):
    n = task.numbers
    q, k, v = (task.operands[name] for name in ("q", "k", "v"))
    if n["pattern"] == "dilated":
        return dilated.forms(task)
    if n["pattern"] == "chunked":
        return chunked(task, q, k, v, n["branches"][0]["segment"])
    # [B, N, H, D] seen as [B, H, N, D] by strides: the kernel takes them; contiguous heads are the other way.
    seen = [t.transpose(1, 2) for t in (q, k, v)]
    own = [t.contiguous() for t in seen]

    def attend(q, k, v):
        return F.scaled_dot_product_attention(q, k, v, is_causal=n["causal"], scale=n["scale"])

    def ways(prefix, attend):
        return [(prefix + name, lambda operands=operands: differentiated(task, operands, attend, lambda t: t.transpose(1, 2)))
                for name, operands in (("heads interleaved", seen), ("heads apart", own))]

    if not q.is_cuda:
        return ways("", attend)
    # In float32 there is neither of these two.
    backends = (("flash", SDPBackend.FLASH_ATTENTION), ("cuDNN", SDPBackend.CUDNN_ATTENTION)) if (
        q.dtype == torch.bfloat16) else (("efficient", SDPBackend.EFFICIENT_ATTENTION),)
    return [way for name, backend in backends for way in ways(name + ", ", only(backend, attend))]


def only(backend, attend):
    """attend by that backend of PyTorch's, or not at all."""
    def within(*operands):
        with sdpa_kernel(backend):
            return attend(*operands)

    return within


def differentiated(task, operands, attend, back):
    """attend forward, or forward and backward by autograd; back gives the answers' layout."""
    if not task.numbers["backward"]:
        @torch.no_grad()
        def forward():
            return {"out": back(attend(*operands))}
        return forward

    operands = [t.detach().requires_grad_() for t in operands]
    given = back(task.operands["dOut"]).contiguous() if operands[0].is_contiguous() else back(task.operands["dOut"])

    def both():
        out = attend(*operands)
        grads = torch.autograd.grad(out, operands, given)
        return {"out": back(out.detach()), **{name: back(g) for name, g in zip(("dq", "dk", "dv"), grads)}}

    return both


def causal(size, scale):
    """Causal attention within a chunk, blocks of queries at a time: half of the scores are never made."""
    bias = torch.full((size, size), float("-inf")).triu(1)

    def attend(q, k, v):
        outs = []
        for start in range(0, q.shape[2], size):
            end = min(start + size, q.shape[2])
            scores = torch.matmul(q[:, :, start:end] * scale, k[:, :, :end].transpose(-1, -2))
            scores[..., start:] += bias[: end - start, : end - start]
            outs.append(torch.matmul(torch.softmax(scores, -1), v[:, :, :end]))
        return torch.cat(outs, 2)

    return attend


def apart(t, chunk):
    """[1, N, H, D] as [chunks, H, rows, D]."""
    return t.reshape(-1, chunk, t.shape[2], t.shape[3]).transpose(1, 2)


def joined(t):
    """The way back."""
    return t.transpose(1, 2).reshape(1, -1, t.shape[1], t.shape[3])


def chunked(task, q, k, v, chunk):
    """Chunks as a batch: fused attention wants values as wide as keys, so values are cut into slices, or it is composed."""
    scale, dim = task.numbers["scale"], q.shape[3]

    def sdpa(q, k, v):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)

    def slices(q, k, v):
        return torch.cat([sdpa(q, k, part) for part in v.split(dim, -1)], -1)

    ways = {"sdpa": sdpa, **{f"blocks, of {size}": causal(size, scale) for size in (128, 256, 512)}}
    if v.shape[3] % dim == 0:
        ways["sdpa, sliced values"] = slices

    def make(way):
        if not task.numbers["backward"]:
            @torch.no_grad()
            def forward():
                return {"out": joined(way(*(apart(t, chunk) for t in (q, k, v))))}
            return forward
        operands = [apart(t, chunk).detach().requires_grad_() for t in (q, k, v)]
        given = apart(task.operands["dOut"], chunk)

        def both():
            out = way(*operands)
            grads = torch.autograd.grad(out, operands, given)
            return {"out": joined(out.detach()), **{name: joined(g) for name, g in zip(("dq", "dk", "dv"), grads)}}

        return both

    return [(name, lambda way=way: make(way)) for name, way in ways.items()]
