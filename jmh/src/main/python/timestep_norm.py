"""Running moments of groups: per-row moments, then cumulative sums in float64."""

import torch


def members(channels, groups):
    """[channels, groups]: means over a group as a product, which is faster than a sum over so few neighbours."""
    return torch.eye(groups).repeat_interleave(channels // groups, 0) * (groups / channels)


def by_products(x, of):
    return (x @ of).double(), (x * x @ of).double()


def by_sums(x, of):
    var, mean = torch.var_mean(x.view(x.shape[0], of.shape[1], -1), -1, correction=0)
    return mean.double(), var.double() + mean.double() ** 2


def norm(x, weight, bias, eps, of, moments=by_products):
    """x: [rows, channels]."""
    count = torch.arange(1, x.shape[0] + 1, dtype=torch.float64, device=x.device)[:, None]
    mean, square = (m.cumsum(0) / count for m in moments(x, of))
    scale = (square - mean * mean + eps).rsqrt().float()[..., None]
    grouped = x.view(x.shape[0], of.shape[1], -1)
    return torch.addcmul(bias, ((grouped - mean.float()[..., None]) * scale).view(x.shape), weight)


def forms(task):
    x, weight, bias = (task.operands[name] for name in ("x", "weight", "bias"))
    of = members(task.numbers["channels"], task.numbers["groups"])

    def make(moments):
        @torch.no_grad()
        def run():
            return {"y": norm(x[0], weight, bias, task.numbers["eps"], of, moments)[None]}

        return run

    return [("sums", lambda: make(by_sums)), ("products", lambda: make(by_products))]
