"""MEGALODON (arXiv 2404.08801) of the strongest pieces here: CEMA by Toeplitz products, moments by products, chunks in blocks.
Parameters by longspan's paths; weights of norms are stored minus one."""

import math

import attention
import cema
import timestep_norm
import torch
import torch.nn.functional as F

BLOCK = 64


class Megalodon:
    def __init__(self, numbers, parameters, rows, size):
        self.numbers, self.parameters = numbers, parameters
        self.heads, self.chunk, self.eps = numbers["heads"], numbers["chunk"], numbers["eps"]
        self.width = parameters["embedding.weight"].shape[1]
        self.of = timestep_norm.members(self.width, numbers["groups"])
        self.dim = parameters["layers.0.attention.shared.weight"].shape[0] // self.heads
        angles = torch.outer(torch.arange(self.chunk, dtype=torch.float64),
                             numbers["ropeBase"] ** (-torch.arange(self.dim // 2) / (self.dim / 2)))
        self.turns = torch.polar(torch.ones_like(angles), angles).to(torch.complex64)[:, None]
        self.attend = attention.causal(size, 1.0)
        self.averages = {}  # by layer, where parameters do not change

    def linear(self, x, path):
        return F.linear(x, self.parameters[path + ".weight"], self.parameters.get(path + ".bias"))

    def timestep_norm(self, x, path):
        weight, bias = self.parameters[path + ".weight"] + 1, self.parameters[path + ".bias"]
        return timestep_norm.norm(x[0], weight, bias, self.eps, self.of)[None]

    def coefficients(self, path):
        """q and c, complex128 [D, n]."""
        alpha, delta, theta, gamma = (self.parameters[f"{path}.{name}"].double() for name in ("alpha", "delta", "theta", "gamma"))
        p, modes = torch.sigmoid(alpha[..., 0]), alpha.shape[1]
        phase = torch.arange(1, modes + 1) * (2 * math.pi / modes) * torch.sigmoid(theta[..., 0])
        return torch.polar(1 - p * torch.sigmoid(delta[..., 0]), phase), p * torch.view_as_complex(gamma) / math.sqrt(modes)

    def average(self, x, path):
        if torch.is_grad_enabled():
            return cema.Average.apply(x, *self.coefficients(path), self.parameters[path + ".omega"], BLOCK)
        if path not in self.averages:
            of = cema.Coefficients(*self.coefficients(path), self.parameters[path + ".omega"], BLOCK)
            self.averages[path] = cema.Cema(of, cema.Toeplitz(of))
        return self.averages[path].rows(self.averages[path].forward(x)[2])

    def rotate(self, x, first):
        turns = self.turns[torch.arange(first, first + x.shape[1]) % self.chunk]
        return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2))) * turns).flatten(-2)

    def gated_attention(self, x, normed, averaged, path, first, attend):
        inner = F.rms_norm(averaged, (self.width,), self.parameters[path + ".emaNorm.weight"] + 1, self.eps)
        z = F.rms_norm(self.linear(inner, path + ".shared").unflatten(-1, (self.heads, -1)), (self.dim,), None, self.eps)
        gamma = (self.parameters[path + ".gamma"] + 1).view(2, self.heads, -1) / math.sqrt(self.dim)
        beta = self.parameters[path + ".beta"].view(2, self.heads, -1)
        q, k = (self.rotate(torch.addcmul(beta[i], z, gamma[i]), first) for i in range(2))
        v = F.silu(self.linear(normed, path + ".value")).unflatten(-1, (self.heads, -1))
        seen = attend(q, k, v).flatten(-2) * F.silu(self.linear(inner, path + ".gate"))
        return self.linear(inner, path + ".direct") + self.linear(seen, path + ".attended") + x

    def feed_forward(self, y, residual, path):
        n = F.layer_norm(y, (self.width,), self.parameters[path + ".norm.weight"] + 1, self.parameters[path + ".norm.bias"], self.eps)
        inner = F.silu(self.linear(n, path + ".up"))
        if path + ".linear.weight" in self.parameters:
            inner = inner * self.linear(n, path + ".linear")
        return self.linear(inner, path + ".down") + residual

    def chunks(self, q, k, v):
        chunk = min(self.chunk, q.shape[1])
        return attention.joined(self.attend(*(attention.apart(t, chunk) for t in (q, k, v))))

    def logits(self, tokens):
        """tokens: [1, N], N a multiple of the chunk and of the block, or shorter than the chunk."""
        x = F.embedding(tokens, self.parameters["embedding.weight"])
        for i in range(self.numbers["layers"]):
            path = f"layers.{i}"
            normed = self.timestep_norm(x, path + ".attention.norm")
            averaged = self.average(normed, path + ".attention.ema")
            x = self.feed_forward(self.gated_attention(x, normed, averaged, path + ".attention", 0, self.chunks), x,
                                  path + ".feedForward")
        return self.linear(self.timestep_norm(x, "norm"), "output")


