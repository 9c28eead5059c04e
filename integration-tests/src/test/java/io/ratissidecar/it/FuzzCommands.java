package io.ratissidecar.it;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.LongSupplier;

/**
 * Makes random commands: of the templates in {@code fuzz-commands.txt}, of what Redis says about
 * each command's arguments, and scripts that run several of both.
 */
final class FuzzCommands {
  private static final List<String> TEMPLATES = templates();
  private static final String[] KEYS = {
    "string", "bits", "hll", "list", "set", "hash", "zset", "geo", "stream"
  };
  private static final int KEYS_OF_A_TYPE = 6;
  private static final int MEMBERS = 40;

  /** So that a few of all commands meet a key of another type. */
  private static final double WRONG_TYPE = 0.03;

  private static final double OF_DOCS = 0.2;
  private static final double SCRIPT = 0.1;

  /**
   * Runs the commands in ARGV, each behind the number of its words, and makes a chain of what they
   * have returned, and of how many keys there are: what is another one on some node shows in the
   * data for good. The last ones can be read.
   */
  private static final String RUN_ALL =
      """
      local i = 1
      while ARGV[i] do
        local n = tonumber(ARGV[i])
        local reply = cjson.encode(redis.pcall(unpack(ARGV, i + 1, i + n)))
        reply = reply .. ' of ' .. redis.call('DBSIZE')
        local chain = redis.call('GET', KEYS[1]) or ''
        redis.call('SET', KEYS[1], redis.sha1hex(chain .. reply))
        redis.call('RPUSH', KEYS[2], table.concat(ARGV, ' ', i + 1, i + n) .. ' -> ' .. reply)
        redis.call('LTRIM', KEYS[2], -3000, -1)
        i = i + n + 1
      end
      return redis.status_reply('done')""";

  private final Random random;
  private final LongSupplier clock;
  private final FuzzArguments ofDocs;

  /**
   * @param clock milliseconds since the epoch, as the cluster has them
   */
  FuzzCommands(Random random, FuzzArguments.Docs docs, LongSupplier clock) {
    this.random = random;
    this.clock = clock;
    this.ofDocs = docs.with(random, name -> value("<" + name + ">"));
  }

