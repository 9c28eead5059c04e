package io.ratissidecar.statemachine.apply;

/**
 * A command of the log that the local Redis did not execute as every other does.
 *
 * @param index of its entry
 * @param command its place in the entry's payload, from 0
 * @param text what Redis said, or what was wrong
 */
public record MissedCommand(long index, int command, String text) {
  @Override
  public String toString() {
    return "entry " + index + ": " + text;
  }
}
