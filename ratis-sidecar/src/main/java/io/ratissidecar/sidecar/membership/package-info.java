/**
 * Which cluster this node belongs to, how nodes come and go, and the messages between nodes that
 * are not Raft's. Runs on the front loop, but for starting and stopping Raft, which has the thread
 * {@code membership}.
 */
package io.ratissidecar.sidecar.membership;
