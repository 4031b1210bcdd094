/** Small JSON: configurations, logs and the command line's machine-readable output. Not exported. */
package dev.longspan.json;
