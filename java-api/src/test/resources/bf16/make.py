"""What PyTorch computes from bfloat16 operands, on the CPU: python make.py torch.safetensors"""
import sys

import torch
from safetensors.torch import save_file

torch.manual_seed(1)
tensors = {}


def normal(*shape):
    return torch.randn(*shape).bfloat16()


# x Wᵀ + b; the second is deeper than what is summed at once.
for name, rows, cols, depth in [("linear", 60, 96, 300), ("deep", 6, 24, 3000), ("decode", 1, 70, 500)]:
    x, weight, bias = normal(rows, depth), normal(cols, depth), normal(cols)
    y = torch.nn.functional.linear(x, weight, bias)
    tensors |= {f"{name}.x": x, f"{name}.weight": weight, f"{name}.bias": bias, f"{name}.y": y}

# Heads second, as scaled_dot_product_attention has them.
for name, causal, tokens in [("full", False, 100), ("causal", True, 130)]:
    q, k, v, d_out = (normal(1, 2, tokens, 32).requires_grad_() for _ in range(4))
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
    out.backward(d_out)
    tensors |= {f"{name}.q": q, f"{name}.k": k, f"{name}.v": v, f"{name}.dOut": d_out, f"{name}.out": out,
                f"{name}.dq": q.grad, f"{name}.dk": k.grad, f"{name}.dv": v.grad}

save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, sys.argv[1],
          {"torch": torch.__version__})
