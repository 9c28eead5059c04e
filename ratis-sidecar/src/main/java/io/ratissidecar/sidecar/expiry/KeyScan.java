package io.ratissidecar.sidecar.expiry;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.statemachine.command.DatabaseKey;
import io.ratissidecar.statemachine.resp.RespValue;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;

/**
 * Goes through the keys of all databases of users, again and again: fast until it was through once,
 * then slowly. Confined to the front loop.
 */
final class KeyScan {
  private static final String FAST = "500";
  private static final String SLOW = "100";

  private final ExpiryLog log;
  private final int databases;
  private final Consumer<DatabaseKey> visitor;
  private final Runnable onComplete;
  private int database;
  private String cursor;
  private boolean complete;

  /** Answers to what an earlier round has asked do not count. */
  private int round;

  private boolean asking;

  /**
   * @param databases how many users have
   * @param visitor gets each key; keys that come and go meanwhile or not
   * @param onComplete once it was through
   */
  KeyScan(ExpiryLog log, int databases, Consumer<DatabaseKey> visitor, Runnable onComplete) {
    this.log = log;
    this.databases = databases;
    this.visitor = visitor;
    this.onComplete = onComplete;
  }

  /** Begins anew. */
  void start() {
    stop();
    next();
  }

  /** Redis is gone, or what was seen does not count. */
  void stop() {
    round++;
    asking = false;
    complete = false;
    database = 0;
    cursor = "0";
  }

  /** Goes on slowly, or after a failure. A few times a second. */
  void tick() {
    if (!asking && cursor != null) {
      next();
    }
  }

  private void next() {
    asking = true;
    int asked = round;
    log.ask(
        database,
        command("SCAN", cursor, "COUNT", complete ? SLOW : FAST),
        new ReplyReceiver() {
          @Override
          public void reply(ByteBuf frame) {
            if (asked == round) {
              answered(RespValue.parse(frame));
            }
          }

          @Override
          public void failed(Failure failure) {
            if (asked == round) {
              asking = false; // the next tick tries again
            }
          }
        });
  }

  private void answered(RespValue reply) {
    asking = false;
    if (reply.isError()) {
      return;
    }
    List<RespValue> parts = reply.asList();
    int seenIn = database;
    cursor = parts.get(0).asString();
    for (RespValue key : parts.get(1).asList()) {
      visitor.accept(new DatabaseKey(seenIn, ((RespValue.Bulk) key).bytes()));
    }
    if (cursor.equals("0")) {
      database++;
      if (database == databases) {
        database = 0;
        if (!complete) {
          complete = true;
          onComplete.run();
        }
      }
    }
    if (!complete) {
      next();
    }
  }

  private static byte[][] command(String... words) {
    byte[][] command = new byte[words.length][];
    for (int i = 0; i < words.length; i++) {
      command[i] = words[i].getBytes(StandardCharsets.US_ASCII);
    }
    return command;
  }
}
