package io.ratissidecar.sidecar.session;

import io.ratissidecar.statemachine.resp.Request;
import java.util.ArrayList;
import java.util.List;

/** The commands between {@code RAFT MULTI} and {@code RAFT EXEC}. */
final class Transaction {
  private final List<Request> commands = new ArrayList<>();
  private final int limitBytes;
  private long bytes;
  private boolean aborted;

  Transaction(int limitBytes) {
    this.limitBytes = limitBytes;
  }

  /** Adds a command; false when the transaction would become too large, which aborts it. */
  boolean add(Request copy) {
    bytes += copy.frameEnd() - copy.frameStart();
    if (bytes > limitBytes) {
      aborted = true;
      commands.clear();
      return false;
    }
    commands.add(copy);
    return true;
  }

  /** A command was refused, so {@code EXEC} will be too. */
  void abort() {
    aborted = true;
  }

  boolean isAborted() {
    return aborted;
  }

  List<Request> commands() {
    return commands;
  }
}
