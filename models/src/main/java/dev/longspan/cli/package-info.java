/**
 * The command line. Exit status, the same for every command:
 *
 * <table>
 * <caption>Exit status</caption>
 * <tr><td>0</td><td>done</td></tr>
 * <tr><td>1</td><td>a check failed: verify, inspect, a self-test, a loss that is not finite; or an error of the program</td></tr>
 * <tr><td>2</td><td>wrong usage: an option, or values that do not fit each other</td></tr>
 * <tr><td>3</td><td>bad input file: missing, damaged, or not what the model needs</td></tr>
 * <tr><td>4</td><td>no resources: memory budget, Java heap, disk, a backend that cannot run</td></tr>
 * <tr><td>130, 143</td><td>stopped by SIGINT or SIGTERM; train has written a checkpoint</td></tr>
 * </table>
 *
 * <p>Results go to standard output, as text or as one JSON object; progress and one-line errors go to standard error.
 */
package dev.longspan.cli;
