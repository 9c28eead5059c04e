package io.ratissidecar.snapshot;

import io.ratissidecar.statemachine.command.LogicalTime;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * A hash of the data in an RDB, the same for the same data: it does not depend on the order of keys
 * and of elements that have none, nor on how values are packed, which settings and history decide.
 * Deadlines are part of it, and function libraries; when a key was last used is not, and the
 * sidecar's own database is not, nor is a key that has ended.
 *
 * <p>Later versions of Redis say more of streams, so that only digests of the same version of RDBs
 * can be compared.
 *
 * <p>As with {@code DEBUG DIGEST} of Redis, the hashes of all keys are combined by exclusive or; a
 * key has one value, so that none can cancel another out.
 *
 * @param version of the RDB
 * @param hash hexadecimal
 */
public record RdbDigest(int version, String hash) {
  /**
   * Reads all of the file. Needs the memory for one packed value, of which Redis's settings allow
   * some kilobytes; long strings are not held.
   *
   * @param reservedDatabase the sidecar's own
   * @throws InvalidSnapshotException when it is damaged, or of an unknown version
   */
  public static RdbDigest of(Path file, int reservedDatabase) throws IOException {
    try (InputStream in = Files.newInputStream(file);
        RdbInput rdb = new RdbInput(in)) {
      Summing visitor = new Summing(rdb, reservedDatabase);
      int version = new RdbScanner(rdb, visitor).scan();
      return new RdbDigest(version, HexFormat.of().formatHex(visitor.sum));
    } catch (InvalidSnapshotException e) {
      throw new InvalidSnapshotException(file + ": " + e.getMessage());
    }
  }

  private static final class Summing implements RdbScanner.Visitor {
    private final RdbInput in;
    private final int reservedDatabase;
    private final ValueDigest values;
    private final MessageDigest digest = Sha256.create();
    private final byte[] sum = new byte[Sha256.BYTES];
    private final DigestOutput raw = new DigestOutput();
    private boolean skipped;
    private long deadlineMillis;
    private byte[] value;

    Summing(RdbInput in, int reservedDatabase) {
      this.in = in;
      this.reservedDatabase = reservedDatabase;
      this.values = new ValueDigest(in);
    }

    @Override
    public void onFunction(byte[] source) {
      digest.update((byte) 'f');
      Sha256.add(digest, source);
      Sha256.xor(sum, digest.digest());
    }

    @Override
    public void onDeadline(long millis) {
      deadlineMillis = millis;
    }

    @Override
    public void beginValue(int database, byte[] key, int type) {
      // What has ended each Redis deletes when it likes.
      skipped = database == reservedDatabase || deadlineMillis == LogicalTime.PAST;
    }

    @Override
    public boolean readsValue(int type) throws IOException {
      value = skipped ? null : values.read(type);
      if (value == null && !skipped) {
        in.copyTo(raw); // of a module: as it is
      }
      return value != null;
    }

    @Override
    public void onKey(int database, byte[] key) throws IOException {
      if (!skipped) {
        if (value == null) {
          in.copyTo(null);
          value = raw.digest.digest();
        }
        digest.update((byte) 'k');
        Sha256.add(digest, database);
        Sha256.add(digest, key);
        Sha256.add(digest, deadlineMillis);
        digest.update(value);
        Sha256.xor(sum, digest.digest());
      }
      deadlineMillis = 0;
    }
  }

  private static final class DigestOutput extends java.io.OutputStream {
    private final MessageDigest digest = Sha256.create();

    @Override
    public void write(int b) {
      digest.update((byte) b);
    }

    @Override
    public void write(byte[] bytes, int from, int length) {
      digest.update(bytes, from, length);
    }
  }
}
