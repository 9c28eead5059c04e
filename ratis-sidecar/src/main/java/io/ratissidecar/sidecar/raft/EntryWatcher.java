package io.ratissidecar.sidecar.raft;

import io.ratissidecar.statemachine.entry.Entry;

/** Sees what the local Redis is given. Called on the front loop. */
public interface EntryWatcher {
  /** Redis is there, perhaps with other data than before; what is sent follows. */
  void redisReady();

  /** Redis is gone, and with it the answers that were due. */
  void redisLost();

  /** The entry was sent; reads that are sent now see it. */
  void sent(Entry entry);
}
