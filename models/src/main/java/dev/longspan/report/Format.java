package dev.longspan.report;

import java.util.Locale;

/** How a figure is written for people. */
public enum Format {
    PLAIN {
        @Override
        String text(Object value) {
            return value instanceof Double d && d == Math.rint(d) ? String.format(Locale.ROOT, "%.0f", d) : value.toString();
        }
    },
    /** One digit behind the point. */
    FIXED1("%.1f"),
    FIXED2("%.2f"),
    FIXED3("%.3f"),
    SCIENTIFIC("%.1e"),
    /** A share as per cent. */
    PERCENT {
        @Override
        String text(Object value) {
            return String.format(Locale.ROOT, "%.1f %%", 100 * ((Number) value).doubleValue());
        }
    },
    /** Whole, with a comma before every three digits. */
    COUNT("%,.0f"),
    /** Bytes as MiB or GiB. */
    BYTES {
        @Override
        String text(Object value) {
            double mebibytes = ((Number) value).doubleValue() / (1 << 20);
            return mebibytes < 1024 ? String.format(Locale.ROOT, "%.1f MiB", mebibytes)
                    : String.format(Locale.ROOT, "%.2f GiB", mebibytes / 1024);
        }
    },
    /** Tokens as 32K or 1M. */
    TOKENS {
        @Override
        String text(Object value) {
            long tokens = ((Number) value).longValue();
            return tokens >= 1 << 20 && tokens % (1 << 20) == 0 ? (tokens >> 20) + "M"
                    : tokens >= 1024 && tokens % 1024 == 0 ? (tokens >> 10) + "K" : Long.toString(tokens);
        }
    };

    private final String form;

    Format() {
        this("");
    }

    Format(String form) {
        this.form = form;
    }

    String text(Object value) {
        return String.format(Locale.ROOT, form, ((Number) value).doubleValue());
    }
}
