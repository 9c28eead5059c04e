package io.ratissidecar.sidecar.raft;

import io.ratissidecar.statemachine.entry.VoidedCommand;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;

/**
 * Commands of the log that are void, as far as this process has seen the entries that say so
 * committed. What Redis held before such an entry may be with or without the command; behind it
 * always without. Thread-safe.
 */
final class VoidedCommands {
  /** By entry and place in it: the entry that declares the command void. */
  private final NavigableMap<Long, NavigableMap<Integer, Long>> declared = new TreeMap<>();

  /**
   * The entry at an index declares a command void.
   *
   * @return false when this is known already
   */
  synchronized boolean add(long at, VoidedCommand command) {
    // Of two entries the first has it void.
    return declared
            .computeIfAbsent(command.index(), index -> new TreeMap<>())
            .putIfAbsent(command.command(), at)
        == null;
  }

  /** Places of void commands in an entry. */
  synchronized Set<Integer> of(long index) {
    Map<Integer, Long> commands = declared.get(index);
    return commands == null ? Set.of() : Set.copyOf(commands.keySet());
  }

  /** Commands that data of this index may hold the effect of. */
  synchronized List<VoidedCommand> spoiling(long index) {
    List<VoidedCommand> spoiling = new ArrayList<>();
    declared
        .headMap(index, true)
        .forEach(
            (entry, commands) ->
                commands.forEach(
                    (place, at) -> {
                      if (index < at) {
                        spoiling.add(new VoidedCommand(entry, place));
                      }
                    }));
    return spoiling;
  }
}
