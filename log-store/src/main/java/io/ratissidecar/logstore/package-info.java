/**
 * The payload log: what each entry of the replicated log carries, in segment files of RESP, with an
 * offset index that can always be rebuilt from them.
 *
 * <p>Threads: one appender at a time (whoever holds the Raft log's lock) appends, truncates and
 * resets; one other thread flushes; any thread reads. No thread is started here, RocksDB's own
 * background thread apart.
 *
 * <p>May depend on the state machine's entry types and RocksDB; nothing else may import RocksDB,
 * and here only {@link io.ratissidecar.logstore.OffsetIndex} does.
 */
package io.ratissidecar.logstore;
