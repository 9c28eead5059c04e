package io.ratissidecar.sidecar.blocking;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.RespConnection;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.apply.IgnoredReplies;
import io.ratissidecar.statemachine.apply.ReplySink;
import io.ratissidecar.statemachine.command.DatabaseKey;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespValue;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Tells what keys of the local Redis hold, and when that may have changed. Redis does the telling:
 * the connection tracks the keys that it has asked for, as a client with a cache does, so that
 * every way in which a key can change is covered. Confined to the front loop.
 *
 * <p>Source: Redis, Client-side caching.
 */
final class KeyWatch {
  /** Hears of changes. */
  interface Listener {
    /** The key may have changed, in whatever database it is. It has to be asked for again. */
    void onChanged(byte[] key);

    /** Whatever was asked for has to be asked for again; answers under way may come or not. */
    void onLost();

    /**
     * @param type in Redis's words
     * @param askedAgain whether the key was asked for meanwhile, so that this may be old
     */
    void onAnswer(DatabaseKey key, String type, boolean askedAgain);
  }

  /** The type of a key that holds nothing. */
  static final String NOTHING = "none";

  private static final byte[] TYPE = {'T', 'Y', 'P', 'E'};
  private static final long AGAIN_MILLIS = 100;

  private final FrontLoop front;
  private final Supplier<RespEndpoint> redis;
  private final Listener listener;
  private RespConnection connection;
  private boolean opening;
  private int database;

  /** Keys that are being asked for, and whether once more meanwhile. */
  private final Map<DatabaseKey, Boolean> asked = new HashMap<>();

  KeyWatch(FrontLoop front, Supplier<RespEndpoint> redis, Listener listener) {
    this.front = front;
    this.redis = redis;
    this.listener = listener;
  }

  /** True when keys can be asked for; if not, tries to get there, and {@code onLost} tells when. */
  boolean isReady() {
    if (connection == null && !opening) {
      opening = true;
      RespConnection.open(
          front,
          redis.get(),
          new RespConnection.OpenListener() {
            @Override
            public void onOpen(RespConnection opened) {
              opening = false;
              begin(opened);
            }

            @Override
            public void onFailed(Throwable cause) {
              opening = false; // the next one who asks tries again
            }
          });
    }
    return connection != null;
  }

  private void begin(RespConnection opened) {
    connection = opened;
    database = 0;
    opened.onPush(this::pushed);
    opened.onClosed(
        c -> {
          connection = null;
          lost();
        });
    opened.useProtocol(3);
    opened.command(IgnoredReplies.INSTANCE, "CLIENT", "TRACKING", "ON");
    lost();
  }

  private void lost() {
    asked.clear();
    listener.onLost();
  }

  /**
   * Asks for a key's type, and hears of its next change from now on. One answer comes to whoever
   * asks before it.
   */
  void ask(DatabaseKey key) {
    if (asked.replace(key, true) != null) {
      return;
    }
    asked.put(key, false);
    if (database != key.database()) {
      database = key.database();
      connection.command(IgnoredReplies.INSTANCE, "SELECT", Integer.toString(database));
    }
    ByteBuf command = connection.allocate(key.name().length + 32);
    Resp.command(command, TYPE, key.name());
    connection.send(
        command,
        1,
        new ReplySink() {
          @Override
          public void onReply(ByteBuf frame) {
            if (frame.getByte(frame.readerIndex()) == '-') { // such as LOADING
              front.loop().schedule(KeyWatch.this::lost, AGAIN_MILLIS, TimeUnit.MILLISECONDS);
            } else {
              answered(key, RespValue.parse(frame).asString());
            }
          }

          @Override
          public void onLost() {}
        });
  }

  private void answered(DatabaseKey key, String type) {
    listener.onAnswer(key, type, Boolean.TRUE.equals(asked.remove(key)));
  }

  /** The keys whose answer has not come yet. */
  Set<DatabaseKey> underWay() {
    return asked.keySet();
  }

  private void pushed(ByteBuf frame) {
    List<RespValue> push = RespValue.parse(frame).asList();
    if (push.size() != 2 || !push.get(0).asString().equals("invalidate")) {
      return;
    }
    if (push.get(1).isNull()) { // everything was flushed
      lost();
    } else {
      push.get(1).asList().forEach(key -> listener.onChanged(((RespValue.Bulk) key).bytes()));
    }
  }

  void close() {
    if (connection != null) {
      connection.close();
    }
  }
}
