/**
 * Megalodon: Efficient LLM Pretraining and Inference with Unlimited Context Length. Ma et al., arXiv 2404.08801.
 *
 * <p>A layer normalises its rows by all timesteps so far (timestep norm, equations 4 and 5), passes them through a complex
 * exponential moving average of n modes a channel (CEMA, equations 2 and 3), and lets them attend within chunks of C
 * positions with normalised queries and keys made from one shared representation z (equations 6 to 10), gated (11 to 14). The
 * feed-forward's output is added to the layer's input, not to the attention's (two-hop residual, 15). Time is linear in the
 * length, and what a stream carries is constant: moments, averages, keys and values of one chunk.
 *
 * <p>Shapes: B sequences of N tokens, d the width, H heads, z and v the widths of queries and of values over all heads, n modes.
 *
 * <h2>Every deliberate difference between the paper, the released code (at cff8ba5) and this code</h2>
 * <ol>
 * <li>CEMA: the paper's equation 2 has {@code e^(iθ)} on the input too; the released code and this one leave that to γ.
 * <li>CEMA is a blocked scan here with coefficients in double, and an FFT in the released code, whose phase is off by 2.5e-3
 *     for slow modes at 64K and which ends at 16,384 positions. The scan carries the state exactly, and any length.
 * <li>Moments are kept in double here; in the released code in the activations' dtype, where they stop moving in bf16.
 * <li>Any partition of the input gives the same result here; the released code wants less than a chunk or whole chunks.
 * <li>The released code replaces the moments by those of the last six chunks alone, every two chunks from the eighth on, which
 *     the paper does not say. Here a mode of its own, {@link dev.longspan.megalodon.TruncatedMegalodon}.
 * <li>The gradient of the moments past interior padding is the right one here; the released CPU operator's is 0.2 % off.
 * <li>Attention dropout is the ordinary one after the softmax, as in the released plain path; its fused path drops keys.
 * <li>Rotary positions: interleaved pairs, {@code t mod C}, in both. Packed documents have positions without period here:
 *     only differences within a chunk count.
 * <li>Packed documents (moments, averages, chunks and positions begin with each) and hidden rows are not in the released code.
 * <li>Weights of norms, γ and β are stored minus one or around zero, and weight decay reaches every parameter, in both.
 * <li>paper7B takes what the paper leaves open (z, v, feed-forward, groups) from the released mega7.3B.
 * <li>Activations are computed in the model's dtype here, the log-sum-exp, moments and coefficients more precisely.
 * <li>The bidirectional variant of the paper's encoders is {@link dev.longspan.nn.BidirectionalEma} here, not in the released code.
 * </ol>
 */
@org.jspecify.annotations.NullMarked
package dev.longspan.megalodon;
