package io.ratissidecar.snapshot;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * A snapshot that was published: a directory with an RDB and its manifest. Neither changes any
 * more; both may be deleted once newer ones are there.
 */
public record Snapshot(Path dir, SnapshotManifest manifest) {
  static final String RDB_NAME = "dump.rdb";
  static final String MANIFEST_NAME = "manifest";

  /** The RDB. */
  public Path rdb() {
    return dir.resolve(RDB_NAME);
  }

  /** Reads the manifest of a directory. */
  static Snapshot read(Path dir) throws IOException {
    Path file = dir.resolve(MANIFEST_NAME);
    return new Snapshot(dir, SnapshotManifest.parse(Files.readAllBytes(file), file));
  }

  /**
   * Reads all of the RDB and checks it against its checksums and its manifest.
   *
   * @throws InvalidSnapshotException when it may not be loaded; says why
   */
  public void verify() throws IOException {
    long size = Files.size(rdb());
    if (size != manifest.rdbBytes()) {
      throw new InvalidSnapshotException(
          rdb() + " has " + size + " bytes, its manifest says " + manifest.rdbBytes());
    }
    String sum = sha256(rdb());
    if (!sum.equals(manifest.sha256())) {
      throw new InvalidSnapshotException(
          rdb()
              + " is damaged: its SHA-256 is "
              + sum
              + ", its manifest says "
              + manifest.sha256());
    }
    RdbFile.read(rdb());
  }

  private static String sha256(Path file) throws IOException {
    MessageDigest digest = SnapshotDraft.newSha256();
    byte[] buffer = new byte[1 << 18];
    try (InputStream in = Files.newInputStream(file)) {
      int count;
      while ((count = in.read(buffer)) > 0) {
        digest.update(buffer, 0, count);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
