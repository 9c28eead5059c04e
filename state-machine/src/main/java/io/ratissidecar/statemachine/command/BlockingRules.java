package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Commands that wait for data. None of them ever waits in the log: there is what they do when data
 * is there, in a form that does not wait.
 */
final class BlockingRules {
  private static final byte[] EVAL = Args.ascii("EVAL");

  /**
   * Pops from the first key that holds something, and says which. {@code LMPOP} and {@code ZMPOP}
   * do, but answer in another form, and came with Redis 7. With RESP3 a score stays a double.
   */
  private static final byte[] POP_ANY =
      Args.ascii(
          "redis.setresp(3) for i=1,#KEYS do local v=redis.pcall(ARGV[1],KEYS[i]) "
              + "if type(v)=='table' then if v.err then return v end "
              + "if v[1] then return {KEYS[i],v[1],v[2]} end "
              + "elseif v then return {KEYS[i],v} end end return nil");

  private static final String LIST = "list";

  private BlockingRules() {}

  /** {@code BLPOP key [key …] timeout} and its like, by the command that pops from one key. */
  static Plan popAny(Request r, int name, String popOne) {
    int last = r.argCount() - 1;
    List<byte[]> keys = keys(r, name + 1, last);
    List<byte[]> attempt = new ArrayList<>();
    attempt.add(EVAL);
    attempt.add(POP_ANY);
    attempt.add(Args.decimal(keys.size()));
    attempt.addAll(keys);
    attempt.add(Args.ascii(popOne));
    return plan(r, last, attempt, typeOf(popOne), keys);
  }

  /** {@code BLMPOP timeout numkeys key [key …] LEFT|RIGHT [COUNT n]}, and {@code BZMPOP}. */
  static Plan popMany(Request r, int name, String popMany, String... ends) {
    List<byte[]> attempt = rest(r, name + 2, r.argCount());
    attempt.add(0, Args.ascii(popMany));
    long count = r.argLong(name + 2);
    if (count < 1) { // or no number
      return new Plan.Refused("ERR numkeys should be greater than 0");
    }
    if (count > r.argCount() - name - 4) {
      return Args.SYNTAX_ERROR;
    }
    int end = name + 3 + (int) count;
    boolean counted = r.argCount() == end + 3 && r.argIs(end + 1, "COUNT");
    if (!Args.isAny(r, end, ends) || !(r.argCount() == end + 1 || counted)) {
      return Args.SYNTAX_ERROR;
    }
    if (counted && r.argLong(end + 2) < 1) {
      return new Plan.Refused("ERR count should be greater than 0");
    }
    return plan(r, name + 1, attempt, typeOf(popMany), keys(r, name + 3, end));
  }

  /** {@code BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout}. */
  static Plan move(Request r, int name) {
    if (!Args.isAny(r, name + 3, "LEFT", "RIGHT") || !Args.isAny(r, name + 4, "LEFT", "RIGHT")) {
      return Args.SYNTAX_ERROR;
    }
    return move(r, name, "LMOVE");
  }

  /** {@code BRPOPLPUSH source destination timeout}. */
  static Plan popPush(Request r, int name) {
    return move(r, name, "RPOPLPUSH");
  }

  private static Plan move(Request r, int name, String move) {
    int last = r.argCount() - 1;
    List<byte[]> attempt = rest(r, name + 1, last);
    attempt.add(0, Args.ascii(move));
    return plan(r, last, attempt, LIST, keys(r, name + 1, name + 2));
  }

  /** What a command that pops from a key finds there. */
  private static String typeOf(String pop) {
    return pop.startsWith("Z") ? "zset" : LIST;
  }

  private static Plan plan(
      Request r, int timeoutArg, List<byte[]> attempt, String type, List<byte[]> keys) {
    double seconds = seconds(r, timeoutArg);
    if (Double.isNaN(seconds)) {
      return new Plan.Refused("ERR timeout is not a float or out of range");
    }
    if (seconds < 0) {
      return new Plan.Refused("ERR timeout is negative");
    }
    double millis = Math.ceil(seconds * 1000);
    if (millis > Long.MAX_VALUE / 2) {
      return new Plan.Refused("ERR timeout is out of range");
    }
    return Plan.Blocking.taking(attempt.toArray(byte[][]::new), type, keys, (long) millis);
  }

  private static double seconds(Request r, int arg) {
    String text = r.argString(arg);
    // Redis takes what strtold does; Java takes more, such as a trailing 'd', and no hexadecimal.
    if (!text.matches("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?")) {
      return Double.NaN;
    }
    double value = Double.parseDouble(text);
    return Double.isInfinite(value) ? Double.NaN : value;
  }

  private static List<byte[]> keys(Request r, int from, int to) {
    return List.copyOf(rest(r, from, to));
  }

  private static List<byte[]> rest(Request r, int from, int to) {
    byte[][] args = new byte[Math.max(0, to - from)][];
    for (int i = 0; i < args.length; i++) {
      args[i] = r.arg(from + i);
    }
    return new ArrayList<>(Arrays.asList(args));
  }
}
