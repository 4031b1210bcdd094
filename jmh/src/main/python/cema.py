"""s_t = q s_{t-1} + x_t, y_t = sum over modes of Re(c s_t) + omega x_t, for L steps of D channels: blocks of T steps.

Within a block y is a convolution with k_u = Re(sum of c q^u), k_0 + omega: a product with a Toeplitz matrix, or an FFT. Between
blocks the state h is carried: S = sum of q^(T-1-j) x_j enters it, Re(c q^(t+1) h) is what it adds. Whatever q, c and omega alone
decide is computed once, in float64. Complex gradients are dL/dRe + i dL/dIm.
"""

import torch


class Coefficients:
    """Powers and matrices for blocks of T steps. q, c: complex [D, n], omega: [D, 1]."""

    def __init__(self, q, c, omega, size):
        self.size = size
        steps = torch.arange(size + 1, dtype=torch.float64)
        powers = q[:, None, :] ** steps[None, :, None]  # [D, T + 1, n]
        self.kernel = (c[:, None, :] * powers[:, :size]).sum(-1).real  # [D, T]
        self.kernel[:, 0] += omega.double().view(-1)
        self.q, self.c, self.powers = q, c, powers.to(torch.complex64)
        self.enter = powers[:, :size].flip(1).to(torch.complex64)  # [D, T, n]: q^(T-1-j)
        self.leave = (c[:, None, :] * powers[:, 1:]).to(torch.complex64)  # c q^(t+1)
        self.carry = powers[:, size].to(torch.complex64).contiguous()  # q^T
        # Products with complex numbers as pairs of real ones: x -> (Re, Im) of S, and (Re, Im) of h -> y.
        self.enter_pairs = torch.view_as_real(self.enter).flatten(2).contiguous()  # [D, T, 2n]
        self.leave_pairs = torch.view_as_real(self.leave.conj().resolve_conj()).flatten(2).transpose(1, 2).contiguous()


class Toeplitz:
    """Convolutions within blocks as products with [D, T, T]."""

    def __init__(self, coefficients):
        size = coefficients.size
        lag = torch.arange(size)[None, :] - torch.arange(size)[:, None]  # t - j
        self.matrix = torch.where(lag >= 0, coefficients.kernel[:, lag.clamp(min=0)], 0.0).float()

    def forward(self, x):
        return torch.bmm(x, self.matrix)

    def backward(self, x, dy):
        """dx, and dk [D, T]."""
        outer = torch.bmm(x.transpose(1, 2), dy)  # [D, j, t]
        # Rows read one further each are diagonals: (j, u) of stride (T + 1, 1) is (j, j + u), or a zero below the diagonal.
        channels, size = outer.shape[:2]
        flat = torch.nn.functional.pad(outer.triu_().flatten(1), (0, size))
        dk = flat.as_strided((channels, size, size), (flat.shape[1], size + 1, 1)).sum(1)
        return torch.bmm(dy, self.matrix.transpose(1, 2)), dk


class Fourier:
    """The same by FFTs of 2T."""

    def __init__(self, coefficients):
        self.size = coefficients.size
        self.kernel = torch.fft.rfft(coefficients.kernel, 2 * self.size).to(torch.complex64)[:, None, :]

    def forward(self, x):
        self.x = torch.fft.rfft(x, 2 * self.size)
        return torch.fft.irfft(self.x * self.kernel, 2 * self.size)[..., : self.size]

    def backward(self, x, dy):
        dy = torch.fft.rfft(dy, 2 * self.size)
        dx = torch.fft.irfft(dy * self.kernel.conj(), 2 * self.size)[..., : self.size]
        dk = torch.fft.irfft((dy * self.x.conj()).sum(1), 2 * self.size)[..., : self.size]
        return dx, dk


