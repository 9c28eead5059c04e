package io.ratissidecar.statemachine.script;

import io.ratissidecar.statemachine.command.Plan;
import io.ratissidecar.statemachine.resp.Request;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** The commands about scripts: their arguments, and what stands in the log for them. */
public final class ScriptCommands {
  /** The hash in the reserved database that holds all scripts, by the hash that clients know. */
  public static final String KEY = "ratis-sidecar:scripts";

  private static final Plan NO_SCRIPT =
      new Plan.Refused("NOSCRIPT No matching script. Please use EVAL.");
  private static final byte[] EVALSHA = ascii("EVALSHA");
  private static final byte[] EVALSHA_RO = ascii("EVALSHA_RO");
  private static final byte[] SCRIPT = ascii("SCRIPT");
  private static final byte[] EXISTS = ascii("EXISTS");
  private static final byte[] UNKNOWN = ascii("-");
  private static final byte[] NO_KEYS = ascii("0");

  /** Redis's own default of {@code stream-node-max-entries}. */
  public static final int STREAM_NODE_ENTRIES = 100;

  private static final int SHA_LENGTH = 40;

  private ScriptCommands() {}

  /**
   * What runs a script differently each time.
   *
   * @param seed positive
   * @param outOfMemory whether it may do nothing that needs memory
   * @param streamNodeEntries how many entries of a stream the leader's Redis keeps together, at
   *     least 1; only scripts of the sidecar's own get another than {@link #STREAM_NODE_ENTRIES}
   */
  public record Circumstances(
      long clockMillis, int seed, int database, boolean outOfMemory, long streamNodeEntries) {}

  /** The hash that an argument is, in lower case as Redis takes it; else some other text. */
  public static String sha(Request r, int i) {
    return r.argLength(i) == SHA_LENGTH ? r.argString(i).toLowerCase(Locale.ROOT) : "";
  }

  /**
   * Checks the number of keys, as Redis would: two arguments more would let one pass that is too
   * large.
   *
   * @return null when it is right
   */
  public static Plan checkKeys(Request r, int name) {
    long keys = r.argLong(name + 2);
    if (keys == Request.NOT_A_NUMBER) {
      boolean function = r.argIs(name, "FCALL") || r.argIs(name, "FCALL_RO");
      return new Plan.Refused(
          function
              ? "ERR Bad number of keys provided"
              : "ERR value is not an integer or out of range");
    }
    if (keys > r.argCount() - name - 3) {
      return new Plan.Refused("ERR Number of keys can't be greater than number of args");
    }
    return keys < 0 ? new Plan.Refused("ERR Number of keys can't be negative") : null;
  }

  /**
   * The call of a script that every node has.
   *
   * @param wrappedSha how Redis calls it; null when the log has it not
   * @param readOnly whether it may only read
   */
  public static Plan call(
      Request r, int name, String wrappedSha, boolean readOnly, Circumstances circumstances) {
    if (wrappedSha == null) {
      return NO_SCRIPT;
    }
    byte[][] command = withTail(r, name, circumstances);
    command[0] = readOnly ? EVALSHA_RO : EVALSHA;
    command[1] = ascii(wrappedSha);
    return readOnly ? new Plan.ReadInstead(command) : Plan.Rewritten.single(command);
  }

  /**
   * The call of one of our own scripts.
   *
   * @param wrappedSha how Redis calls it
   */
  public static Plan callOwn(
      String wrappedSha, byte[][] arguments, boolean readOnly, Circumstances circumstances) {
    byte[][] command = new byte[arguments.length + 5][];
    command[0] = EVALSHA;
    command[1] = ascii(wrappedSha);
    command[2] = NO_KEYS;
    System.arraycopy(arguments, 0, command, 3, arguments.length);
    addTail(command, circumstances);
    return readOnly ? new Plan.ReadInstead(command) : Plan.Rewritten.single(command);
  }

