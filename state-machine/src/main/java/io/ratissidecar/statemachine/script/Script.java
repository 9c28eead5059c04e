package io.ratissidecar.statemachine.script;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * One script.
 *
 * @param sha how clients call it: the SHA1 of their text, 40 hexadecimal digits in lower case
 * @param wrappedSha how Redis calls it: the SHA1 of {@code wrapped}
 * @param wrapped its text with the prelude; not to be changed
 */
public record Script(String sha, String wrappedSha, byte[] wrapped) {
  /** The script whose text with the prelude this is. */
  public static Script ofWrapped(byte[] wrapped) {
    return new Script(sha1(Prelude.unwrap(wrapped)), sha1(wrapped), wrapped);
  }

  /** The SHA1 of a script's text as Redis writes it. */
  public static String sha1(byte[] text) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(text));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-1", e);
    }
  }
}
