/** Layers: records of parameters and layers. A model is a tree of records; parameter names are the paths in that tree. */
package dev.longspan.nn;
