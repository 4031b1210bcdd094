/**
 * Recurrent Memory Transformer: Bulatov et al., arXiv 2207.06881 (decoders) and arXiv 2304.11062 (encoders, two million tokens).
 *
 * <p>A document is cut into segments {@code X₁ … Xₙ}; m vectors M, learned for the first, go from one to the next through the
 * backbone's own attention. With f the backbone, in which nothing changes:
 * <ul>
 * <li>encoder ({@link dev.longspan.rmt.RmtEncoder}): {@code H = f([CLS] Mₛ [SEP] Xₛ [SEP] [PAD]…)},
 *     {@code Mₛ₊₁ = H[1 … m]}, logits of {@code H[0]} of the last segment;
 * <li>decoder ({@link dev.longspan.rmt.RmtDecoder}): {@code H = f(Mₛ Xₛ Mₛ)}, causal; logits of {@code H} at {@code Xₛ},
 *     {@code Mₛ₊₁ = H[m + |Xₛ| …]}, the second M's rows, which have seen the segment.
 * </ul>
 * Time is linear in the length, and memory constant: in inference a pass per segment
 * ({@link dev.longspan.rmt.RmtEncoder#read}, {@link dev.longspan.rmt.RmtDecoder#next}), in training segments that are computed
 * again on the way back ({@link dev.longspan.rmt.RmtConfig#recompute()}). Backbones are any {@link dev.longspan.nn.Backbone}:
 * BERT and LongNet's encoder for one layout, GPT-2, LongNet, MEGALODON and the Llama-style decoder for the other.
 *
 * <p>Shapes: B documents, S tokens a segment, m memory vectors of width d.
 *
 * <h2>Every deliberate difference between the papers, the released code and this code</h2>
 * The released code is booydar/recurrent-memory-transformer, its branches aaai24 (f20781e) and framework_accel (9d0ebe1).
 * <ol>
 * <li>Memory of the encoder: rows V … V+m−1 of the word embedding there, a parameter of its own here. The numbers are the same;
 *     a pretrained table keeps its size, and a tied output has no logits for memory.
 * <li>Documents longer than {@code max_n_segments}: there cut off at the end, where the question stands, without a word. Here an
 *     error unless {@code truncate} is asked for. An empty document is an error too: there it has no logits.
 * <li>PAD, CLS and SEP within the given ids are dropped there. Here that is a call of its own,
 *     {@link dev.longspan.rmt.SpecialTokens#stripped}.
 * <li>{@code sum_loss} there is the mean over segments of the mean over the documents that take part; here
 *     {@link dev.longspan.rmt.RmtConfig.Supervision#MEAN}, the same number.
 * <li>Backpropagation through k segments. aaai24's decoder cuts the memory behind segment s where {@code s > 0} and
 *     {@code s + k2 ≤ max_n_segments}: the first segment is never cut off, even with k2 = 1, and a loss reaches between 1 and all
 *     segments. framework_accel computes that rule and ignores it. aaai24's encoder refuses any depth; encoders before it
 *     counted k segments <em>before</em> the last, and cut off the learned memory of documents that begin later as well. Here every
 *     loss reaches exactly k segments, its own included; aaai24's decoder rule is there for comparison.
 * <li>Batches: as there, documents with fewer segments begin later, and the end of a padded sequence still updates the
 *     memory of a decoder. Memory is never masked.
 * <li>Alignment: right for encoders and left for decoders, as there; all three are open to both. A stream is aligned left, since
 *     its end is not known.
 * <li>Positions begin with 0 in each segment, and a backbone's own state (MEGALODON's averages and moments) begins afresh, as there.
 *     On request ({@link dev.longspan.rmt.RmtConfig.Carry}) decoders go on: with positions, of which only learned tables see
 *     anything, since rotations are relative; or, at inference, with all that the backbone streams with, so that the segments
 *     and their memory are one sequence to it. Either needs a table as long as the whole. Encoders do not: a BERT's table is
 *     one segment long, and a document that begins later than others of its batch would stand elsewhere than alone.
 *     The associative-memory successor's {@code wrap_pos}, write memory at positions behind the table, is not here.
 * <li>Decoders read a segment that is not yet full without its write memory, which no token sees. The tokens of that segment are
 *     computed again with each call; nothing is cached within a segment unless the backbone's state is carried.
 * <li>Memory starts from {@code N(0, 0.02²)} in encoders, as BERT's new rows do there; in decoders the deviation is given, there
 *     it is that of the embeddings.
 * <li>The learned memory has weight decay wherever the caller gives it to matrices, as there.
 * </ol>
 */
@org.jspecify.annotations.NullMarked
package dev.longspan.rmt;
