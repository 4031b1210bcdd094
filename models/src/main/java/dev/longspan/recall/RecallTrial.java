package dev.longspan.recall;

/**
 * Documents of one length.
 *
 * @param times length over that of training
 * @param documents how many, read side by side
 * @param least share of right answers below which the model is not what it was
 */
public record RecallTrial(int times, int documents, double least) {

    public RecallTrial {
        if (times < 1 || documents < 1) {
            throw new IllegalArgumentException("times and documents must be positive: times=" + times + ", documents=" + documents);
        }
        if (!(least >= 0 && least <= 1)) {
            throw new IllegalArgumentException("least must be from 0 to 1: least=" + least);
        }
    }
}