class Cema:
    """x, y: [1, L, D]."""

    def __init__(self, coefficients, within):
        self.of = coefficients
        self.within = within

    def blocks(self, x):
        return x.view(-1, self.of.size, x.shape[2]).permute(2, 0, 1).contiguous()  # [D, L / T, T]

    def rows(self, y):
        return y.permute(1, 2, 0).reshape(1, -1, y.shape[0])

    def scan(self, entering, carry, reverse=False):
        """h_{b+1} = carry h_b + entering_b from h_0 = 0: all h before a block; or the same from the last block."""
        h = torch.zeros_like(entering)
        count = entering.shape[0]
        for b in range(1, count):
            at, before = (count - 1 - b, count - b) if reverse else (b, b - 1)
            torch.addcmul(entering[before], carry, h[before], out=h[at])
        return h

    def forward(self, x):
        x = self.blocks(x)
        y = self.within.forward(x)
        h = None
        if x.shape[1] > 1:
            entering = torch.bmm(x, self.of.enter_pairs)  # [D, L / T, 2n]
            h = self.scan(complex_of(entering), self.of.carry)
            y = y + torch.bmm(pairs_of(h), self.of.leave_pairs)
        return x, h, y

    def backward(self, x, h, dy):
        """dx, dq, dc and dOmega."""
        of, size = self.of, self.of.size
        dy = self.blocks(dy)
        dx, dk = self.within.backward(x, dy)
        powers, lags = of.powers, torch.arange(size + 1, dtype=torch.float32, device=dy.device)[None, :, None]
        q, c = of.q.to(torch.complex64), of.c.to(torch.complex64)
        # k_u = Re(c q^u): the real gradient meets conj(q^u), and u c q^(u-1).
        dc = torch.einsum("du,dun->dn", dk.to(torch.complex64), powers[:, :size].conj())
        d_power = torch.zeros_like(powers)
        d_power[:, :size] = dk[..., None] * c.conj()[:, None, :]
        if h is not None:
            dh = self.scan(torch.view_as_complex(
                torch.bmm(dy, of.leave_pairs.transpose(1, 2)).unflatten(2, (-1, 2))).transpose(0, 1).contiguous(),
                of.carry.conj().resolve_conj(), reverse=True)  # of what enters behind each block
            dx += torch.bmm(pairs_of(dh), of.enter_pairs.transpose(1, 2))
            d_leave = complex_pairs(torch.bmm(dy.transpose(1, 2), pairs_of(h))).conj()  # [D, T, n]
            dc += (d_leave * powers[:, 1:].conj()).sum(1)
            d_power[:, 1:] += d_leave * c.conj()[:, None, :]
            d_enter = complex_pairs(torch.bmm(x.transpose(1, 2), pairs_of(dh)))
            d_power[:, :size] += d_enter.flip(1)
            d_power[:, size] += (dh * h.conj()).sum(0)
        dq = (d_power[:, 1:] * (lags[:, 1:] * powers[:, :size].conj())).sum(1)
        return self.rows(dx), dq, dc, dk[:, :1]


def complex_of(pairs):
    """[D, blocks, 2n] as complex [blocks, D, n]."""
    return torch.view_as_complex(pairs.unflatten(2, (-1, 2))).transpose(0, 1).contiguous()


def complex_pairs(pairs):
    return torch.view_as_complex(pairs.unflatten(2, (-1, 2)).contiguous())


def pairs_of(h):
    """Complex [blocks, D, n] as [D, blocks, 2n]."""
    return torch.view_as_real(h).flatten(2).transpose(0, 1).contiguous()


def stored(t):
    """Complex [D, n] as [n, 2, D]."""
    return torch.view_as_real(t).permute(1, 2, 0)


def read(t):
    """[n, 2, D] as complex [D, n]."""
    return torch.complex(t[:, 0], t[:, 1]).t()


class Average(torch.autograd.Function):
    """A CEMA by Toeplitz products, differentiable in x, q, c and omega, whose matrices are made anew."""

    @staticmethod
    def forward(ctx, x, q, c, omega, size):
        coefficients = Coefficients(q, c, omega, size)
        ctx.cema = Cema(coefficients, Toeplitz(coefficients))
        blocks, h, y = ctx.cema.forward(x)
        ctx.save_for_backward(blocks, h)
        return ctx.cema.rows(y)

    @staticmethod
    def backward(ctx, dy):
        blocks, h = ctx.saved_tensors
        dx, dq, dc, d_omega = ctx.cema.backward(blocks, h, dy)
        return dx, dq.to(torch.complex128), dc.to(torch.complex128), d_omega, None


def forms(task):
    n = task.numbers
    x, q, c, omega = (task.operands[name] for name in ("x", "q", "c", "omega"))

    def make(within, size):
        coefficients = Coefficients(read(q), read(c), omega, size)
        cema = Cema(coefficients, within(coefficients))

        @torch.no_grad()
        def run():
            blocks, h, y = cema.forward(x)
            if not n["backward"]:
                return {"y": cema.rows(y)}
            dx, dq, dc, d_omega = cema.backward(blocks, h, task.operands["dy"])
            return {"y": cema.rows(y), "dx": dx, "dq": stored(dq), "dc": stored(dc), "dOmega": d_omega}

        return run

    comma, more = (",", (8192,)) if x.is_cuda else ("", ())
    ways = [("toeplitz", Toeplitz, size) for size in (32, 64, 128, 256)] + [
        ("fft", Fourier, size) for size in (256, 512, 2048, *more)]
    return [(f"{name}{comma} {size}", lambda within=within, size=size: make(within, size)) for name, within, size in ways
            if size <= n["rows"]]
