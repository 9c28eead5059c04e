package io.ratissidecar.sidecar.session;

import io.ratissidecar.sidecar.resp.RespConnection;
import java.util.function.Consumer;

/**
 * Opens a connection for a client while the request that wants it is held back, one attempt at a
 * time. Confined to the front loop.
 */
final class ConnectionAttempt {
  private final Session session;
  private boolean underWay;
  private boolean failed;

  ConnectionAttempt(Session session) {
    this.session = session;
  }

  /** True once after an attempt that failed. */
  boolean takeFailure() {
    boolean was = failed;
    failed = false;
    return was;
  }

  /**
   * Begins one, unless one is under way; the request comes again when it has ended.
   *
   * @param open begins to open a connection
   * @param opened takes it, unless the client has gone meanwhile
   */
  void begin(Consumer<RespConnection.OpenListener> open, Consumer<RespConnection> opened) {
    session.holdUntil(
        resume -> {
          if (!underWay) {
            underWay = true;
            open.accept(new Ended(opened, resume));
          }
        });
  }

  private final class Ended implements RespConnection.OpenListener {
    private final Consumer<RespConnection> opened;
    private final Runnable resume;

    Ended(Consumer<RespConnection> opened, Runnable resume) {
      this.opened = opened;
      this.resume = resume;
    }

    @Override
    public void onOpen(RespConnection connection) {
      underWay = false;
      if (session.isClosed()) {
        connection.close();
        return;
      }
      opened.accept(connection);
      resume.run();
    }

    @Override
    public void onFailed(Throwable cause) {
      underWay = false;
      failed = true;
      resume.run();
    }
  }
}
