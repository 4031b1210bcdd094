/**
 * Ops: static functions of (pass, tensors). Each checks shapes, allocates, calls one forward kernel and records the one
 * backward kernel, all in one method.
 */
package dev.longspan.op;
