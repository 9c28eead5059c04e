package io.ratissidecar.snapshot;

import io.ratissidecar.statemachine.entry.UnsupportedFormatException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Properties;
import java.util.zip.CRC32C;

/**
 * What stands beside the RDB of a snapshot, as text with a version and a checksum of its own.
 *
 * @param clusterId the cluster whose state it is
 * @param term term of the entry at {@code index}
 * @param index the entry whose state it is
 * @param members the nodes of the cluster when it was taken, one word each
 * @param time when it was taken
 * @param rdbBytes size of the RDB
 * @param sha256 of the RDB, hexadecimal
 * @param redisVersion of the Redis that wrote it
 */
public record SnapshotManifest(
    String clusterId,
    long term,
    long index,
    List<String> members,
    Instant time,
    long rdbBytes,
    String sha256,
    String redisVersion) {
  /** Term of a {@link #isSeed seed}; no entry has it. */
  public static final long SEED_TERM = 0;

  /** Index of a {@link #isSeed seed}: the log of its cluster begins behind it. */
  public static final long SEED_INDEX = 1;

  private static final int VERSION = 1;
  private static final String CHECKSUM = "crc32c=";

  public SnapshotManifest {
    members = List.copyOf(members);
  }

  /** True for the data that a cluster began with, which was not the state at any entry. */
  public boolean isSeed() {
    return term == SEED_TERM;
  }

  /** The form in which it is written. */
  public byte[] toBytes() {
    String text =
        "version="
            + VERSION
            + "\ncluster-id="
            + clusterId
            + "\nterm="
            + term
            + "\nindex="
            + index
            + "\nmembers="
            + String.join(" ", members)
            + "\ntime="
            + time
            + "\nrdb-bytes="
            + rdbBytes
            + "\nsha256="
            + sha256
            + "\nredis-version="
            + redisVersion
            + "\n";
    return (text + CHECKSUM + checksum(text) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  private static String checksum(String text) {
    CRC32C crc = new CRC32C();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    return Long.toHexString(crc.getValue());
  }

  /**
   * Reads {@link #toBytes}.
   *
   * @param origin the file or node that they are from, to be named in errors
   * @throws UnsupportedFormatException when a newer version wrote it
   * @throws InvalidSnapshotException when it is damaged
   */
  public static SnapshotManifest parse(byte[] bytes, String origin) throws IOException {
    String text = new String(bytes, StandardCharsets.UTF_8);
    int end = text.lastIndexOf(CHECKSUM);
    if (end < 0
        || !text.substring(end).equals(CHECKSUM + checksum(text.substring(0, end)) + "\n")) {
      throw new InvalidSnapshotException(origin + " is damaged: its checksum is wrong");
    }
    Properties p = new Properties();
    p.load(new StringReader(text));
    try {
      int version = Integer.parseInt(p.getProperty("version"));
      if (version > VERSION) {
        throw new UnsupportedFormatException(
            origin + " has format version " + version + "; this version reads up to " + VERSION);
      }
      String members = p.getProperty("members");
      return new SnapshotManifest(
          p.getProperty("cluster-id"),
          Long.parseLong(p.getProperty("term")),
          Long.parseLong(p.getProperty("index")),
          members.isEmpty() ? List.of() : List.of(members.split(" ", -1)),
          Instant.parse(p.getProperty("time")),
          Long.parseLong(p.getProperty("rdb-bytes")),
          p.getProperty("sha256"),
          p.getProperty("redis-version"));
    } catch (NumberFormatException | DateTimeException | NullPointerException e) {
      throw new InvalidSnapshotException(origin + " is damaged: " + e.getMessage());
    }
  }
}
