/**
 * Commands about the cluster and the node: {@code RAFT.*}, {@code CLUSTER}, {@code INFO raft}. On
 * the front loop.
 */
package io.ratissidecar.sidecar.admin;
