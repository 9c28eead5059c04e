package io.ratissidecar.sidecar.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SocketPlaceTest {
  @TempDir Path temporary;

  @Test
  void when_the_path_is_short_then_the_socket_is_in_the_nodes_directory() {
    Path home = Path.of("/var/lib/node/redis");
    assertEquals(home.resolve("redis.sock"), new SocketPlace(home).socket());
  }

  @Test
  void when_the_path_is_long_then_the_directory_is_this_users_alone_and_found_again()
      throws IOException {
    Path home = temporary.resolve("x".repeat(100));
    SocketPlace place = new SocketPlace(home, temporary);
    place.prepare();
    Path parent = place.socket().getParent();
    assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(parent)));
    assertTrue(new SocketPlace(home, Path.of("/tmp")).socket().toString().length() <= 100);
    SocketPlace again = new SocketPlace(home, temporary);
    again.prepare();
    assertEquals(place.socket(), again.socket());
    Files.createFile(place.socket());
    place.remove();
    assertFalse(Files.exists(parent));
    place.remove();
    assertTrue(Files.exists(home));
  }

  @Test
  void when_others_may_enter_the_directory_then_it_is_not_used() throws IOException {
    SocketPlace place = new SocketPlace(temporary.resolve("x".repeat(100)), temporary);
    Path parent = place.socket().getParent();
    Files.createDirectory(parent);
    Files.setPosixFilePermissions(parent, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThrows(IOException.class, place::prepare);
    Files.delete(parent);
    Files.createSymbolicLink(parent, temporary);
    assertThrows(IOException.class, place::prepare);
  }
}
