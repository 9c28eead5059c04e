package io.ratissidecar.sidecar.session;

import io.ratissidecar.statemachine.resp.Request;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** The commands between {@code RAFT MULTI} and {@code RAFT EXEC}. */
final class QueuedCommands {
  /** What a queued command costs besides its bytes. */
  private static final int COMMAND_COST_BYTES = 256;

  private final List<Request> commands = new ArrayList<>();
  private final int limitBytes;
  private final QueuedBytes queued;
  private long bytes;
  private long taken;
  private boolean aborted;
  private int selected = -1;

  /**
   * @param limitBytes how long all commands together may be
   * @param queued what this and all other transactions hold
   */
  QueuedCommands(int limitBytes, QueuedBytes queued) {
    this.limitBytes = limitBytes;
    this.queued = queued;
  }

  /** Adds a copy of a command, from an argument on; or says why it can't, and is aborted then. */
  Optional<String> add(Request request, int firstArgument) {
    if (aborted) {
      return Optional.empty(); // it will not be executed, so that nothing has to be kept
    }
    Request copy = request.copyFrom(firstArgument);
    int length = copy.frameEnd() - copy.frameStart();
    if (bytes + length > limitBytes) {
      abort();
      return Optional.of("ERR transaction is longer than max-entry-bytes (" + limitBytes + ")");
    }
    if (!queued.take(length + COMMAND_COST_BYTES)) {
      abort();
      return Optional.of("ERR too much is queued in the transactions of all clients");
    }
    taken += length + COMMAND_COST_BYTES;
    bytes += length;
    commands.add(copy);
    return Optional.empty();
  }

  /** The database that a queued {@code SELECT} makes the session's at the end; empty for none. */
  OptionalInt selected() {
    return selected < 0 ? OptionalInt.empty() : OptionalInt.of(selected);
  }

  void select(int database) {
    selected = database;
  }

  /** A command was refused, so {@code EXEC} will be too. */
  void abort() {
    aborted = true;
    end();
  }

  boolean isAborted() {
    return aborted;
  }

  List<Request> commands() {
    return List.copyOf(commands);
  }

  /** It is over, and holds nothing any more. */
  void end() {
    commands.clear();
    queued.give(taken);
    taken = 0;
  }
}
