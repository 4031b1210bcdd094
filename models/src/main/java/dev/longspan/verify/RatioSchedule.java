package dev.longspan.verify;

import dev.longspan.json.JsonObject;
import dev.longspan.optim.Schedule;

/**
 * Learning rates of MEGALODON's released trainer: a linear rise from {@code lr · lr_init_ratio} over {@code warmup} steps, then
 * linear or {@code cycles} half cosines down to {@code lr · lr_end_ratio} at {@code total}, or constant.
 */
record RatioSchedule(Shape shape, double peak, long warmup, double initRatio, double endRatio, double cycles, long total)
        implements Schedule {

    enum Shape {
        LINEAR, COSINE, CONSTANT
    }

    /** Of the trainer's keys, with its defaults. */
    static RatioSchedule of(JsonObject optim, long total) {
        String name = optim.text("scheduler", "linear");
        Shape shape = switch (name) {
            case "linear" -> Shape.LINEAR;
            case "cosine" -> Shape.COSINE;
            case "constant" -> Shape.CONSTANT;
            default -> throw new IllegalArgumentException("scheduler must be linear, cosine or constant: scheduler=" + name);
        };
        return new RatioSchedule(shape, optim.number("lr", 1e-3), optim.integer("warmup", 2000),
                optim.number("lr_init_ratio", 1e-4), optim.number("lr_end_ratio", 0.01), optim.number("cycles", 1), total);
    }

    @Override
    public double at(long step) {
        return peak * ratio(step);
    }

    private double ratio(long step) {
        if (step < warmup) {
            return initRatio + step * (1 - initRatio) / warmup;
        }
        if (shape == Shape.CONSTANT) {
            return 1;
        }
        if (step > total) {
            return endRatio;
        }
        double share = (double) (step - warmup) / (total - warmup);
        return shape == Shape.LINEAR ? share * endRatio + (1 - share)
                : endRatio + (1 - endRatio) / 2 * (Math.cos(Math.PI * share * cycles) + 1);
    }
}
