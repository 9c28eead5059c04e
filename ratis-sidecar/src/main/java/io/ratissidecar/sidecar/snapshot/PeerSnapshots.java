package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.sidecar.membership.PeerProtocol;
import io.ratissidecar.sidecar.resp.BlockingRespClient;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.snapshot.ChunkSource;
import io.ratissidecar.snapshot.SnapshotGoneException;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * The snapshots of one other node. Connects when it is first asked, and again after a connection
 * was lost. For one thread.
 */
public final class PeerSnapshots implements ChunkSource, Closeable {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(2);
  private static final Duration READ_TIMEOUT = Duration.ofSeconds(10);

  private final RespEndpoint node;
  private final String clusterId;
  private final BooleanSupplier wanted;
  private BlockingRespClient client;

  /**
   * @param wanted once it says no, every question fails
   */
  public PeerSnapshots(RespEndpoint node, String clusterId, BooleanSupplier wanted) {
    this.node = node;
    this.clusterId = clusterId;
    this.wanted = wanted;
  }

  @Override
  public byte[] latest() throws IOException {
    return ask(PeerProtocol.SNAPSHOT);
  }

  @Override
  public byte[] manifest(long index, long term) throws IOException {
    return ask(PeerProtocol.SNAPSHOT, index, term);
  }

  @Override
  public byte[] read(long index, long term, long offset, int length) throws IOException {
    return ask(PeerProtocol.CHUNK, index, term, offset, length);
  }

  /** One of an older version does not know the word, and goes on as before. */
  @Override
  public void doubt(long index, long term) throws IOException {
    call(
        PeerProtocol.message(
            PeerProtocol.DOUBT, clusterId, Long.toString(index), Long.toString(term)));
  }

  private byte[] ask(String word, long... numbers) throws IOException {
    if (!wanted.getAsBoolean()) {
      throw new IOException("the snapshot is not wanted any more");
    }
    String[] arguments = new String[numbers.length];
    for (int i = 0; i < numbers.length; i++) {
      arguments[i] = Long.toString(numbers[i]);
    }
    RespValue reply = call(PeerProtocol.message(word, clusterId, arguments));
    if (reply instanceof RespValue.Bulk bulk) {
      return bulk.bytes();
    }
    if (reply instanceof RespValue.Error error
        && error.message().startsWith(PeerProtocol.NO_SNAPSHOT + " ")) {
      throw new SnapshotGoneException(node + " answers " + error.message());
    }
    throw new IOException(node + " answers " + reply);
  }

  private RespValue call(String... command) throws IOException {
    try {
      if (client == null) {
        client = BlockingRespClient.connect(node, CONNECT_TIMEOUT, READ_TIMEOUT);
      }
      return client.call(command);
    } catch (IOException e) {
      close();
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    if (client != null) {
      client.close();
      client = null;
    }
  }
}
