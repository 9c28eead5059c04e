package io.ratissidecar.cli.importing;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.ratissidecar.snapshot.RdbKey;
import io.ratissidecar.snapshot.RdbKeys;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.function.Consumer;

/**
 * Writes the keys of the source's RDB, each with {@code RESTORE ... REPLACE}. That may be repeated,
 * as long as no later command has changed the key: so all that is unanswered is sent again when the
 * connection is lost, and {@link #finish} waits for the last reply. For one thread.
 */
final class KeyWriter implements RdbKeys.Listener {
  private static final int MOST_KEYS = 512;
  private static final long MOST_BYTES = 8 << 20;
  private static final byte[] RAFT = "RAFT".getBytes(US_ASCII);
  private static final byte[] RESTORE = "RESTORE".getBytes(US_ASCII);
  private static final byte[] REPLACE = "REPLACE".getBytes(US_ASCII);
  private static final byte[] ABSTTL = "ABSTTL".getBytes(US_ASCII);

  private final LeaderLink link;
  private final Pace pace;
  private final ImportStatus status;
  private final Consumer<String> warnings;
  private final Queue<RdbKey> unanswered = new ArrayDeque<>();
  private long unansweredBytes;

  KeyWriter(LeaderLink link, Pace pace, ImportStatus status, Consumer<String> warnings) {
    this.link = link;
    this.pace = pace;
    this.status = status;
    this.warnings = warnings;
  }

  @Override
  public void onKey(RdbKey key) throws IOException {
    pace.take(1);
    unanswered.add(key);
    unansweredBytes += key.dump().length;
    try {
      send(key);
    } catch (LeaderLink.LostException e) {
      sendAgain();
    }
    if (unanswered.size() >= MOST_KEYS || unansweredBytes >= MOST_BYTES) {
      // Down to a half, so that many are sent, and many answers read, at once.
      awaitReplies(MOST_KEYS / 2, MOST_BYTES / 2);
    }
  }

  @Override
  public void onFunction(byte[] source) throws IOException {
    RespValue reply =
        link.repeat(
            0, RAFT, "FUNCTION".getBytes(US_ASCII), "LOAD".getBytes(US_ASCII), REPLACE, source);
    if (reply instanceof RespValue.Error error) {
      warnings.accept("Function libraries are not imported: " + error.message());
    }
  }

  /** Waits until everything is written. */
  void finish() throws IOException {
    awaitReplies(0, 0);
  }

  private void send(RdbKey key) throws LeaderLink.LostException {
    byte[] deadline = Long.toString(key.deadlineMillis()).getBytes(US_ASCII);
    link.send(key.database(), RAFT, RESTORE, key.name(), deadline, key.dump(), REPLACE, ABSTTL);
  }

  private void sendAgain() throws IOException {
    while (true) {
      link.reconnect();
      try {
        for (RdbKey key : unanswered) {
          send(key);
        }
        return;
      } catch (LeaderLink.LostException e) {
        // Once more.
      }
    }
  }

  private void awaitReplies(int keysLeft, long bytesLeft) throws IOException {
    while (unanswered.size() > keysLeft || unansweredBytes > bytesLeft) {
      try {
        RespValue reply = link.receive();
        RdbKey key = unanswered.remove();
        unansweredBytes -= key.dump().length;
        check(key, reply);
        status.keyDone(key.dump().length);
      } catch (LeaderLink.LostException e) {
        sendAgain();
      }
    }
  }

  private static void check(RdbKey key, RespValue reply) {
    if (!(reply instanceof RespValue.Error error)) {
      return;
    }
    String what =
        String.format(
            "can't import key '%s' of database %d (%,d bytes): ",
            new String(key.name(), UTF_8), key.database(), key.dump().length);
    if (Limits.isTooLong(error.message())) {
      throw new IllegalStateException(what + Limits.TOO_LONG);
    }
    String hint =
        error.message().contains("DUMP payload version")
            ? ". The source's Redis is newer than the cluster's"
            : "";
    throw new IllegalStateException(what + error.message() + hint);
  }
}
