package io.ratissidecar.sidecar.raft;

import io.ratissidecar.statemachine.entry.VoidedCommand;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Commands of the log that are void, as far as this process has seen the entries that say so
 * committed. What Redis held before such an entry may be with or without the command; behind it
 * always without. Thread-safe.
 */
final class VoidedCommands {
  private record Declared(long at, VoidedCommand command) {
    /** Whether data of this index may have the effect of the command. */
    boolean spoils(long index) {
      return command.index() <= index && index < at;
    }
  }

  private final Map<VoidedCommand, Declared> declared = new HashMap<>();

  /**
   * The entry at an index declares a command void.
   *
   * @return false when this is known already
   */
  synchronized boolean add(long at, VoidedCommand command) {
    // Of two entries the first has it void.
    return declared.putIfAbsent(command, new Declared(at, command)) == null;
  }

  /** Places of void commands in an entry. */
  synchronized Set<Integer> of(long index) {
    if (declared.isEmpty()) {
      return Set.of();
    }
    Set<Integer> commands = new TreeSet<>();
    for (VoidedCommand command : declared.keySet()) {
      if (command.index() == index) {
        commands.add(command.command());
      }
    }
    return commands;
  }

  /** Commands that data of this index may hold the effect of. */
  synchronized List<VoidedCommand> spoiling(long index) {
    return declared.values().stream().filter(d -> d.spoils(index)).map(Declared::command).toList();
  }
}
