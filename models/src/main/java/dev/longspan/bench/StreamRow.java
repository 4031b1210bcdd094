package dev.longspan.bench;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A stream after some tokens.
 *
 * @param secondsPerToken median over the pieces since half as many tokens
 * @param memory of tensors: weights, states and activations of a piece
 */
public record StreamRow(long tokens, double secondsPerToken, long memory) {

    Map<String, Object> figures(boolean right) {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("tokens", tokens);
        if (right) {
            figures.put("microsPerToken", secondsPerToken * 1e6);
        }
        figures.put("bytes", memory);
        return figures;
    }
}
