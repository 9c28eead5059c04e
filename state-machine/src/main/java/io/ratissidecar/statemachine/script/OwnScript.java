package io.ratissidecar.statemachine.script;

import io.ratissidecar.statemachine.command.Plan;
import java.nio.charset.StandardCharsets;

/**
 * A script of the sidecar's own: it gets the prelude, and comes into the log, as if a client had
 * sent it. All its words are arguments; it has no keys.
 */
public enum OwnScript {
  /** Runs the command that the arguments are. */
  COMMAND("return redis.pcall(unpack(ARGV))"),
  /** The same for a client that speaks RESP3. In RESP2 a script's false is a null. */
  COMMAND_RESP3("redis.setresp(3) local r = redis.pcall(unpack(ARGV)) redis.setresp(2) return r"),
  /**
   * Pops from the set that the first argument names as many members as the second says, or one if
   * it is empty: those of the others that are still there, and then any by the seed.
   */
  POP(
      "local key, wanted, popped = ARGV[1], tonumber(ARGV[2]), {} "
          + "for i = 3, #ARGV do "
          + "if wanted and #popped == wanted then break end "
          + "local gone = redis.pcall('SREM', key, ARGV[i]) "
          + "if type(gone) == 'table' then return gone end "
          + "if gone == 1 then "
          + "if not wanted then return ARGV[i] end "
          + "popped[#popped + 1] = ARGV[i] end end "
          + "if not wanted then return redis.pcall('SPOP', key) end "
          + "local left = {} "
          + "if #popped < wanted or wanted == 0 then "
          + "left = redis.pcall('SPOP', key, wanted - #popped) end "
          + "if left.err then return left end "
          + "local set = {} "
          + "for i = 1, #popped do set[popped[i]] = true end "
          + "for i = 1, #left do set[left[i]] = true end "
          + "return {set = set}");

  private final byte[] body;
  private final String sha;

  OwnScript(String text) {
    body = text.getBytes(StandardCharsets.US_ASCII);
    sha = Script.sha1(body);
  }

  /** The arguments of {@link #POP}. */
  public static byte[][] arguments(Plan.Pop pop) {
    byte[][] arguments = new byte[2 + pop.candidates().size()][];
    arguments[0] = pop.key();
    String count = pop.count() == Plan.Pop.ONE ? "" : Long.toString(pop.count());
    arguments[1] = count.getBytes(StandardCharsets.US_ASCII);
    for (int i = 2; i < arguments.length; i++) {
      arguments[i] = pop.candidates().get(i - 2);
    }
    return arguments;
  }

  /** Its text, without the prelude; not to be changed. */
  public byte[] body() {
    return body;
  }

  /** The hash of its text. */
  public String sha() {
    return sha;
  }
}
