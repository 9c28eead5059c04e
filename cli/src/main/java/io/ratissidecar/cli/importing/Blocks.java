package io.ratissidecar.cli.importing;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Cuts the source's commands into rounds, and each round into one block for each database, which
 * can be run as one transaction. Within a database everything stays in order, and a transaction of
 * the source is not cut. Between databases there is no order within a round, which no command could
 * tell: one that spans databases is a round of its own. Without that, clients who use several
 * databases in turn would make every block one command long. For one thread.
 */
final class Blocks {
  private final CommandStream stream;
  private final int mostCommands;
  private final int mostBytes;
  private final List<SourceCommand> open = new ArrayList<>();
  private int openBytes;
  private SourceCommand ahead;
  private long endOffset;

  /**
   * @param mostCommands in a round, unless they are one transaction
   * @param mostBytes of a round, unless it is one transaction or one command
   */
  Blocks(CommandStream stream, int mostCommands, int mostBytes) {
    this.stream = stream;
    this.mostCommands = mostCommands;
    this.mostBytes = mostBytes;
    this.endOffset = stream.offset();
  }

  /** The next round, of all that has come; empty when more has to come first. */
  List<List<SourceCommand>> next() throws IOException {
    while (true) {
      SourceCommand command = ahead == null ? stream.next() : ahead;
      ahead = null;
      if (command == null) {
        if (stream.inTransaction()) {
          return List.of();
        }
        List<List<SourceCommand>> round = take();
        endOffset = stream.offset();
        return round;
      }
      if (!open.isEmpty() && !joins(command)) {
        ahead = command;
        endOffset = open.get(open.size() - 1).endOffset();
        return take();
      }
      open.add(command);
      openBytes += command.bytes();
    }
  }

  /** Offset in the source's stream behind all rounds that were given out. */
  long endOffset() {
    return endOffset;
  }

  private boolean joins(SourceCommand command) {
    boolean room = open.size() < mostCommands && openBytes + command.bytes() <= mostBytes;
    return !command.spansDatabases()
        && !open.get(0).spansDatabases()
        && (room || command.continues());
  }

  private List<List<SourceCommand>> take() {
    Map<Integer, List<SourceCommand>> blocks = new LinkedHashMap<>();
    for (SourceCommand command : open) {
      blocks.computeIfAbsent(command.database(), database -> new ArrayList<>()).add(command);
    }
    open.clear();
    openBytes = 0;
    return List.copyOf(blocks.values());
  }
}
