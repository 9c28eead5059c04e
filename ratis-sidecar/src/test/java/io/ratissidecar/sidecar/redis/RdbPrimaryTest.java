package io.ratissidecar.sidecar.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RdbPrimaryTest {
  @TempDir Path dir;

  /** A scan for open ports must not end the load that Redis is about to begin. */
  @Test
  void when_strangers_connect_then_redis_still_gets_its_rdb() throws Exception {
    Path rdb = Files.writeString(dir.resolve("dump.rdb"), "the data\n");
    try (RdbPrimary primary = new RdbPrimary(InetAddress.getLoopbackAddress())) {
      CompletableFuture<Void> served =
          CompletableFuture.runAsync(
              () -> {
                try {
                  primary.serve(rdb);
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              });
      connect(primary).close();
      try (Socket stranger = connect(primary)) {
        stranger.getOutputStream().write("*1\r\n$x\r\n".getBytes(US_ASCII));
        assertNull(reader(stranger).readLine(), "the connection goes on");
      }
      try (Socket redis = connect(primary)) {
        redis.getOutputStream().write("PING\r\nPSYNC ? -1\r\n".getBytes(US_ASCII));
        BufferedReader in = reader(redis);
        assertEquals("+PONG", in.readLine());
        assertEquals("+FULLRESYNC", in.readLine().split(" ", 2)[0]);
        assertEquals("$9", in.readLine());
        assertEquals("the data", in.readLine());
      }
      served.get(10, TimeUnit.SECONDS);
    }
  }

  private static Socket connect(RdbPrimary primary) throws IOException {
    return new Socket(primary.address().getAddress(), primary.address().getPort());
  }

  private static BufferedReader reader(Socket socket) throws IOException {
    return new BufferedReader(new InputStreamReader(socket.getInputStream(), US_ASCII));
  }
}
