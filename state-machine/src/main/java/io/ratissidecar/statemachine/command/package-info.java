/**
 * What every command means to a replicated group: the command table, and what becomes of a command
 * before it enters the log.
 *
 * <p>Which command does what is data: {@code commands.tsv} beside these classes, merged with what
 * local Redis says of itself in {@code COMMAND}. What depends on a command's arguments is code, one
 * {@link io.ratissidecar.statemachine.command.ArgumentRule} each, named by that data. Everything
 * here is immutable and for any thread; clocks are passed in. May use the RESP package only.
 */
package io.ratissidecar.statemachine.command;
