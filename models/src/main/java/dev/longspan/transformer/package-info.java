/**
 * The baselines, all of them LongNet's decoder ({@link dev.longspan.longnet.LongNet}) with other parts.
 *
 * <p>{@code transformer} and {@code sparse-transformer}, which LongNet is measured against, differ from it in the pattern of
 * attention alone: parameters and checkpoints are the same. {@code llama}, which MEGALODON is measured against, is
 * Llama (Touvron et al., arXiv 2302.13971): {@code x ← x + W_o attention(R q, R k, v)} and
 * {@code x ← x + W₂ (SiLU(W₃ n) ⊙ W₁ n)} with {@code n = x / √(mean(x²) + ε) · w} in front of each and behind the last layer.
 *
 * <h2>Every deliberate difference between Llama as released, Hugging Face's and this code</h2>
 * <ol>
 * <li>RoPE turns pairs {@code (xₘ, xₘ₊D/2)} by default, as Hugging Face's weights need it; Llama as released turns
 *     {@code (x₂ₘ, x₂ₘ₊₁)}, here {@code rope_pairs = neighbours}. The rows of W_q and W_k in the other order make them equal.
 * <li>RoPE's angles are taken in double. The others take them in float32: with D = 64 up to 3.5e-4 off at position 16,384
 *     and 2.8e-3 at 131,072.
 * <li>As many heads for keys as for queries. Grouped queries (Llama 2 70B, Llama 3) and scaled RoPE are not here.
 * <li>ε is 1e-5, Llama 2's; Llama 1 has 1e-6.
 * <li>Weights start from {@code N(0, 0.02²)}, Hugging Face's {@code initializer_range}; the papers do not say.
 * <li>The inner width is chosen for a number of parameters; Llama takes 8/3 of the width, rounded up to a multiple of 256.
 * </ol>
 */
@org.jspecify.annotations.NullMarked
package dev.longspan.transformer;
