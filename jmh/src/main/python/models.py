"""Whole decoders: a step of training, a forward, or one token at a time. Written as whoever ports the model would write it: fused
attention, norms and AdamW where PyTorch has them."""

import dilated
import megalodon
import torch
import torch.nn.functional as F


class Dilation(torch.autograd.Function):
    """Dilated attention with the exact gradient of the merged softmax."""

    @staticmethod
    def forward(ctx, q, k, v, way):
        out, lse = way.forward(q, k, v)
        ctx.way = way
        ctx.save_for_backward(q, k, v, out, lse)
        return out

    @staticmethod
    def backward(ctx, d_out):
        q, k, v, out, lse = ctx.saved_tensors
        return *ctx.way.backward(q, k, v, out, lse, d_out.contiguous()), None


class Rope:
    """Angles of positions; pairs are neighbours or halves."""

    def __init__(self, rows, dim, halves):
        angles = torch.outer(torch.arange(rows, dtype=torch.float64), 10000.0 ** (-torch.arange(dim // 2) / (dim / 2)))
        self.halves = halves
        self.turns = torch.polar(torch.ones_like(angles), angles).to(torch.complex64)[:, None]
        self.cos, self.sin = (f(torch.cat([angles, angles], -1)).float()[:, None] for f in (torch.cos, torch.sin))

    def __call__(self, x, first=0):
        """x: [1, N, H, D]."""
        rows = slice(first, first + x.shape[1])
        if self.halves:
            low, high = x.chunk(2, -1)
            return x * self.cos[rows] + torch.cat([-high, low], -1) * self.sin[rows]
        return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2))) * self.turns[rows]).flatten(-2)


