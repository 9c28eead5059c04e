package io.ratissidecar.cli.importing;

import io.ratissidecar.cli.client.UnreachableException;
import io.ratissidecar.sidecar.resp.BlockingRespClient;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the source says of itself, over a connection of its own. For any thread. */
final class SourceInfo implements Closeable {
  private static final Duration CONNECT = Duration.ofSeconds(3);
  private static final Duration REPLY = Duration.ofSeconds(20);
  private static final Pattern OFFSET = Pattern.compile("(?m)^master_repl_offset:(\\d+)");
  private static final Pattern KEYS = Pattern.compile("(?m)^db\\d+:keys=(\\d+)");

  private final BlockingRespClient client;

  private SourceInfo(BlockingRespClient client) {
    this.client = client;
  }

  static SourceInfo connect(RespEndpoint endpoint) throws IOException {
    try {
      return new SourceInfo(BlockingRespClient.connect(endpoint, CONNECT, REPLY));
    } catch (IOException e) {
      throw new IOException(
          "can't reach the source at " + endpoint + ": " + UnreachableException.reason(e), e);
    }
  }

  /** How far its stream of commands is. */
  long offset() throws IOException {
    Matcher found = OFFSET.matcher(info("replication"));
    if (!found.find()) {
      throw new IOException("the source does not tell its replication offset in INFO");
    }
    return Long.parseLong(found.group(1));
  }

  /** How many keys it has. */
  long keys() throws IOException {
    return keys(info("keyspace"));
  }

  /** How many keys there are by the reply of {@code INFO keyspace}. */
  static long keys(String info) {
    return KEYS.matcher(info).results().mapToLong(found -> Long.parseLong(found.group(1))).sum();
  }

  private synchronized String info(String section) throws IOException {
    RespValue reply = client.call("INFO", section);
    if (reply instanceof RespValue.Error error) {
      throw new IOException("the source answers INFO with: " + error.message());
    }
    return reply.asString();
  }

  @Override
  public void close() throws IOException {
    client.close();
  }
}
