package dev.longspan.checkpoint;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** Our parameter names and another library's names of the same tensors, both ways. Immutable if its functions are. */
public final class NameMap {

    private final UnaryOperator<String> toForeign;
    private final UnaryOperator<String> toOwn;

    private NameMap(UnaryOperator<String> toForeign, UnaryOperator<String> toOwn) {
        this.toForeign = toForeign;
        this.toOwn = toOwn;
    }

    /** The same names on both sides. */
    public static NameMap identity() {
        return of(UnaryOperator.identity(), UnaryOperator.identity());
    }

    /** Two functions, each the other's inverse on the names in use. */
    public static NameMap of(UnaryOperator<String> toForeign, UnaryOperator<String> toOwn) {
        return new NameMap(toForeign, toOwn);
    }

    /** The first rule that fits a name rewrites it; a name that none fits stays as it is. */
    public static NameMap rules(List<NameRule> rules) {
        List<NameRule> ordered = List.copyOf(rules);
        return of(name -> first(ordered, rule -> rule.toForeign(name), name),
                name -> first(ordered, rule -> rule.toOwn(name), name));
    }

    public String toForeign(String own) {
        return toForeign.apply(own);
    }

    public String toOwn(String foreign) {
        return toOwn.apply(foreign);
    }

    /** A map with the same values under foreign names; two values must not get one name. */
    public <T> Map<String, T> toForeign(Map<String, T> own) {
        return renamed(own, toForeign);
    }

    /** A map with the same values under our names; two values must not get one name. */
    public <T> Map<String, T> toOwn(Map<String, T> foreign) {
        return renamed(foreign, toOwn);
    }

    private static String first(List<NameRule> rules, Function<NameRule, Optional<String>> map,
            String name) {
        return rules.stream().flatMap(rule -> map.apply(rule).stream()).findFirst().orElse(name);
    }

    private static <T> Map<String, T> renamed(Map<String, T> values, UnaryOperator<String> map) {
        Map<String, T> result = new LinkedHashMap<>();
        values.forEach((name, value) -> {
            if (result.putIfAbsent(map.apply(name), value) != null) {
                throw new IllegalArgumentException("two tensors must not get one name: name=" + map.apply(name));
            }
        });
        return result;
    }
}
