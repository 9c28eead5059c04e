package io.ratissidecar.sidecar.redis;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.UUID;

/**
 * Where the unix socket of a managed Redis is: in the node's own directory, or, when that path is
 * too long for a socket, in a directory of this user's alone under {@code /tmp}. Its name is the
 * same after a restart, so that a Redis that was left running is found; that nobody else could have
 * made it is checked each time.
 */
final class SocketPlace {
  private static final int MAX_BYTES = 100;
  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rwx------");

  private final Path home;
  private final Path socket;

  SocketPlace(Path home) {
    this(home, Path.of("/tmp"));
  }

  /**
   * @param home the directory that the socket belongs into
   * @param shared where everybody may make directories
   */
  SocketPlace(Path home, Path shared) {
    this.home = home;
    Path preferred = home.resolve("redis.sock");
    byte[] name = preferred.toString().getBytes(StandardCharsets.UTF_8);
    this.socket =
        name.length <= MAX_BYTES
            ? preferred
            : shared.resolve("ratis-sidecar-" + UUID.nameUUIDFromBytes(name)).resolve("redis.sock");
  }

  Path socket() {
    return socket;
  }

  /**
   * Makes the socket's directory if it is missing.
   *
   * @throws IOException when somebody else may have put something there
   */
  void prepare() throws IOException {
    Files.createDirectories(home);
    Path parent = socket.getParent();
    if (parent.equals(home)) {
      return;
    }
    try {
      Files.createDirectory(parent, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(parent, LinkOption.NOFOLLOW_LINKS)
          || !Files.getOwner(parent, LinkOption.NOFOLLOW_LINKS).equals(Files.getOwner(home))
          || !Files.getPosixFilePermissions(parent).equals(OWNER_ONLY)) {
        throw new IOException(
            parent
                + " must be a directory that only this user may enter, since it holds the socket of the managed Redis."
                + " Remove it, or choose a shorter path for 'dir'",
            e);
      }
    }
  }

  /** Removes a directory of the socket's own, once Redis has ended. Nothing is lost if it can't. */
  void remove() {
    Path parent = socket.getParent();
    if (!parent.equals(home)) {
      try {
        Files.deleteIfExists(socket);
        Files.deleteIfExists(parent);
      } catch (IOException e) {
        // Somebody else's, or in use again: the next start looks at it.
      }
    }
  }
}
