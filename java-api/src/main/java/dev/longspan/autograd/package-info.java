/** Passes: one trip through the network, its activations, and the way back. */
package dev.longspan.autograd;
