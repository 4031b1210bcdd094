package dev.longspan.jmh;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Ratios as bars of an SVG, one a problem and peer: above 1 longspan is faster. Bars end at {@value #MOST}. */
record RatioChart(String title, List<Bar> bars) {

    private static final double MOST = 8;
    private static final int WIDTH = 1000;
    private static final int LEFT = 560;
    private static final int TOP = 40;
    private static final int STEP = 15;
    private static final int UNIT = 50;

    /** Colours of bars above 1 and below. */
    private static final String FASTER = "#2b7a4b";
    private static final String SLOWER = "#b5482a";

    /** One ratio. */
    record Bar(String label, double ratio) {
    }

    static RatioChart of(Results results) {
        List<Bar> bars = new ArrayList<>();
        for (Run run : results.runs()) {
            String threads = run.threads() == 1 ? "" : ", " + run.threads() + " threads";
            for (Row row : run.rows()) {
                for (Row.Result result : row.results()) {
                    if (!Double.isNaN(row.ratio(result))) {
                        bars.add(new Bar(run.family() + " " + row.problem() + threads + ": " + result.side(),
                                row.ratio(result)));
                    }
                }
            }
        }
        return new RatioChart("Time of peers over longspan's, " + results.machine().get("cpu"), bars);
    }

    /** Leaves {@code name.svg}, or nothing where nothing is to be shown. */
    void write(Path folder, String name) throws IOException {
        if (!bars.isEmpty()) {
            Files.writeString(folder.resolve(name + ".svg"), svg());
        }
    }

    private String svg() {
        int height = TOP + STEP * bars.size() + STEP;
        StringBuilder svg = new StringBuilder(String.format(Locale.ROOT, """
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">
                <rect width="100%%" height="100%%" fill="white"/>
                <text x="8" y="18" font-size="14">%s</text>
                """, WIDTH, height, escape(title)));
        for (int i = 0; i <= MOST; i++) {
            int x = LEFT + i * UNIT;
            svg.append(String.format(Locale.ROOT, """
                    <text x="%d" y="%d" text-anchor="middle">%d</text><path d="M%d %dV%d" stroke="%s"/>
                    """, x, TOP - 4, i, x, TOP, height - STEP / 2, i == 1 ? "black" : "#ddd"));
        }
        for (int i = 0; i < bars.size(); i++) {
            Bar bar = bars.get(i);
            int y = TOP + STEP * i;
            double width = UNIT * Math.min(MOST, bar.ratio);
            svg.append(String.format(Locale.ROOT, """
                    <text x="%d" y="%d" text-anchor="end">%s</text>\
                    <rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>\
                    <text x="%.1f" y="%d">%.2f</text>
                    """, LEFT - 6, y + 12, escape(bar.label), LEFT, y + 3, width, STEP - 4,
                    bar.ratio < 1 ? SLOWER : FASTER, LEFT + width + 4, y + 12, bar.ratio));
        }
        return svg.append("</svg>\n").toString();
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;");
    }
}
