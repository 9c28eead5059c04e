package io.ratissidecar.sidecar.blocking;

import io.ratissidecar.statemachine.command.Plan;
import io.ratissidecar.statemachine.resp.RespValue;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * {@code $} in an {@code XREAD} that waits: the last ID that each stream has when the command
 * arrives. Without it the command would find nothing whenever it is executed.
 */
final class LastIds {
  private static final byte[] DOLLAR = {'$'};
  private static final byte[] EVAL = {'E', 'V', 'A', 'L'};
  private static final byte[] SCRIPT =
      ("local r = {} for i = 1, #KEYS do r[i] = '0-0' "
              + "local info = redis.pcall('XINFO', 'STREAM', KEYS[i]) "
              + "if info.err and string.find(info.err, 'WRONGTYPE', 1, true) then return info end "
              + "for k = 1, #info, 2 do "
              + "if info[k] == 'last-generated-id' then r[i] = info[k + 1] end end end "
              + "return r")
          .getBytes(StandardCharsets.US_ASCII);

  private LastIds() {}

  /** Whether the command has to be completed first. */
  static boolean areAskedFor(Plan.Blocking plan) {
    byte[][] words = plan.words();
    for (int i = words.length - plan.keys().size(); i < words.length; i++) {
      if (plan.kind() == Plan.Waiting.TO_READ && Arrays.equals(words[i], DOLLAR)) {
        return true;
      }
    }
    return false;
  }

  /** The command that tells the last IDs, or that a key is no stream. */
  static byte[][] question(Plan.Blocking plan) {
    List<byte[]> keys = plan.keys();
    byte[][] command = new byte[3 + keys.size()][];
    command[0] = EVAL;
    command[1] = SCRIPT;
    command[2] = Integer.toString(keys.size()).getBytes(StandardCharsets.US_ASCII);
    for (int i = 0; i < keys.size(); i++) {
      command[3 + i] = keys.get(i);
    }
    return command;
  }

  /** The command, complete. */
  static Plan.Blocking completed(Plan.Blocking plan, RespValue answer) {
    byte[][] words = plan.words().clone();
    List<RespValue> ids = answer.asList();
    int first = words.length - ids.size();
    for (int i = 0; i < ids.size(); i++) {
      if (Arrays.equals(words[first + i], DOLLAR)) {
        words[first + i] = ids.get(i).asString().getBytes(StandardCharsets.US_ASCII);
      }
    }
    return new Plan.Blocking(
        new Plan.ReadInstead(words), plan.kind(), plan.type(), plan.keys(), plan.timeoutMillis());
  }
}
