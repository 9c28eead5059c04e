/**
 * Scripts that run alike on every node. A script is stored and run with a prelude in front, {@code
 * prelude.lua} beside these classes, which gives it the log's clock instead of the node's, choices
 * that follow from a seed, and replies in one order.
 *
 * <p>The text with the prelude is what the log and the reserved database carry, so that a script
 * keeps the prelude that it came with on nodes of every version. Clients only ever see the hash and
 * the text of their own script. Everything here but {@link
 * io.ratissidecar.statemachine.script.ScriptCatalog} is immutable and for any thread.
 */
package io.ratissidecar.statemachine.script;
