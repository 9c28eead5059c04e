package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.RespValue;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which keys a command names, by the key specifications of local Redis's {@code COMMAND}. Redis 6.2
 * has none: there commands whose keys have no fixed places are those of unknown keys.
 *
 * <p>Immutable; for any thread.
 */
public final class KeyFinder {
  private static final int KEY_SPECIFICATIONS = 8; // since Redis 7

  /** They name no key and see all of them. */
  private static final Set<String> WHOLE_KEYSPACE = Set.of("dbsize", "keys", "scan", "randomkey");

  /** By name; without an entry the keys are not known. */
  private final Map<String, List<KeySpec>> specs;

  private KeyFinder(Map<String, List<KeySpec>> specs) {
    this.specs = specs;
  }

  /** Makes one of the elements of a {@code COMMAND} reply. */
  static KeyFinder of(List<RespValue> commands) {
    Map<String, List<KeySpec>> specs = new HashMap<>();
    for (RespValue element : commands) {
      List<RespValue> command = element.asList();
      add(specs, command);
      if (command.size() > KEY_SPECIFICATIONS + 1) {
        command.get(KEY_SPECIFICATIONS + 1).asList().forEach(sub -> add(specs, sub.asList()));
      }
    }
    return new KeyFinder(specs);
  }

  private static void add(Map<String, List<KeySpec>> specs, List<RespValue> command) {
    List<KeySpec> found =
        command.size() > KEY_SPECIFICATIONS
            ? told(command.get(KEY_SPECIFICATIONS).asList())
            : fixed(command);
    if (found != null) {
      specs.put(command.get(0).asString().toLowerCase(Locale.ROOT), found);
    }
  }

  private static List<KeySpec> told(List<RespValue> elements) {
    List<KeySpec> found = new ArrayList<>();
    for (RespValue element : elements) {
      if (KeySpec.isOfKeys(element.asList())) {
        KeySpec spec = KeySpec.of(element.asList());
        if (spec == null) {
          return null;
        }
        found.add(spec);
      }
    }
    return found;
  }

  private static List<KeySpec> fixed(List<RespValue> command) {
    boolean movable =
        command.get(2).asList().stream().anyMatch(flag -> flag.asString().equals("movablekeys"));
    int first = (int) command.get(3).asLong();
    if (movable) {
      return null;
    }
    if (first == 0) {
      return List.of();
    }
    int last = (int) command.get(4).asLong();
    int step = (int) command.get(5).asLong();
    return List.of(new KeySpec("", first, false, 0, last < 0 ? last : last - first, step, 0));
  }

  /**
   * The keys that a command names; those that it only makes as well.
   *
   * @param name the argument that is the command's name
   * @param command as {@link CommandTable#find} has it, or null
   * @param database the database that the session has selected
   * @return empty when it may see or change any key
   */
  public Optional<Set<DatabaseKey>> find(Request r, int name, CommandSpec command, int database) {
    List<KeySpec> places = command == null ? null : specs.get(command.name());
    if (places == null && command != null && command.name().indexOf('|') > 0) {
      // A Redis that tells no subcommands has them in the container's place.
      places = specs.get(command.name().substring(0, command.name().indexOf('|')));
    }
    if (places == null || WHOLE_KEYSPACE.contains(command.name())) {
      return Optional.empty();
    }
    Set<DatabaseKey> keys = new LinkedHashSet<>();
    for (KeySpec place : places) {
      if (!place.find(r, name, i -> keys.add(new DatabaseKey(database, r.arg(i))))) {
        return Optional.empty();
      }
    }
    int other = otherDatabase(r, name, command.name());
    if (other >= 0 && other != database) {
      // The key that is made there, by the name that comes last.
      int made = command.name().equals("copy") ? name + 2 : name + 1;
      keys.add(new DatabaseKey(other, r.arg(made)));
    }
    return Optional.of(keys);
  }

  /**
   * The database that MOVE or COPY names; -1 without one. Whether it exists is for Redis to say.
   */
  private static int otherDatabase(Request r, int name, String command) {
    long database = -1;
    if (command.equals("move")) {
      database = r.argLong(name + 2);
    } else if (command.equals("copy")) {
      for (int i = name + 3; i + 1 < r.argCount(); i++) {
        if (r.argIs(i, "DB")) {
          database = r.argLong(i + 1);
        }
      }
    }
    return database < 0 || database > Integer.MAX_VALUE ? -1 : (int) database;
  }
}
