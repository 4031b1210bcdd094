/**
 * LongNet: Scaling Transformers to 1,000,000,000 Tokens. Ding et al., arXiv 2307.02486.
 *
 * <p>Branch i of dilated attention cuts the sequence into segments of {@code wᵢ} rows, and head j keeps of each segment
 * every {@code rᵢ}-th row from its phase {@code oᵢⱼ} on (equations 3 to 5, 13 to 15). Rows kept together attend to each other
 * (equation 6). Branches are mixed by their softmax denominators {@code sᵢ}, {@code out = Σ αᵢ Oᵢ} with
 * {@code αᵢ = sᵢ / Σ sⱼ} (equations 9 and 10), which is one softmax over all of them. w and r grow geometrically until w
 * reaches the length (equations 11 and 12), so that cost is linear and the path between two positions logarithmic.
 * Around it stands Magneto's decoder (arXiv 2210.06423) with xPos (arXiv 2212.10554).
 *
 * <p>Shapes: B sequences of N tokens, d the width, H heads of D = d/H, L layers.
 *
 * <h2>Every deliberate difference between the paper, torchscale (at 4d1e0e8) and this code</h2>
 * <ol>
 * <li>Head offsets: the paper's {@code j mod r}; torchscale's contiguous groups, {@code ⌊j / ⌈H/r⌉⌋}. Here a setting, groups by
 *     default, because published weights have them. Read literally the paper lets a shifted slice run past its segment; in
 *     torchscale and here it ends with it.
 * <li>r that does not divide w: torchscale moves every segment behind the first by {@code −w mod r}, so that rows from w on are
 *     wrong, with the paper's own schedule beyond 16,384. Here the correct result.
 * <li>A key that several branches show is counted several times, in torchscale and here; the paper's figure 2 suggests once.
 * <li>Zero rows that fill the last segment count as keys in torchscale's encoders. Here a setting, counted by default.
 * <li>Gradient: torchscale takes the weights α as constants, which leaves dq and dk 16 to 19 % off. Here the exact gradient, or
 *     torchscale's on demand.
 * <li>A log-sum-exp of exactly 0 counts as "covered by no branch" in torchscale. Not here.
 * <li>Segments longer than the sequence: cut to its length in torchscale. Here so only where attention is not causal; causal
 *     results are the same, and decoding agrees with the whole.
 * <li>Decoding: torchscale needs xPos and a length below the least w, and keeps all keys. Here any length, with
 *     {@code Σ ⌈w/r⌉} rows a head at most.
 * <li>xPos: torchscale centres its scale on the sequence and overflows in float32 from about 73,000 positions on. Here the scale
 *     starts anew every 8,192 positions and attention makes up for it; angles are taken in double. Only relative positions
 *     count in both. {@code firstPosition} of a backbone moves learned positions only.
 * <li>Attention dropout is off at inference here; torchscale applies it there too.
 * <li>Activations are computed in the model's dtype here, always in float32 in torchscale.
 * <li>{@code deepnorm} under torchscale's keys leaves a decoder's norms in front, as there; {@code Norms.DEEPNORM} is DeepNet's
 *     own post-norm.
 * <li>Initialisation is torchscale's: uniform by fan-in, times {@code √ln(2L)} on values, outputs and feed-forwards with SubLN.
 *     Magneto's paper has Xavier's with that gain.
 * <li>Learned positions: row p for position p here; torchscale's table starts at position −2, after fairseq.
 * <li>Blockwise causal attention on top of dilated attention masks each branch by half-blocks: the paper names it without
 *     details.
 * <li>Neither has encoder-decoder attention, relative position buckets or mixtures of experts here.
 * </ol>
 */
@org.jspecify.annotations.NullMarked
package dev.longspan.longnet;
