package dev.longspan.jmh;

import org.openjdk.jmh.annotations.Param;

/** Whole models, {@code name train|forward|stream N} or {@code name decode [bf16]}. */
public class ModelBenchmark extends Measured {

    @Param({"transformer-10M train 8192", "longnet-10M train 8192", "longnet-10M forward 8192", "longnet-10M decode",
        "megalodon-small train 8192", "megalodon-small forward 8192", "megalodon-small decode", "rmt-small train 8192",
        "rmt-small forward 8192", "rmt-small decode", "llama-small decode", "llama-200M decode",
        "llama-200M decode bf16", "megalodon-200M decode"})
    public String problem = "";

    @Override
    Problem open() {
        return BenchmarkModels.of(problem);
    }
}
