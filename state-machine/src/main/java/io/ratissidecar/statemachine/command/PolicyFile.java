package io.ratissidecar.statemachine.command;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** What {@code commands.tsv} says, and what holds for commands that it does not name. */
final class PolicyFile {
  private static final String RESOURCE = "commands.tsv";

  /** Flags by which a read-only command is more than a question about data. */
  private static final Set<String> NOT_PLAIN =
      Set.of("write", "blocking", "admin", "pubsub", "noscript");

  private static final Policy MODULE =
      refuse("module commands are not known to be deterministic (see replicate-module-commands)");
  private static final Policy LOGGED =
      new Policy(RaftPolicy.LOG, ArgumentRule.NONE, LocalPolicy.PASS, TransparentPolicy.RAFT, "");
  private static final Policy UNKNOWN =
      refuse("it is unknown to this version of the sidecar, so not known to be deterministic");
  private static final Policy UNKNOWN_READ =
      new Policy(RaftPolicy.READ, ArgumentRule.NONE, LocalPolicy.PASS, TransparentPolicy.RAFT, "");

  private final Map<String, Policy> lines;
  private final Set<String> moduleCommands;

  private PolicyFile(Map<String, Policy> lines, Set<String> moduleCommands) {
    this.lines = lines;
    this.moduleCommands = moduleCommands;
  }

  /**
   * One line of the file.
   *
   * @param reason empty for none
   */
  record Policy(
      RaftPolicy raft,
      ArgumentRule rule,
      LocalPolicy local,
      TransparentPolicy transparent,
      String reason) {}

  /** As {@link #load(Set)}, without commands of modules. */
  static PolicyFile load() {
    return load(Set.of());
  }

  /**
   * Reads the file that comes with this class.
   *
   * @param moduleCommands commands of modules, lower case, that the operator vouches for
   * @throws IllegalStateException when a line is wrong
   */
  static PolicyFile load(Set<String> moduleCommands) {
    Map<String, Policy> lines = new LinkedHashMap<>();
    try (InputStream in = PolicyFile.class.getResourceAsStream(RESOURCE);
        BufferedReader reader =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      int number = 0;
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        number++;
        if (!line.isBlank() && !line.startsWith("#")) {
          add(lines, line, number);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new PolicyFile(lines, moduleCommands);
  }

  /** All names that have a line, containers before or after their subcommands. */
  Set<String> names() {
    return lines.keySet();
  }

  /** The policy of a command. */
  Policy of(String name, Set<String> flags) {
    Policy line = lines.get(name);
    return line != null ? line : unnamed(name, flags);
  }

  /** The policy of a subcommand: its own line, else its container's, else by its flags. */
  Policy of(String container, String subcommand, Set<String> flags) {
    Policy line = lines.get(subcommand);
    if (line == null) {
      line = lines.get(container);
    }
    return line != null
        ? line
        : unnamed(moduleCommands.contains(container) ? container : subcommand, flags);
  }

  /** The default: only what Redis itself calls a plain read is let through. */
  private Policy unnamed(String name, Set<String> flags) {
    boolean plainRead = flags.contains("readonly") && flags.stream().noneMatch(NOT_PLAIN::contains);
    if (isOfModule(name, flags)) {
      if (!moduleCommands.contains(name)) {
        return MODULE;
      }
      return plainRead ? UNKNOWN_READ : LOGGED;
    }
    return plainRead ? UNKNOWN_READ : UNKNOWN;
  }

  /** Whether a command, by its name and what Redis says of it, is of a module. */
  static boolean isOfModule(String name, Set<String> flags) {
    return flags.contains("module") || name.indexOf('.') >= 0;
  }

  private static void add(Map<String, Policy> lines, String line, int number) {
    String[] fields = line.split("\t", -1);
    try {
      if (fields.length != 6) {
        throw new IllegalArgumentException("six fields expected");
      }
      String reason = fields[5].equals("-") ? "" : fields[5];
      Policy policy =
          new Policy(
              RaftPolicy.valueOf(fields[1].toUpperCase(Locale.ROOT)),
              ArgumentRule.named(fields[2]),
              LocalPolicy.valueOf(fields[3].toUpperCase(Locale.ROOT)),
              TransparentPolicy.valueOf(fields[4].toUpperCase(Locale.ROOT)),
              reason);
      boolean refuses = policy.raft == RaftPolicy.REFUSE || policy.local == LocalPolicy.REFUSE;
      if (refuses == reason.isEmpty()) {
        throw new IllegalArgumentException("a reason is for refusals, and refusals need one");
      }
      if (lines.put(fields[0], policy) != null) {
        throw new IllegalArgumentException("second line for this name");
      }
    } catch (IllegalArgumentException e) {
      throw new IllegalStateException(RESOURCE + " line " + number + ": " + line, e);
    }
  }

  private static Policy refuse(String reason) {
    return new Policy(
        RaftPolicy.REFUSE, ArgumentRule.NONE, LocalPolicy.PASS, TransparentPolicy.RAFT, reason);
  }
}
