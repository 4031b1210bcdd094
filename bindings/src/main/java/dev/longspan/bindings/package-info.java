/** Finds, checks and loads the native library; all restricted methods of Longspan are called in this module. */
@NullMarked
package dev.longspan.bindings;

import org.jspecify.annotations.NullMarked;
