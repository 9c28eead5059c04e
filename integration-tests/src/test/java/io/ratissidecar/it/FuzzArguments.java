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
 * commands on data, with options that no template has. Many of them are nonsense.
 */
final class FuzzArguments {
  /** Whether a command reads or changes data is told by these flags. */
  private static final Set<String> DATA = Set.of("write", "readonly");

  /** Their arguments are the templates' matter, or they would leave nothing to compare. */
  private static final Set<String> LEFT_OUT =
      Set.of("eval", "eval_ro", "evalsha", "evalsha_ro", "fcall", "fcall_ro", "flushall", "swapdb");

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
    boolean repeated = argument.flags().contains("multiple");
    for (int i = repeated ? random.nextInt(MOST_REPEATED) : 0; i >= 0; i--) {
      if (argument.token() != null
          && (words.isEmpty() || i == 0 || argument.flags().contains("multiple_token"))) {
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
      case "numkeys" -> "1";
      case "milliseconds", "timeout" -> values.apply("ms").length() > 2 ? "20" : "0";
      case "seconds" -> values.apply("s");
      case "destination-db", "db" -> values.apply("db");
      default -> values.apply(random.nextInt(4) == 0 ? "int" : "n");
    };
  }

  private String text(String name) {
    return switch (name) {
      case "group" -> values.apply("group");
      case "consumer" -> values.apply("consumer");
      case "id", "start", "end", "min-idle-time" ->
          random.nextBoolean() ? values.apply("id") : random.nextBoolean() ? "-" : "0";
      case "min", "max" -> random.nextBoolean() ? "-inf" : values.apply("float");
      case "longitude", "latitude" -> values.apply("lat");
      case "member", "field" -> values.apply("m");
      case "score", "increment" -> values.apply("float");
      default -> values.apply("v");
    };
  }
}
