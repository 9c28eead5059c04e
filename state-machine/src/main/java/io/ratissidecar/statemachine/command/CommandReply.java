package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.RespValue;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Makes rows of the elements of a {@code COMMAND} reply and the policies. */
final class CommandReply {
  private static final int SUBCOMMANDS = 9; // since Redis 7

  private final PolicyFile policies;

  CommandReply(PolicyFile policies) {
    this.policies = policies;
  }

  /** The row of one command with its subcommands. */
  Row row(List<RespValue> command) {
    if (command.size() < 6) {
      throw new IllegalStateException("not a reply of COMMAND: " + command);
    }
    String name = name(command);
    Set<String> flags = flags(command);
    boolean told = command.size() > SUBCOMMANDS;
    Map<String, Row> subcommands =
        told ? told(name, command.get(SUBCOMMANDS).asList()) : untold(name, command, flags);
    PolicyFile.Policy policy = policies.of(name, flags);
    CommandSpec spec = spec(name, command, flags, policy, !subcommands.isEmpty());
    return new Row(spec, subcommands, told);
  }

  /** The subcommands as Redis tells them. */
  private Map<String, Row> told(String container, List<RespValue> elements) {
    Map<String, Row> rows = new LinkedHashMap<>();
    for (RespValue element : elements) {
      List<RespValue> sub = element.asList();
      String name = name(sub);
      Set<String> flags = flags(sub);
      put(rows, container, spec(name, sub, flags, policies.of(container, name, flags), false));
    }
    return rows;
  }

  /** The subcommands that the file names, for a Redis that does not tell. */
  private Map<String, Row> untold(String container, List<RespValue> command, Set<String> flags) {
    Map<String, Row> rows = new LinkedHashMap<>();
    for (String name : policies.names()) {
      if (name.startsWith(container + "|")) {
        put(rows, container, spec(name, command, flags, policies.of(name, flags), false));
      }
    }
    return rows;
  }

  private static void put(Map<String, Row> rows, String container, CommandSpec spec) {
    String own = spec.name().substring(container.length() + 1);
    rows.put(own, new Row(spec, Map.of(), true));
  }

  private static CommandSpec spec(
      String name,
      List<RespValue> command,
      Set<String> flags,
      PolicyFile.Policy policy,
      boolean container) {
    return new CommandSpec(
        name,
        (int) command.get(1).asLong(),
        flags,
        (int) command.get(3).asLong(),
        (int) command.get(4).asLong(),
        (int) command.get(5).asLong(),
        policy.raft(),
        policy.rule(),
        policy.local(),
        policy.transparent(),
        policy.reason(),
        container);
  }

  private static String name(List<RespValue> command) {
    return command.get(0).asString().toLowerCase(Locale.ROOT);
  }

  private static Set<String> flags(List<RespValue> command) {
    Set<String> flags = new HashSet<>();
    command.get(2).asList().forEach(flag -> flags.add(flag.asString()));
    return flags;
  }
}
