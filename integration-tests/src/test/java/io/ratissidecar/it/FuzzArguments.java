package io.ratissidecar.it;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * Makes random commands of what Redis itself says about the arguments of each (COMMAND DOCS): all
 * commands on data that have no subcommands, with options that no template has. Many of them are
 * nonsense.
 */
final class FuzzArguments {
  /** Whether a command reads or changes data is told by these flags. */
  private static final Set<String> DATA = Set.of("write", "readonly");

  /** Their arguments are the templates' matter, or they would leave nothing to compare. */
  private static final Set<String> LEFT_OUT =
      Set.of(
          "eval", "eval_ro", "evalsha", "evalsha_ro", "fcall", "fcall_ro", "flushall", "flushdb");

  private static final int MOST_REPEATED = 3;

  /**
   * An argument, as Redis describes it.
   *
   * @param type such as {@code key}, {@code integer}, {@code oneof}, {@code block}
   * @param token that stands before it, or for it; null for none
   */
  private record Argument(
      String name, String type, String token, Set<String> flags, List<Argument> arguments) {}

  private final Map<String, List<Argument>> commands;
  private final List<String> names;
  private final Random random;
  private final Function<String, String> values;

  /** How many follow in the command that is being made; 0 when that was not said. */
  private int keys;

  private FuzzArguments(
      Map<String, List<Argument>> commands, Random random, Function<String, String> values) {
    this.commands = commands;
    this.names = List.copyOf(commands.keySet());
    this.random = random;
    this.values = values;
  }

  /** The commands of a Redis; none where it says nothing of their arguments. */
  static final class Docs {
    private final Map<String, List<Argument>> commands = new TreeMap<>();

    /**
     * @param port of a Redis
     */
    Docs(int port) throws IOException {
      try (RespClient redis = new RespClient("127.0.0.1", port, Node.CALL_MILLIS)) {
        Map<String, Set<String>> flags = new HashMap<>();
        for (Reply command : redis.call("COMMAND").elements()) {
          flags.put(
              command.elements().get(0).text(), Set.copyOf(command.elements().get(2).texts()));
        }
        Reply reply = redis.call("COMMAND", "DOCS");
        List<Reply> docs = reply.isError() ? List.of() : reply.elements(); // new in 7.0
        for (int i = 0; i < docs.size(); i += 2) {
          String name = docs.get(i).text();
          boolean data = flags.getOrDefault(name, Set.of()).stream().anyMatch(DATA::contains);
          if (data && !LEFT_OUT.contains(name)) {
            commands.put(name, arguments(fields(docs.get(i + 1))));
          }
        }
      }
    }

    private static Map<String, Reply> fields(Reply map) {
      Map<String, Reply> fields = new HashMap<>();
      for (int i = 0; i < map.elements().size(); i += 2) {
        fields.put(map.elements().get(i).text(), map.elements().get(i + 1));
      }
      return fields;
    }

    private static List<Argument> arguments(Map<String, Reply> of) {
      List<Argument> arguments = new ArrayList<>();
      if (of.containsKey("arguments")) {
        for (Reply argument : of.get("arguments").elements()) {
          Map<String, Reply> fields = fields(argument);
          arguments.add(
              new Argument(
                  fields.get("name").text(),
                  fields.get("type").text(),
                  fields.containsKey("token") ? fields.get("token").text() : null,
                  fields.containsKey("flags") ? Set.copyOf(fields.get("flags").texts()) : Set.of(),
                  arguments(fields)));
        }
      }
      return arguments;
    }

    /**
     * @param values gives one for a name of {@link FuzzCommands}
     */
    FuzzArguments with(Random random, Function<String, String> values) {
      return new FuzzArguments(commands, random, values);
    }
  }

  boolean hasCommands() {
    return !names.isEmpty();
  }

  List<String> next() {
    String name = names.get(random.nextInt(names.size()));
    keys = 0;
    List<String> words = new ArrayList<>(List.of(name));
    String type = keyType(name);
    for (Argument argument : commands.get(name)) {
      add(argument, type, words);
    }
    return words;
  }

  /** The kind of key that the command is about, mostly told by its first letter. */
  private String keyType(String name) {
    return switch (name.charAt(0)) {
      case 'h' -> "hash";
      case 'z' -> "zset";
      case 'x' -> "stream";
      case 'g' -> name.startsWith("geo") ? "geo" : "string";
      case 'p' -> name.startsWith("pf") ? "hll" : "any";
      case 'l', 'r' -> name.matches("r?push.*|l.*|r?pop.*") ? "list" : "any";
      case 'b' -> name.startsWith("bit") ? "bits" : name.startsWith("bz") ? "zset" : "list";
      case 's' ->
          name.matches(
                  "s(add|rem|card|pop|move|mismember|members|.*(inter|union|diff).*|randmember|scan|ismember)")
              ? "set"
              : "any";
      default -> random.nextBoolean() ? "string" : "any";
    };
  }

  private void add(Argument argument, String keyType, List<String> words) {
    if (argument.flags().contains("optional") && random.nextBoolean()) {
      return;
    }
    int times = 1;
    if (argument.flags().contains("multiple")) {
      // How many keys there are stands before them.
      boolean counted = argument.type().equals("key") && keys > 0;
      times = counted ? keys : 1 + random.nextInt(MOST_REPEATED);
    }
    for (int i = 0; i < times; i++) {
      if (argument.token() != null && (i == 0 || argument.flags().contains("multiple_token"))) {
        words.add(argument.token());
      }
      addOnce(argument, keyType, words);
    }
  }

  private void addOnce(Argument argument, String keyType, List<String> words) {
    switch (argument.type()) {
      case "pure-token" -> {}
      case "oneof" ->
          add(
              argument.arguments().get(random.nextInt(argument.arguments().size())),
              keyType,
              words);
      case "block" -> argument.arguments().forEach(part -> add(part, keyType, words));
      case "key" -> words.add(values.apply(keyType));
      case "integer" -> words.add(number(argument.name()));
      case "double" ->
          words.add(argument.name().equals("timeout") ? "0.01" : values.apply("float"));
      case "unix-time" -> words.add(values.apply(random.nextBoolean() ? "at-s" : "at-ms"));
      case "pattern" -> words.add(random.nextBoolean() ? "*" : "m1*");
      default -> words.add(text(argument.name()));
    }
  }

  private String number(String name) {
    return switch (name) {
      case "numkeys" -> Integer.toString(keys = 1 + random.nextInt(MOST_REPEATED));
      case "milliseconds", "timeout" -> "20"; // 0 would block a client for ever
      case "seconds" -> values.apply("s");
      case "destination-db", "db" -> values.apply("db");
      default -> values.apply(random.nextInt(4) == 0 ? "int" : "n");
    };
  }

  /** Of an index, a score, a member or an id; what it is of, the type of the command would say. */
  private String bound() {
    return switch (random.nextInt(6)) {
      case 0 -> values.apply("id");
      case 1 -> "-";
      case 2 -> "+";
      case 3 -> "-inf";
      case 4 -> "[m1";
      default -> values.apply("n");
    };
  }

  private String text(String name) {
    return switch (name) {
      case "group" -> values.apply("group");
      case "consumer" -> values.apply("consumer");
      case "id", "start", "end", "stop", "min", "max", "min-idle-time" -> bound();
      case "encoding" -> random.nextBoolean() ? "u8" : "i5";
      case "member", "field" -> values.apply("m");
      default -> values.apply("v");
    };
  }
}
