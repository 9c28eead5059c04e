package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.Future;
import io.ratissidecar.sidecar.membership.PeerProtocol;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.RespConnection;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.apply.ReplySink;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens a connection that forwards to the leader: connects, logs in, and says what it is for, so
 * that a leader that is none any more does not forward in turn. Nothing of a client's is sent
 * before the leader has agreed: whatever fails here has not happened. Confined to the front loop.
 */
final class ProxyHandshake implements RespConnection.OpenListener {
  private static final Logger LOG = LoggerFactory.getLogger(ProxyHandshake.class);

  /** A process that is frozen accepts connections, and is silent from there on. */
  private static final long PATIENCE_MILLIS = 2000;

  private final RespEndpoint leader;
  private final String clusterId;
  private final RespConnection.OpenListener listener;
  private final Future<?> patience;

  /**
   * Begins at once.
   *
   * @param listener hears of the end, not within this call
   */
  ProxyHandshake(
      FrontLoop front,
      RespEndpoint leader,
      String clusterId,
      RespConnection.OpenListener listener) {
    this.leader = leader;
    this.clusterId = clusterId;
    this.listener = listener;
    RespConnection opening = RespConnection.open(front, leader, this);
    this.patience = front.loop().schedule(opening::close, PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
  }

  @Override
  public void onOpen(RespConnection connection) {
    connection.command(
        new ReplySink() {
          @Override
          public void onReply(ByteBuf frame) {
            if (frame.getByte(frame.readerIndex()) == '-') {
              refused(connection, frame.toString(StandardCharsets.UTF_8).strip());
            } else {
              patience.cancel(false);
              listener.onOpen(connection);
            }
          }

          @Override
          public void onLost() {
            onFailed(new IOException(leader + " closed the connection, or was silent"));
          }
        },
        PeerProtocol.message(PeerProtocol.PROXY, clusterId));
  }

  private void refused(RespConnection connection, String error) {
    LOG.warn("The leader at {} lets this node forward nothing: {}", leader, error);
    onFailed(new IOException(leader + ": " + error));
    connection.close();
  }

  @Override
  public void onFailed(Throwable cause) {
    patience.cancel(false);
    listener.onFailed(cause);
  }
}
