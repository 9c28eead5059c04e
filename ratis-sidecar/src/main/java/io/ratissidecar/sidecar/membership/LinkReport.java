package io.ratissidecar.sidecar.membership;

/**
 * How this node's own connection to another one does, on which they say what is not Raft's. It is
 * opened when it is needed.
 *
 * @param state connected, connecting or disconnected
 * @param opened attempts to connect that succeeded since this process started
 * @param failed attempts that did not
 */
public record LinkReport(String state, long opened, long failed) {
  static final LinkReport NEVER_USED = new LinkReport("disconnected", 0, 0);
}
