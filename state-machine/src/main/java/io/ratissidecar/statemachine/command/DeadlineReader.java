package io.ratissidecar.statemachine.command;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.resp.ProtocolException;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.RequestDecoder;
import io.ratissidecar.statemachine.resp.RespLimits;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * Tells from the words of commands in the log which deadlines they may set. Whether they do depends
 * on the data: what it tells are hints.
 *
 * <p>Confined to one thread.
 */
public final class DeadlineReader {
  /** Hears what was found. Keys are copies. */
  public interface Listener {
    /** The key may have this deadline, by the log's clock. */
    void mayExpire(DatabaseKey key, long deadlineMillis);

    /** The key may have a deadline that the command does not name. */
    void mayHaveMoved(DatabaseKey key);

    /** Whole databases have changed places. */
    void swapped();

    /** Such of the keys as were due by then are gone. */
    void expired(DatabaseKey key, long upToMillis);
  }

  private enum Effect {
    SELECT,
    SET,
    GETEX,
    PEXPIREAT,
    RESTORE,
    SECOND_KEY,
    COPY,
    MOVE,
    SWAPDB,
    SCRIPT
  }

  private static final NameIndex<Effect> EFFECTS = effects();
  private static final RespLimits ANY =
      new RespLimits(Integer.MAX_VALUE, Integer.MAX_VALUE, 1 << 16, Long.MAX_VALUE);

  private final Request request = new Request();
  private final Listener listener;

  public DeadlineReader(Listener listener) {
    this.listener = listener;
  }

  private static NameIndex<Effect> effects() {
    Map<String, Effect> effects = new HashMap<>();
    effects.put("select", Effect.SELECT);
    effects.put("set", Effect.SET);
    effects.put("getex", Effect.GETEX);
    effects.put("pexpireat", Effect.PEXPIREAT);
    effects.put("restore", Effect.RESTORE);
    effects.put("rename", Effect.SECOND_KEY);
    effects.put("renamenx", Effect.SECOND_KEY);
    effects.put("copy", Effect.COPY);
    effects.put("move", Effect.MOVE);
    effects.put("swapdb", Effect.SWAPDB);
    for (String script : new String[] {"eval", "evalsha", "fcall"}) {
      effects.put(script, Effect.SCRIPT);
    }
    return new NameIndex<>(effects);
  }

  /** Reads the payload of an entry, whose position stays. */
  public void read(ByteBuffer payload) {
    ByteBuf in = Unpooled.wrappedBuffer(payload.duplicate());
    RequestDecoder decoder = new RequestDecoder(ANY);
    int database = 0;
    try {
      while (decoder.decode(in, request)) {
        database = read(request, 0, database);
      }
    } catch (ProtocolException e) {
      throw new IllegalArgumentException("payload: " + e.getMessage(), e);
    }
  }

  /**
   * Reads one command.
   *
   * @param name the argument that is its name
   * @param database that it is run in
   * @return the database behind it
   */
  public int read(Request r, int name, int database) {
    Effect effect = EFFECTS.find(r.buffer(), r.argStart(name), r.argLength(name));
    if (effect == null) {
      return database;
    }
    int args = r.argCount() - name;
    switch (effect) {
      case SELECT -> {
        return args == 2 ? (int) r.argLong(name + 1) : database;
      }
      case SET -> option(r, name, 3, database);
      case GETEX -> option(r, name, 2, database);
      case PEXPIREAT, RESTORE -> {
        if (args > 2) {
          deadline(r, name + 1, name + 2, database);
        }
      }
      case SECOND_KEY -> moved(r, name + 2, database);
      case COPY -> copied(r, name, database);
      case MOVE -> {
        if (args == 3) {
          moved(r, name + 1, (int) r.argLong(name + 2));
        }
      }
      case SWAPDB -> listener.swapped();
      case SCRIPT -> script(r, name, database);
    }
    return database;
  }

  private void option(Request r, int name, int firstOption, int database) {
    for (int i = name + firstOption; i + 1 < r.argCount(); i++) {
      if (r.argIs(i, "PXAT")) {
        deadline(r, name + 1, i + 1, database);
        return;
      }
    }
  }

  private void deadline(Request r, int key, int time, int database) {
    long stored = r.argLong(time);
    if (stored > 0) { // NOT_A_NUMBER is negative
      listener.mayExpire(new DatabaseKey(database, r.arg(key)), LogicalTime.fromRedis(stored));
    }
  }

  private void copied(Request r, int name, int database) {
    int target = database;
    for (int i = name + 3; i + 1 < r.argCount(); i++) {
      if (r.argIs(i, "DB")) {
        target = (int) r.argLong(i + 1);
      }
    }
    moved(r, name + 2, target);
  }

  private void moved(Request r, int key, int database) {
    if (key < r.argCount() && database >= 0) {
      listener.mayHaveMoved(new DatabaseKey(database, r.arg(key)));
    }
  }

  private void script(Request r, int name, int database) {
    if (name + 2 >= r.argCount()) {
      return;
    }
    long keys = r.argLong(name + 2);
    if (keys < 0 || keys > r.argCount() - name - 3) {
      return; // NOT_A_NUMBER too: Redis refuses it
    }
    boolean expire = name == 0 && DeadlineScript.isExpire(r);
    long upTo = expire ? LogicalTime.fromRedis(r.argLong(r.argCount() - 1)) : 0;
    for (int i = name + 3; i < name + 3 + (int) keys; i++) {
      DatabaseKey key = new DatabaseKey(database, r.arg(i));
      if (expire) {
        listener.expired(key, upTo);
      } else {
        listener.mayHaveMoved(key);
      }
    }
  }
}
