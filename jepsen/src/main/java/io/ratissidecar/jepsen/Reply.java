package io.ratissidecar.jepsen;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A reply as it came, RESP2 or RESP3.
 *
 * @param type its first byte
 * @param bytes of strings, errors, numbers; null for a null and for aggregates
 * @param elements of aggregates, keys and values of maps in turn; null otherwise
 */
public record Reply(char type, byte[] bytes, List<Reply> elements) {
  public boolean isError() {
    return type == '-' || type == '!';
  }

  public boolean isNull() {
    return bytes == null && elements == null;
  }

  /** The text of anything but an aggregate; null for a null. */
  public String text() {
    return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
  }

  public long number() {
    return Long.parseLong(text());
  }

  /** The texts of an aggregate's elements. */
  public List<String> texts() {
    return elements.stream().map(Reply::text).collect(Collectors.toList());
  }

  @Override
  public String toString() {
    return elements != null ? type + elements.toString() : type + String.valueOf(text());
  }
}
