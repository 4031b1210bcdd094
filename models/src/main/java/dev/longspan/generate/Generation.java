package dev.longspan.generate;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a generation did.
 *
 * @param promptTokens tokens of the prompt, the separator or the unread token in front included
 * @param tokens tokens drawn
 * @param stateBytes what the model carried from token to token at the end; 0 if it was stopped within the prompt
 */
public record Generation(String text, End end, long promptTokens, double promptSeconds, long tokens, double seconds,
        long stateBytes) {

    /** Why it ended. */
    public enum End {
        /** As many tokens as were asked for. */
        LENGTH,
        /** A stop string. */
        STOP,
        /** The model ended the document. */
        DOCUMENT,
        /** The signal was raised. */
        CANCELLED
    }

    /** The same with more text at its end. */
    Generation followedBy(String rest) {
        return new Generation(text + rest, end, promptTokens, promptSeconds, tokens, seconds, stateBytes);
    }

    public double promptTokensPerSecond() {
        return promptTokens / promptSeconds;
    }

    public double tokensPerSecond() {
        return tokens == 0 ? 0 : tokens / seconds;
    }

    /** By name, for reports. */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("text", text);
        map.put("end", end.name().toLowerCase(java.util.Locale.ROOT));
        map.put("prompt_tokens", promptTokens);
        map.put("prompt_tokens_per_s", promptTokensPerSecond());
        map.put("tokens", tokens);
        map.put("tokens_per_s", tokensPerSecond());
        map.put("state_bytes", stateBytes);
        return map;
    }
}
