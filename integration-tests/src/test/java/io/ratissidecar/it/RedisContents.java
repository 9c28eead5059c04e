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
import java.util.regex.Pattern;

/** All that a Redis holds in the users' databases, read past the sidecar. */
final class RedisContents {
  private static final int BATCH = 500;
  private static final int SHOWN = 120;

  private static final Pattern OF_A_NODE =
      Pattern.compile(
          "\\$(seen-time|active-time|radix-tree-keys|radix-tree-nodes), :-?[0-9]+(, )?");

  private static final Pattern OF_A_VERSION =
      Pattern.compile(
          "\\$(max-deleted-entry-id|recorded-first-entry-id|entries-added|entries-read|lag), [^,\\]]+(, )?");

  /** When an entry was delivered, and how often, in the lists of what is pending. */
  private static final Pattern DELIVERED = Pattern.compile("(?<=, :)([0-9]+)(, :[0-9]+\\])");

  private RedisContents() {}

  /** The same without what only some versions of Redis have. */
  static Map<String, String> ofAnyVersion(int redisPort) {
    Map<String, String> all = of(redisPort);
    all.replaceAll((key, value) -> OF_A_VERSION.matcher(value).replaceAll(""));
    return all;
  }

  /** Database and key, with type, deadline and value in a form that can be compared. */
  static Map<String, String> of(int redisPort) {
    Map<String, String> all = new TreeMap<>();
    try (RespClient client = new RespClient("127.0.0.1", redisPort, 30_000)) {
      int databases = Integer.parseInt(client.call("CONFIG", "GET", "databases").texts().get(1));
      for (int db = 0; db < databases - 1; db++) {
        client.call("SELECT", Integer.toString(db));
        if (client.call("DBSIZE").number() > 0) {
          scan(client, db, all);
        }
      }
      return all;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void scan(RespClient client, int db, Map<String, String> all) throws IOException {
    String cursor = "0";
    do {
      Reply page = client.call("SCAN", cursor, "COUNT", Integer.toString(BATCH));
      cursor = page.elements().get(0).text();
      List<Reply> keys = page.elements().get(1).elements();
      for (Reply key : keys) {
        client.sendRaw(RespClient.encode(bytes("TYPE"), key.bytes()));
        client.sendRaw(RespClient.encode(bytes("PEXPIRETIME"), key.bytes()));
      }
      List<String> types = new ArrayList<>();
      List<Reply> deadlines = new ArrayList<>();
      for (int i = 0; i < keys.size(); i++) {
        types.add(client.read().text());
        deadlines.add(client.read());
      }
      for (int i = 0; i < keys.size(); i++) {
        byte[] key = keys.get(i).bytes();
        String name = db + " " + new String(key, StandardCharsets.ISO_8859_1);
        Reply asked = deadlines.get(i);
        String deadline = users(asked.isError() ? deadline(client, key) : asked.number());
        all.put(name, types.get(i) + " until " + deadline + " " + value(client, types.get(i), key));
      }
    } while (!cursor.equals("0"));
  }

  /** Of Redis 6.2, which tells only how much time is left: known if its clock stood still. */
  private static long deadline(RespClient client, byte[] key) throws IOException {
    while (true) {
      client.send("MULTI");
      client.send("TIME");
      client.sendRaw(RespClient.encode(bytes("PTTL"), key));
      client.send("TIME");
      client.send("EXEC");
      for (int i = 0; i < 4; i++) {
        client.read();
      }
      List<Reply> replies = client.read().elements();
      long before = millis(replies.get(0));
      long left = replies.get(1).number();
      if (left < 0) {
        return left;
      }
      if (before == millis(replies.get(2))) {
        return before + left;
      }
    }
  }

  private static long millis(Reply time) {
    return Long.parseLong(time.texts().get(0)) * 1000 + Long.parseLong(time.texts().get(1)) / 1000;
  }

  /** The deadline that users know, also of a node, which keeps it shifted. */
  private static String users(long stored) {
    return Long.toString(
        stored >= LogicalTime.SHIFT_MILLIS ? stored - LogicalTime.SHIFT_MILLIS : stored);
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
          case "stream" ->
              RespClient.encode(
                  bytes("XINFO"), bytes("STREAM"), key, bytes("FULL"), bytes("COUNT"), bytes("0"));
          default -> RespClient.encode(bytes("DUMP"), key);
        });
    Reply reply = client.read();
    if (reply.elements() == null) {
      return reply.isNull() ? "gone" : new String(reply.bytes(), StandardCharsets.ISO_8859_1);
    }
    List<String> parts = reply.elements().stream().map(Reply::toString).toList();
    return switch (type) {
      case "stream" -> stream(reply);
      case "set" -> parts.stream().sorted().toList().toString();
      case "hash" -> pairs(parts).stream().sorted().toList().toString();
      // Whether a score of zero has kept its sign depends on how the set was packed.
      case "zset" ->
          pairs(parts).stream().map(p -> p.replaceFirst("=.-0$", "=\\$0")).toList().toString();
      default -> parts.toString();
    };
  }

  /**
   * A stream with its groups, but for when a consumer was last there, which each Redis notes by its
   * own clock, and how the tree is packed.
   */
  private static String stream(Reply info) {
    long now = System.currentTimeMillis();
    return DELIVERED
        .matcher(OF_A_NODE.matcher(info.toString()).replaceAll(""))
        .replaceAll(
            found ->
                LogicalTime.deliveredFromRedis(Long.parseLong(found.group(1)), now)
                    + found.group(2));
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
