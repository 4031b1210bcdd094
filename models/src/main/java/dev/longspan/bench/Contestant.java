package dev.longspan.bench;

import dev.longspan.model.Blueprint;

/** A model to compare, under the name that people know it by. */
public record Contestant(String name, Blueprint blueprint) {
}
