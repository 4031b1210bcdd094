/**
 * The baselines, all of them LongNet's decoder or encoder ({@link dev.longspan.longnet.LongNet},
 * {@link dev.longspan.longnet.LongNetEncoder}) with other parts.
 *
 * <p>{@code transformer} and {@code sparse-transformer}, which LongNet is measured against, differ from it in the pattern of
 * attention alone: parameters and checkpoints are the same. {@code llama}, which MEGALODON is measured against, is
 * Llama (Touvron et al., arXiv 2302.13971): {@code x ← x + W_o attention(R q, R k, v)} and
 * {@code x ← x + W₂ (SiLU(W₃ n) ⊙ W₁ n)} with {@code n = x / √(mean(x²) + ε) · w} in front of each and behind the last layer.
 *
 * <p>{@code Bert} (Devlin et al., arXiv 1810.04805) and {@code Gpt2} (Radford et al., 2019) are what the Recurrent Memory
 * Transformer was put around: {@code x ← N(x + f(x))} with all rows visible, and {@code x ← x + f(N(x))} with the earlier ones.
 * {@link dev.longspan.transformer.HuggingFace} reads their weights.
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
 *
 * <h2>Every deliberate difference between Hugging Face's BERT and GPT-2 and this code</h2>
 * <ol>
 * <li>The pooler is not part of the backbone: it belongs to the head that reads it. Heads in a checkpoint (masked words, next
 *     sentence, answers) are passed over. A checkpoint without pooler is an error, where transformers draws a new one.
 * <li>Token types are 0 unless given.
 * <li>Queries, keys and values of GPT-2 are three matrices [out, in]; {@link dev.longspan.transformer.Gpt2Layout} finds them in
 *     its one [in, out].
 * <li>Hidden keys get no weight at all, where transformers adds the least finite number: a row that sees nothing is 0 here and
 *     the mean of all values there.
 * <li>One rate of dropout for GPT-2's embeddings and residuals; other keys of config.json than those known are an error. Relative
 *     positions, cross-attention and decoders of BERT, and attention scaled by the number of the layer, are not here.
 * </ol>
 */
@org.jspecify.annotations.NullMarked
package dev.longspan.transformer;
