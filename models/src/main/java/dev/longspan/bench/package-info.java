/** Measurements that check their answer first: a number whose answer was not checked is not printed. */
package dev.longspan.bench;
