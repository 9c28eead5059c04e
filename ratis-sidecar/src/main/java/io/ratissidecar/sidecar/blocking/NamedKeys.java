package io.ratissidecar.sidecar.blocking;

import io.ratissidecar.statemachine.command.DatabaseKey;
import io.ratissidecar.statemachine.resp.Request;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;
import java.util.function.Consumer;

/**
 * The keys that commands name which have just gone into the log. Any word of a command may be one;
 * what is longer than every key that somebody waits for is none. Confined to the front loop.
 */
final class NamedKeys {
  /** Where the keys of a command are looked for; what else it names is found a moment later. */
  private static final int MOST_WORDS = 64;

  private final Consumer<DatabaseKey> listener;
  private final Queue<DatabaseKey> named = new ArrayDeque<>();
  private boolean telling;
  private int longest = -1;

  /**
   * @param listener hears of each; it may name others meanwhile, of which it hears afterwards
   */
  NamedKeys(Consumer<DatabaseKey> listener) {
    this.listener = listener;
  }

  /** Somebody waits for the key. */
  void waitedFor(DatabaseKey key) {
    longest = Math.max(longest, key.name().length);
  }

  /** Nobody waits for any key. */
  void clear() {
    longest = -1;
  }

  /** The command, whose name is the argument {@code name}, is in the log. */
  void in(Request command, int name, int database) {
    int end = Math.min(command.argCount(), name + 1 + MOST_WORDS);
    for (int i = name + 1; i < end; i++) {
      if (command.argLength(i) <= longest) {
        named.add(new DatabaseKey(database, command.arg(i)));
      }
    }
    tell();
  }

  /** The commands, each its arguments, are in the log. */
  void in(byte[][][] commands, int database) {
    for (byte[][] command : commands) {
      Arrays.stream(command)
          .skip(1)
          .limit(MOST_WORDS)
          .filter(word -> word.length <= longest)
          .forEach(word -> named.add(new DatabaseKey(database, word)));
    }
    tell();
  }

  /** A command that names this key is in the log. */
  void add(DatabaseKey key) {
    named.add(key);
    tell();
  }

  private void tell() {
    if (telling) {
      return;
    }
    telling = true;
    try {
      for (DatabaseKey key = named.poll(); key != null; key = named.poll()) {
        listener.accept(key);
      }
    } finally {
      telling = false;
    }
  }
}