  /** The call of a function. */
  public static Plan callFunction(
      Request r, int name, boolean readOnly, Circumstances circumstances) {
    byte[][] command = withTail(r, name, circumstances);
    return readOnly ? new Plan.ReadInstead(command) : Plan.Rewritten.single(command);
  }

  private static byte[][] withTail(Request r, int name, Circumstances circumstances) {
    int count = r.argCount() - name;
    byte[][] command = new byte[count + 2][];
    for (int i = 0; i < count; i++) {
      command[i] = r.arg(name + i);
    }
    addTail(command, circumstances);
    return command;
  }

  private static void addTail(byte[][] command, Circumstances circumstances) {
    command[command.length - 2] = ascii(Long.toString(circumstances.clockMillis()));
    String mark = circumstances.outOfMemory() ? "0" : ""; // for preludes of any version a number
    long entries = circumstances.streamNodeEntries();
    String tail = entries == STREAM_NODE_ENTRIES ? "" : ":" + entries;
    command[command.length - 1] =
        ascii(mark + circumstances.seed() + ":" + circumstances.database() + tail);
  }

  /** {@code FUNCTION LOAD [REPLACE] code}: the code with the prelude. */
  public static Plan.Rewritten loadLibrary(Request r, int name, Prelude prelude) {
    byte[][] command = new byte[r.argCount() - name][];
    for (int i = 0; i < command.length; i++) {
      command[i] = r.arg(name + i);
    }
    command[command.length - 1] = prelude.wrapLibrary(command[command.length - 1]);
    return new Plan.Rewritten(new byte[][][] {command}, 0);
  }

  /** {@code FUNCTION RESTORE} of another dump than the request has. */
  public static Plan.Rewritten restoreLibraries(Request r, int name, byte[] dump) {
    byte[][] command = new byte[r.argCount() - name][];
    for (int i = 0; i < command.length; i++) {
      command[i] = i == 2 ? dump : r.arg(name + i);
    }
    return new Plan.Rewritten(new byte[][][] {command}, 0);
  }

  /** Stores a script, and makes Redis know it; in the reserved database. */
  public static byte[][][] install(Script script) {
    return new byte[][][] {
      {ascii("HSET"), ascii(KEY), ascii(script.sha()), script.wrapped()}, load(script)
    };
  }

  /** Makes one Redis know a script. */
  public static byte[][] load(Script script) {
    return new byte[][] {SCRIPT, ascii("LOAD"), script.wrapped()};
  }

  /** {@code SCRIPT EXISTS sha …} for the scripts that the clients mean. */
  public static Plan exists(Request r, int name, ScriptCatalog catalog) {
    byte[][] command = new byte[r.argCount() - name][];
    command[0] = SCRIPT;
    command[1] = EXISTS;
    for (int i = 2; i < command.length; i++) {
      String wrappedSha = catalog.find(sha(r, name + i));
      command[i] = wrappedSha == null ? UNKNOWN : ascii(wrappedSha);
    }
    return new Plan.ReadInstead(command);
  }

  /**
   * {@code SCRIPT FLUSH [ASYNC|SYNC]}: forgets the scripts on every node.
   *
   * @param reserved the reserved database
   * @param database the one to go back to
   */
  public static Plan flush(Request r, int name, int reserved, int database) {
    int count = r.argCount() - name;
    boolean mode = count == 3 && (r.argIs(name + 2, "ASYNC") || r.argIs(name + 2, "SYNC"));
    if (count > 3 || count == 3 && !mode) {
      return new Plan.Refused("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
    }
    byte[][] flush = mode ? new byte[][] {SCRIPT, ascii("FLUSH"), r.arg(name + 2)} : null;
    return new Plan.Rewritten(
        new byte[][][] {
          {ascii("SELECT"), ascii(Integer.toString(reserved))},
          {ascii("DEL"), ascii(KEY)},
          {ascii("SELECT"), ascii(Integer.toString(database))},
          mode ? flush : new byte[][] {SCRIPT, ascii("FLUSH")}
        },
        3);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
