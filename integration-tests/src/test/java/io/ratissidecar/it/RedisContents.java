package io.ratissidecar.it;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import io.ratissidecar.statemachine.command.LogicalTime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** All that a Redis holds in the users' databases, read past the sidecar. */
final class RedisContents {
  private static final int BATCH = 500;
  private static final int SHOWN = 120;

  private RedisContents() {}

  /** Database and key, with type, deadline and value in a form that can be compared. */
  static Map<String, String> of(int redisPort) {
    return of(redisPort, "PEXPIRETIME");
  }

  /** For versions that can't be asked for a deadline: only whether there is one. */
  static Map<String, String> withoutDeadlines(int redisPort) {
    Map<String, String> all = of(redisPort, "PTTL");
    all.replaceAll((key, value) -> value.replaceFirst(" until [0-9]+ ", " until some time "));
    return all;
  }

  private static Map<String, String> of(int redisPort, String deadline) {
    Map<String, String> all = new TreeMap<>();
    try (RespClient client = new RespClient("127.0.0.1", redisPort, 30_000)) {
      int databases = Integer.parseInt(client.call("CONFIG", "GET", "databases").texts().get(1));
      for (int db = 0; db < databases - 1; db++) {
        client.call("SELECT", Integer.toString(db));
        if (client.call("DBSIZE").number() > 0) {
          scan(client, db, deadline, all);
        }
      }
      return all;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void scan(RespClient client, int db, String deadline, Map<String, String> all)
      throws IOException {
    String cursor = "0";
    do {
      Reply page = client.call("SCAN", cursor, "COUNT", Integer.toString(BATCH));
      cursor = page.elements().get(0).text();
      List<Reply> keys = page.elements().get(1).elements();
      for (Reply key : keys) {
        client.sendRaw(RespClient.encode(bytes("TYPE"), key.bytes()));
        client.sendRaw(RespClient.encode(bytes(deadline), key.bytes()));
      }
      List<String> types = new ArrayList<>();
      List<String> deadlines = new ArrayList<>();
      for (int i = 0; i < keys.size(); i++) {
        types.add(client.read().text());
        deadlines.add(users(client.read().text()));
      }
      for (int i = 0; i < keys.size(); i++) {
        byte[] key = keys.get(i).bytes();
        String name = db + " " + new String(key, StandardCharsets.ISO_8859_1);
        all.put(
            name,
            types.get(i) + " until " + deadlines.get(i) + " " + value(client, types.get(i), key));
      }
    } while (!cursor.equals("0"));
  }

  /** The deadline that users know, also of a node, which keeps it shifted. */
  private static String users(String stored) {
    boolean number = stored.matches("[0-9]{1,18}");
    long millis = number ? Long.parseLong(stored) : 0;
    return millis >= LogicalTime.SHIFT_MILLIS
        ? Long.toString(millis - LogicalTime.SHIFT_MILLIS)
        : stored;
  }

  /** Values, not dumps: two servers may hold the same in different encodings and orders. */
  private static String value(RespClient client, String type, byte[] key) throws IOException {
    client.sendRaw(
        switch (type) {
          case "string" -> RespClient.encode(bytes("GET"), key);
          case "list" -> RespClient.encode(bytes("LRANGE"), key, bytes("0"), bytes("-1"));
          case "set" -> RespClient.encode(bytes("SMEMBERS"), key);
          case "hash" -> RespClient.encode(bytes("HGETALL"), key);
          case "zset" ->
              RespClient.encode(bytes("ZRANGE"), key, bytes("0"), bytes("-1"), bytes("WITHSCORES"));
          case "stream" -> RespClient.encode(bytes("XRANGE"), key, bytes("-"), bytes("+"));
          default -> RespClient.encode(bytes("DUMP"), key);
        });
    Reply reply = client.read();
    if (reply.elements() == null) {
      return reply.isNull() ? "gone" : new String(reply.bytes(), StandardCharsets.ISO_8859_1);
    }
    List<String> parts = reply.elements().stream().map(Reply::toString).toList();
    return switch (type) {
      case "set" -> parts.stream().sorted().toList().toString();
      case "hash" -> pairs(parts).stream().sorted().toList().toString();
      // Whether a score of zero has kept its sign depends on how the set was packed.
      case "zset" ->
          pairs(parts).stream().map(p -> p.replaceFirst("=.-0$", "=\\$0")).toList().toString();
      default -> parts.toString();
    };
  }

  private static List<String> pairs(List<String> parts) {
    List<String> pairs = new ArrayList<>();
    for (int i = 0; i < parts.size(); i += 2) {
      pairs.add(parts.get(i) + "=" + parts.get(i + 1));
    }
    return pairs;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** Fails with the first keys that differ. */
  static void assertSame(Map<String, String> a, Map<String, String> b, String which) {
    if (a.equals(b)) {
      return;
    }
    StringBuilder text = new StringBuilder(which + " differ:");
    int shown = 0;
    Map<String, String> both = new TreeMap<>(a);
    both.putAll(b);
    for (String key : both.keySet()) {
      String left = a.get(key);
      String right = b.get(key);
      if ((left == null || !left.equals(right)) && shown++ < 10) {
        int same = sameChars(left, right);
        text.append("\n  ").append(key).append(": ").append(cut(left, same)).append(" / ");
        text.append(cut(right, same));
      }
    }
    throw new AssertionError(text.append("\n  ").append(shown).append(" keys in all").toString());
  }

  private static int sameChars(String left, String right) {
    int same = 0;
    while (left != null
        && right != null
        && same < Math.min(left.length(), right.length())
        && left.charAt(same) == right.charAt(same)) {
      same++;
    }
    return same;
  }

  /** What stands around a place in a long value. */
  private static String cut(String value, int at) {
    if (value == null || value.length() < 2 * SHOWN) {
      return value;
    }
    int from = Math.max(0, at - SHOWN);
    int to = Math.min(value.length(), at + SHOWN);
    return (from > 0 ? "…" : "") + value.substring(from, to) + (to < value.length() ? "…" : "");
  }
}
