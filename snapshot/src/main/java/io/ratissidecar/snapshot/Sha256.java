package io.ratissidecar.snapshot;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The hash of files and of data. */
final class Sha256 {
  static final int BYTES = 32;

  private Sha256() {}

  static MessageDigest create() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Eight bytes, the lowest first. */
  static void add(MessageDigest digest, long number) {
    for (int i = 0; i < Long.BYTES; i++) {
      digest.update((byte) (number >>> 8 * i));
    }
  }

  /** A string with its length, so that the end of one can't be the beginning of the next. */
  static void add(MessageDigest digest, byte[] string) {
    add(digest, string.length);
    digest.update(string);
  }

  /** Adds to a sum that does not depend on the order; what is added twice is gone again. */
  static void xor(byte[] sum, byte[] hash) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] ^= hash[i];
    }
  }
}