  private static List<String> templates() {
    try (InputStream in = FuzzCommands.class.getResourceAsStream("fuzz-commands.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String[] next() {
    return (random.nextDouble() < SCRIPT ? script() : command()).toArray(String[]::new);
  }

  private List<String> command() {
    if (ofDocs.hasCommands() && random.nextDouble() < OF_DOCS) {
      return ofDocs.next();
    }
    List<String> words = new ArrayList<>();
    String template = TEMPLATES.get(random.nextInt(TEMPLATES.size()));
    new Expansion(template).until('\0', words, true);
    return words;
  }

  private List<String> script() {
    String script = random.nextInt(4) == 0 ? "redis.setresp(3) " + RUN_ALL : RUN_ALL;
    List<String> words =
        new ArrayList<>(List.of("EVAL", script, "2", "chain of replies", "last replies"));
    for (int i = random.nextInt(4); i >= 0; i--) {
      List<String> command = command();
      words.add(Integer.toString(command.size()));
      words.addAll(command);
    }
    return words;
  }

  /** Walks through a template once; what is not wanted is read and dropped. */
  private final class Expansion {
    private final String template;
    private int at;

    Expansion(String template) {
      this.template = template;
    }

    /** Up to a closing character, which is read as well. */
    void until(char closing, List<String> out, boolean wanted) {
      List<String> into = wanted ? out : new ArrayList<>();
      while (at < template.length() && template.charAt(at) != closing) {
        switch (template.charAt(at)) {
          case ' ' -> at++;
          case '[' -> {
            at++;
            if (isOption()) {
              until(']', into, random.nextBoolean());
            } else {
              into.add("[" + word());
            }
          }
          case '{' -> oneOf(into);
          case '(' -> repeated(into);
          default -> into.add(value(word()));
        }
      }
      at++;
    }

    /** A bracket that stands for itself, as in {@code [c}, has no other one behind it. */
    private boolean isOption() {
      return template.indexOf(']', at) >= 0;
    }

    private void oneOf(List<String> out) {
      int end = closing('{', '}');
      List<String> choices = alternatives(template.substring(at + 1, end));
      at = end + 1;
      new Expansion(choices.get(random.nextInt(choices.size()))).until('\0', out, true);
    }

    private void repeated(List<String> out) {
      int end = closing('(', ')');
      String inner = template.substring(at + 1, end);
      at = end + 2; // with the plus
      for (int i = random.nextInt(4); i >= 0; i--) {
        new Expansion(inner).until('\0', out, true);
      }
    }

    private int closing(char open, char close) {
      int depth = 0;
      for (int i = at; ; i++) {
        depth += template.charAt(i) == open ? 1 : template.charAt(i) == close ? -1 : 0;
        if (depth == 0) {
          return i;
        }
      }
    }

    private List<String> alternatives(String inner) {
      return Arrays.asList(inner.split("\\|"));
    }

    private String word() {
      int start = at;
      while (at < template.length() && template.charAt(at) != ' ' && template.charAt(at) != ']') {
        if (isScript(start)) {
          int end = template.indexOf(' ', at);
          at = end < 0 ? template.length() : end;
          break;
        }
        at++;
      }
      return template.substring(start, at).replace("\\_", " ").replace("\\n", "\n");
    }

    /** A script holds every character. */
    private boolean isScript(int start) {
      String before = template.substring(0, start);
      return before.equals("EVAL ") || before.equals("FUNCTION LOAD REPLACE ");
    }
  }

  private String value(String word) {
    if (!word.startsWith("<")) {
      return word;
    }
    String name = word.substring(1, word.length() - 1);
    long now = clock.getAsLong();
    return switch (name) {
      case "v" -> anyValue();
      case "m" -> member();
      case "any" -> anyKey();
      case "int" -> Integer.toString(random.nextInt(200) - 100);
      case "n" -> Integer.toString(random.nextInt(12));
      case "float" ->
          random.nextInt(10) == 0 ? "-0" : Double.toString((random.nextInt(2000) - 1000) / 8.0);
      case "far" -> "1" + "0".repeat(14 + random.nextInt(3)) + random.nextInt(9);
      case "s" -> Integer.toString(1 + random.nextInt(3));
      case "ms" -> Integer.toString(1 + random.nextInt(2000));
      case "at-s" -> Long.toString(now / 1000 + random.nextInt(4) - 1);
      case "at-ms" -> Long.toString(now + random.nextInt(3000) - 500);
      case "db" -> Integer.toString(random.nextInt(3));
      case "lon" -> Double.toString(random.nextInt(3000) / 10.0 - 150);
      case "lat" -> Double.toString(random.nextInt(1400) / 10.0 - 70);
      case "id" -> (now - random.nextInt(3000)) + "-" + random.nextInt(3);
      case "group" -> "g" + random.nextInt(2);
      case "consumer" -> "c" + random.nextInt(3);
      default -> key(name);
    };
  }

  /** One of any type. */
  String anyKey() {
    return key(KEYS[random.nextInt(KEYS.length)]);
  }

  private String key(String type) {
    String of = random.nextDouble() < WRONG_TYPE ? KEYS[random.nextInt(KEYS.length)] : type;
    return of + random.nextInt(KEYS_OF_A_TYPE);
  }

  private String member() {
    int number = random.nextInt(MEMBERS);
    return switch (random.nextInt(20)) {
      case 0 -> "long" + "m".repeat(80);
      case 1 -> "m\0" + number; // as long as the others to whoever stops there
      default -> "m" + number;
    };
  }

  private String anyValue() {
    return switch (random.nextInt(7)) {
      case 0 -> "";
      case 4 -> "\0\r\n" + random.nextInt(30);
      case 1 -> "x".repeat(random.nextInt(300));
      case 2, 3 -> Integer.toString(random.nextInt(100_000) - 50_000);
      default -> "value " + random.nextInt(30);
    };
  }
}