class Moments:
    """A timestep norm's, a row at a time."""

    def __init__(self, groups):
        self.count, self.mean, self.var = 0, torch.zeros(groups, dtype=torch.float64), torch.ones(groups, dtype=torch.float64)

    def __call__(self, x, of, eps, weight, bias):
        """x: [1, 1, D]."""
        self.count += 1
        var, mean = torch.var_mean(x.view(of.shape[1], -1), -1, correction=0)
        share = 1 / self.count
        off = mean.double() - self.mean
        self.var = (1 - share) * self.var + share * var.double() + share * (1 - share) * off * off
        self.mean = self.mean + share * off
        scale, shift = (self.var + eps).rsqrt().float()[:, None], self.mean.float()[:, None]
        return torch.addcmul(bias, ((x.view(of.shape[1], -1) - shift) * scale).view(x.shape), weight)


class Decoding:
    """One token at a time, within the first chunk; only tokens behind the prompt count."""

    def __init__(self, task, model):
        self.model, self.prompt, self.checked = model, task.numbers["prompt"], task.numbers["checked"]
        self.tokens = task.operands["tokens"].long()
        p = model.parameters
        self.averages = [tuple(t.to(torch.complex64) for t in model.coefficients(f"layers.{i}.attention.ema"))
                         for i in range(task.numbers["layers"])]
        self.plus_one = {name: t + 1 for name, t in p.items() if name.endswith("orm.weight")}

    @torch.no_grad()
    def begin(self):
        layers, model = range(self.model.numbers["layers"]), self.model
        groups = model.of.shape[1]
        self.norms = [Moments(groups) for _ in layers]
        self.last = Moments(groups)
        self.states = [torch.zeros_like(q) for q, _ in self.averages]
        rows, wide = self.tokens.shape[1], model.parameters["layers.0.attention.value.weight"].shape[0] // model.heads
        self.caches = [(torch.zeros(1, rows, model.heads, model.dim), torch.zeros(1, rows, model.heads, wide)) for _ in layers]
        for at in range(self.prompt):
            self.next(at)

    def norm(self, moments, x, path):
        return moments(x, self.model.of, self.model.eps, self.plus_one[path + ".weight"], self.model.parameters[path + ".bias"])

    def next(self, at):
        model = self.model
        x = F.embedding(self.tokens[:, at:at + 1], model.parameters["embedding.weight"])
        for i, (moments, (q, c), (keys, values)) in enumerate(zip(self.norms, self.averages, self.caches)):
            path = f"layers.{i}.attention"
            normed = self.norm(moments, x, path + ".norm")
            self.states[i] = torch.addcmul(normed.view(-1, 1).to(torch.complex64), q, self.states[i])
            averaged = ((c * self.states[i]).real.sum(-1)
                        + model.parameters[path + ".ema.omega"][:, 0] * normed.view(-1)).view(normed.shape)

            def attend(query, key, value):
                keys[:, at], values[:, at] = key[:, 0], value[:, 0]
                k, v = keys[0, :at + 1].transpose(0, 1), values[0, :at + 1].transpose(0, 1)  # [H, rows, D]
                return torch.matmul(torch.softmax(torch.matmul(query[0].transpose(0, 1), k.transpose(1, 2)), -1), v).transpose(0, 1)[None]

            y = model.gated_attention(x, normed, averaged, path, at, attend)
            x = model.feed_forward(y, x, f"layers.{i}.feedForward")
        return model.linear(self.norm(self.last, x, "norm"), "output")

    @torch.no_grad()
    def __call__(self):
        return {"logits": torch.cat([self.next(at) for at in range(self.prompt, self.tokens.shape[1])], 1)}

    def answers(self):
        self.begin()
        return {"logits": self()["logits"][:, : self.checked - self.prompt]}
