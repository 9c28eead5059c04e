package io.ratissidecar.sidecar.redis;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Finds the program of a managed Redis. */
final class RedisBinary {
  /** Value of the setting that wants the program that ships with this one. */
  private static final String BUNDLED = "bundled";

  private static final List<String> NAMES = List.of("redis-server", "valkey-server");

  private RedisBinary() {}

  /**
   * The configured program, else one from PATH, else the bundled one, unpacked below {@code dir}.
   *
   * @throws IOException when there is none; the message says what to do
   */
  static Path find(Optional<String> configured, Path dir) throws IOException {
    if (configured.isPresent() && configured.get().equals(BUNDLED)) {
      return unpackBundled(dir);
    }
    if (configured.isPresent()) {
      Path path = Path.of(configured.get());
      if (!Files.isExecutable(path)) {
        throw new IOException("'redis-server' is " + path + ", which is not a program");
      }
      return path;
    }
    for (String name : NAMES) {
      for (String directory : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
        Path path = Path.of(directory, name);
        if (Files.isExecutable(path)) {
          return path;
        }
      }
    }
    return unpackBundled(dir);
  }

  private static Path unpackBundled(Path dir) throws IOException {
    String resource = bundledName();
    try (InputStream in = RedisBinary.class.getResourceAsStream("/" + resource)) {
      if (in == null) {
        throw new IOException(
            "no redis-server or valkey-server on PATH, and none is bundled for this machine. Install Redis 6.2 or newer, or"
                + " name the program with 'redis-server', or set 'redis' to an external one");
      }
      Path program = dir.resolve(resource);
      if (!Files.isExecutable(program)) {
        Path temporary = Files.createTempFile(dir, "redis-server", ".tmp");
        Files.copy(in, temporary, StandardCopyOption.REPLACE_EXISTING);
        Files.setPosixFilePermissions(
            temporary, Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_EXECUTE));
        Files.move(temporary, program, StandardCopyOption.REPLACE_EXISTING);
      }
      return program;
    }
  }

  private static String bundledName() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    boolean arm = arch.contains("aarch64") || arch.contains("arm64");
    if (os.contains("mac")) {
      return arm ? "redis-server-6.2.6-v5-darwin-arm64" : "redis-server-6.2.6-v5-darwin-amd64";
    }
    return arm ? "redis-server-6.2.7-linux-arm64" : "redis-server-6.2.6-v5-linux-amd64";
  }
}