class Decoder:
    """x <- x + attention(norm(x)), x <- x + feed-forward(norm(x)); parameters by longspan's paths."""

    def __init__(self, numbers, parameters, rows):
        self.numbers, self.parameters = numbers, parameters
        self.heads = numbers["heads"]
        self.width = parameters["embedding.weight"].shape[1]
        self.rope = Rope(rows, self.width // self.heads, numbers["halves"])
        scale = (self.width // self.heads) ** -0.5
        self.dilated = (dilated.Dilated(dilated.OnCpu(), numbers["branches"], rows, self.heads, scale, True)
                        if numbers["branches"] else None)

    def norm(self, x, path):
        weight, bias = self.parameters[path + ".weight"], self.parameters.get(path + ".bias")
        if self.numbers["rms"]:
            return F.rms_norm(x, weight.shape, weight, self.numbers["eps"])
        return F.layer_norm(x, weight.shape, weight, bias, self.numbers["eps"])

    def linear(self, x, path):
        return F.linear(x, self.parameters[path + ".weight"], self.parameters.get(path + ".bias"))

    def attend(self, q, k, v):
        if self.dilated is not None:
            return Dilation.apply(q.contiguous(), k.contiguous(), v.contiguous(), self.dilated)
        return F.scaled_dot_product_attention(*(t.transpose(1, 2) for t in (q, k, v)), is_causal=True).transpose(1, 2)

    def layer(self, x, path, attend, first):
        normed = self.norm(x, path + ".attentionNorm")
        q, k, v = (self.linear(normed, f"{path}.attention.{name}").unflatten(-1, (self.heads, -1))
                   for name in ("query", "key", "value"))
        seen = attend(self.rope(q, first), self.rope(k, first), v).flatten(-2)
        if self.numbers["inner"]:
            seen = self.norm(seen, path + ".attention.norm")
        x = x + self.linear(seen, path + ".attention.out")
        normed = self.norm(x, path + ".feedForwardNorm")
        up = self.linear(normed, path + ".feedForward.up")
        inner = F.silu(self.linear(normed, path + ".feedForward.gate")) * up if self.numbers["gated"] else F.gelu(up)
        if self.numbers["inner"]:
            inner = self.norm(inner, path + ".feedForward.norm")
        return x + self.linear(inner, path + ".feedForward.down")

    def logits(self, tokens):
        x = F.embedding(tokens, self.parameters["embedding.weight"])
        for i in range(self.numbers["layers"]):
            x = self.layer(x, f"layers.{i}", self.attend, 0)
        return self.linear(self.norm(x, "norm"), "output")

    def next(self, tokens, caches, first):
        """Logits of tokens from position first on, keys and values kept in caches, a pair [1, rows, H, D] a layer. Dense."""
        x = F.embedding(tokens, self.parameters["embedding.weight"])
        for i, cache in enumerate(caches):
            x = self.layer(x, f"layers.{i}", lambda q, k, v, cache=cache: self.cached(cache, q, k, v, first), first)
        return self.linear(self.norm(x, "norm"), "output")

    def cached(self, cache, q, k, v, first):
        end = first + q.shape[1]
        for kept, new in zip(cache, (k, v)):
            kept[:, first:end] = new
        k, v = (kept[:, :end] for kept in cache)
        return F.scaled_dot_product_attention(*(t.transpose(1, 2) for t in (q, k, v)), is_causal=first == 0).transpose(1, 2)


class Training:
    def __init__(self, task, decoder):
        self.decoder, self.checked = decoder, task.numbers["checked"]
        self.tokens, self.targets = task.operands["tokens"].long(), task.operands["targets"].long()
        self.fresh = decoder.parameters
        decoder.parameters = self.parameters = {name: p.clone().requires_grad_() for name, p in self.fresh.items()}
        self.optimizer = torch.optim.AdamW(self.parameters.values(), lr=task.numbers["learningRate"], betas=(0.9, 0.98),
                                           eps=1e-8, weight_decay=0.01, fused=True)

    def __call__(self):
        self.optimizer.zero_grad()
        F.cross_entropy(self.decoder.logits(self.tokens)[0], self.targets[0]).backward()
        self.optimizer.step()

    def answers(self):
        """Of the weights that were given, whatever steps have made of them."""
        with torch.no_grad():
            for name, p in self.parameters.items():
                p.copy_(self.fresh[name])
        self.optimizer.zero_grad()
        logits = self.decoder.logits(self.tokens)[0, : self.checked]
        losses = F.cross_entropy(logits, self.targets[0, : self.checked], reduction="none")
        losses.mean().backward()
        return {"losses": losses.detach(), **{"gradient:" + name: p.grad for name, p in self.parameters.items()}}


class Decoding:
    """Only tokens behind the prompt count."""

    def __init__(self, task, decoder):
        self.decoder, self.prompt, self.checked = decoder, task.numbers["prompt"], task.numbers["checked"]
        self.tokens = task.operands["tokens"].long()
        shape = (1, self.tokens.shape[1], decoder.heads, decoder.width // decoder.heads)
        self.caches = [(torch.zeros(shape), torch.zeros(shape)) for _ in range(task.numbers["layers"])]

    def begin(self):
        with torch.no_grad():
            self.decoder.next(self.tokens[:, : self.prompt], self.caches, 0)

    @torch.no_grad()
    def __call__(self):
        return {"logits": torch.cat([self.decoder.next(self.tokens[:, at: at + 1], self.caches, at)
                                     for at in range(self.prompt, self.tokens.shape[1])], 1)}

    def answers(self):
        self.begin()
        return {"logits": self()["logits"][:, : self.checked - self.prompt]}


def forms(task):
    """Of decoders."""
    numbers = task.numbers
    decoder = Decoder(numbers, parameters(task), task.operands["tokens"].shape[1])
    if numbers["mode"] == "decode":
        return [] if numbers["branches"] else [("", lambda: Decoding(task, decoder))]
    return [("", lambda: whole(task, decoder))]


def megalodon_forms(task):
    rows = task.operands["tokens"].shape[1]

    def model(size):
        return megalodon.Megalodon(task.numbers, parameters(task), rows, size)

    if task.numbers["mode"] == "decode":
        return [("", lambda: megalodon.Decoding(task, model(rows)))]
    return [(f"toeplitz {megalodon.BLOCK}, blocks of {size}", lambda size=size: whole(task, model(size))) for size in (128, 256)]


def parameters(task):
    return {name: t for name, t in task.operands.items() if name not in ("tokens", "targets")}


def whole(task, model):
    """Training or a forward of the whole sequence."""
    if task.numbers["mode"] == "train":
        return Training(task, model)
    tokens = task.operands["tokens"].long()

    @torch.no_grad()
    def forward():
        return {"logits": model.logits(tokens)[:, : task.numbers["checked"]]}

    return forward
