/**
 * Where the state in a local Redis stands, and how to bring it to the log. Pure decisions; no
 * threads, no I/O.
 */
package io.ratissidecar.snapshot;
