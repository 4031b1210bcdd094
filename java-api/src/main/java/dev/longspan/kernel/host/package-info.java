/**
 * The kernel families in C++: a downcall for each work item. Java checks every length here, since C cannot: a segment that
 * is passed on covers exactly the elements that the sizes beside it name.
 */
package dev.longspan.kernel.host;
