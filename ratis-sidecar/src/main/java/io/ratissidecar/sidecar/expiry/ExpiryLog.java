package io.ratissidecar.sidecar.expiry;

import io.ratissidecar.sidecar.raft.ReplyReceiver;

/** The log and the local Redis, as far as expiry has to do with them. On the front loop. */
public interface ExpiryLog {
  /** True while this node leads and may serve. */
  boolean isLeaderReady();

  /** The current term. */
  long term();

  /** Index of the last entry in this node's log. */
  long lastIndex();

  /** Index up to which the local Redis has the entries. */
  long appliedIndex();

  /** The log's clock, milliseconds since 1970. */
  long clockMillis();

  /** True when nothing more should be proposed for now. */
  boolean isFull();

  /** Adds a command to the log; nobody waits for its outcome. */
  void propose(int database, byte[][] command);

  /** Asks the local Redis; the reply, in RESP2, shows every entry that was sent. */
  void ask(int database, byte[][] command, ReplyReceiver receiver);
}
