package io.ratissidecar.cli.importing;

import io.ratissidecar.statemachine.resp.Request;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;

/**
 * One command of the source's replication stream.
 *
 * @param database where it was run
 * @param request its own copy
 * @param endOffset offset in the stream behind it
 * @param continues whether it belongs to the same transaction as the command before it
 */
record SourceCommand(int database, Request request, long endOffset, boolean continues) {
  private static final Set<String> ALONE = Set.of("FLUSHALL", "FUNCTION", "SCRIPT");
  private static final Set<String> SPANNING =
      Set.of("FLUSHALL", "FUNCTION", "SCRIPT", "SWAPDB", "MOVE", "COPY");
  private static final int SHOWN = 60;

  String name() {
    return request.argString(0).toUpperCase(Locale.ROOT);
  }

  /**
   * Whether it can't be part of a {@code RAFT MULTI}, or need not be: it is replicated as several
   * commands, or perhaps not at all. All of these may be repeated.
   */
  boolean standsAlone() {
    return ALONE.contains(name());
  }

  /** Whether its effect may not be confined to its database. */
  boolean spansDatabases() {
    return SPANNING.contains(name());
  }

  int bytes() {
    return request.frameEnd() - request.frameStart();
  }

  /** The command with {@code RAFT} before it. */
  byte[][] withRaft() {
    byte[][] words = new byte[request.argCount() + 1][];
    words[0] = "RAFT".getBytes(StandardCharsets.US_ASCII);
    for (int i = 1; i < words.length; i++) {
      words[i] = request.arg(i - 1);
    }
    return words;
  }

  /** Its name and what is mostly a key, for messages. */
  @Override
  public String toString() {
    String key = request.argCount() > 1 ? " '" + request.argString(1) + "'" : "";
    String text = name() + key;
    return (text.length() > SHOWN ? text.substring(0, SHOWN) + "..." : text)
        + " in database "
        + database;
  }
}
