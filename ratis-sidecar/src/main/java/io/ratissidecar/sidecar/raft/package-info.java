/**
 * The Ratis wiring: batches of commands become log entries, committed entries become work for the
 * local Redis. The only place that knows Ratis.
 */
package io.ratissidecar.sidecar.raft;
