package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.RespValue;
import java.util.List;
import java.util.Locale;
import java.util.function.IntConsumer;

/**
 * One of a command's key specifications, as {@code COMMAND} of Redis 7 tells them: where a group of
 * keys begins, and which arguments behind it are keys. Positions count from the command's name.
 *
 * @param keyword behind which the keys begin; empty if they begin at a fixed place
 * @param from the place, or where the keyword is searched from; negative counts from the end
 * @param counted whether an argument says how many keys there are
 * @param first with a count: from the beginning to the first key
 * @param last the last key, counted from the first one, or from the end if negative; with a count
 *     the place of the count
 * @param step from key to key
 * @param limit the keys end after this part of what follows; 0 and 1 for all of it
 */
record KeySpec(
    String keyword, int from, boolean counted, int first, int last, int step, int limit) {

  /** Reads one; null when Redis says that it does not tell all keys. */
  static KeySpec of(List<RespValue> spec) {
    if (hasFlag(spec, "incomplete")) {
      return null;
    }
    List<RespValue> begin = field(spec, "begin_search").asList();
    List<RespValue> find = field(spec, "find_keys").asList();
    String beginType = field(begin, "type").asString();
    String findType = field(find, "type").asString();
    if (beginType.equals("unknown") || findType.equals("unknown")) {
      return null;
    }
    List<RespValue> at = field(begin, "spec").asList();
    List<RespValue> keys = field(find, "spec").asList();
    boolean keyword = beginType.equals("keyword");
    boolean counted = findType.equals("keynum");
    return new KeySpec(
        keyword ? field(at, "keyword").asString().toUpperCase(Locale.ROOT) : "",
        number(at, keyword ? "startfrom" : "index"),
        counted,
        counted ? number(keys, "firstkey") : 0,
        number(keys, counted ? "keynumidx" : "lastkey"),
        number(keys, "keystep"),
        counted ? 0 : number(keys, "limit"));
  }

  /** Whether it tells of something else that Redis Cluster has slots for, such as channels. */
  static boolean isOfKeys(List<RespValue> spec) {
    return !hasFlag(spec, "not_key");
  }

  /**
   * Calls with the index of each key in the request.
   *
   * @return false when the arguments are not as the specification has them
   */
  boolean find(Request r, int name, IntConsumer found) {
    int count = r.argCount() - name;
    int start = begin(r, name, count);
    if (start < 0) {
      return true; // no such keyword, no keys
    }
    int from = start;
    int to;
    if (counted) {
      if (start + last >= count) {
        return false;
      }
      long keys = r.argLong(name + start + last);
      if (keys < 0 || keys > count) { // NOT_A_NUMBER is negative
        return false;
      }
      from = start + first;
      to = from + ((int) keys - 1) * step;
    } else if (last >= 0) {
      to = start + last;
    } else {
      to = limit <= 1 ? count + last : start + (count - start) / limit + last;
    }
    if (from >= count || to >= count) {
      return to < from; // none
    }
    for (int i = from; i <= to; i += step) {
      found.accept(name + i);
    }
    return true;
  }

  /** Where the keys begin; negative without the keyword. */
  private int begin(Request r, int name, int count) {
    if (keyword.isEmpty()) {
      return from;
    }
    boolean forward = from > 0;
    int at = forward ? from : count + from;
    while (at >= 1 && at < count) {
      if (r.argIs(name + at, keyword)) {
        return at + 1;
      }
      at += forward ? 1 : -1;
    }
    return -1;
  }

  private static int number(List<RespValue> fields, String name) {
    return (int) field(fields, name).asLong();
  }

  private static boolean hasFlag(List<RespValue> spec, String name) {
    return field(spec, "flags").asList().stream().anyMatch(flag -> flag.asString().equals(name));
  }

  private static RespValue field(List<RespValue> fields, String name) {
    for (int i = 0; i + 1 < fields.size(); i += 2) {
      if (fields.get(i).asString().equals(name)) {
        return fields.get(i + 1);
      }
    }
    throw new IllegalStateException("a key specification without " + name + ": " + fields);
  }
}
