package io.ratissidecar.sidecar.redis;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisChannelWriter;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.StatefulRedisConnectionImpl;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.protocol.PushHandler;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DefaultClientResources;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Opens control connections to the local Redis; one for the whole life of the node. */
final class ControlClient implements AutoCloseable {
  /** Answers to the greeting come at once or, while Redis loads its data, not yet. */
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

  private final ClientResources resources =
      DefaultClientResources.builder().ioThreadPoolSize(2).computationThreadPoolSize(2).build();
  private final RespEndpoint endpoint;
  private final RedisClient client;

  /**
   * Without Lettuce's synchronous commands, which nobody uses here: to make them it looks up every
   * method of theirs, for 0.2 s of a slow processor at each start.
   */
  private static final class Client extends RedisClient {
    Client(ClientResources resources) {
      super(resources, new RedisURI());
    }

    @Override
    protected <K, V> StatefulRedisConnectionImpl<K, V> newStatefulRedisConnection(
        RedisChannelWriter writer, PushHandler push, RedisCodec<K, V> codec, Duration timeout) {
      return new StatefulRedisConnectionImpl<>(writer, push, codec, timeout) {
        @Override
        protected RedisCommands<K, V> newRedisSyncCommandsImpl() {
          return null;
        }
      };
    }
  }

  ControlClient(RespEndpoint endpoint) {
    this.endpoint = endpoint;
    client = new Client(resources);
    // The supervisor makes a lost connection anew, after it has looked at the data.
    client.setOptions(ClientOptions.builder().autoReconnect(false).build());
  }

  private RedisURI uri(Duration connectTimeout) {
    RedisURI.Builder uri =
        endpoint.port() == 0
            ? RedisURI.Builder.socket(endpoint.host())
            : RedisURI.Builder.redis(endpoint.host(), endpoint.port());
    uri.withTimeout(connectTimeout);
    if (endpoint.password().isPresent()) {
      if (endpoint.user().isPresent()) {
        uri.withAuthentication(endpoint.user().get(), endpoint.password().get().toCharArray());
      } else {
        uri.withPassword(endpoint.password().get().toCharArray());
      }
    }
    return uri.build();
  }

  /**
   * Blocks until connected.
   *
   * @param timeout for each command on it
   * @throws RedisException when Redis can't be reached, or refuses the connection
   */
  RedisControl connect(Duration timeout) {
    return connect(CONNECT_TIMEOUT, timeout);
  }

  /** As {@link #connect(Duration)}, with another time to be connected and greeted. */
  RedisControl connect(Duration connectTimeout, Duration timeout) {
    StatefulRedisConnection<String, String> connection = client.connect(uri(connectTimeout));
    connection.setTimeout(timeout);
    return new RedisControl(connection);
  }

  @Override
  public void close() {
    client.shutdown(0, 500, TimeUnit.MILLISECONDS);
    resources.shutdown(0, 500, TimeUnit.MILLISECONDS);
  }
}
