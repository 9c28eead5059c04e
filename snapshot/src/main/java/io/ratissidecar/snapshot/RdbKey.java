package io.ratissidecar.snapshot;

/**
 * One key of an RDB, in the form in which {@code RESTORE} takes it.
 *
 * @param deadlineMillis when it expires, in milliseconds since 1970; 0 when it does not
 * @param dump what {@code DUMP} would have answered
 */
public record RdbKey(int database, byte[] name, long deadlineMillis, byte[] dump) {}
