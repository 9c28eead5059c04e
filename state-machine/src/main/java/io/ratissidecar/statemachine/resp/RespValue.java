package io.ratissidecar.statemachine.resp;

import io.netty.buffer.ByteBuf;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * A parsed reply, for control-plane use: the data path passes replies on as raw bytes. Immutable as
 * long as nobody writes into a bulk string's array; for any thread.
 */
public sealed interface RespValue {

  /** {@code +OK}. */
  record Simple(String text) implements RespValue {}

  /** {@code -ERR …}, or a RESP3 blob error; the code is the first word. */
  record Error(String message) implements RespValue {}

  /** {@code :42}. */
  record Int(long value) implements RespValue {}

  /** A string of bytes. */
  record Bulk(byte[] bytes) implements RespValue {
    @Override
    public boolean equals(Object other) {
      return other instanceof Bulk bulk && Arrays.equals(bytes, bulk.bytes);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
      return "Bulk[" + asString() + "]";
    }
  }

  /** An array. */
  record Array(List<RespValue> elements) implements RespValue {
    public Array {
      elements = List.copyOf(elements);
    }
  }

  /** RESP3's null, or one of RESP2's two. */
  record Null() implements RespValue {}

  /**
   * A RESP3 map.
   *
   * @param flat keys and values in turn, in the order they came
   */
  record Map(List<RespValue> flat) implements RespValue {
    public Map {
      flat = List.copyOf(flat);
    }
  }

  /** A RESP3 set, in the order it came. */
  record Set(List<RespValue> elements) implements RespValue {
    public Set {
      elements = List.copyOf(elements);
    }
  }

  /** A RESP3 floating-point number. */
  record Double(double value) implements RespValue {}

  /** A RESP3 boolean. */
  record Bool(boolean value) implements RespValue {}

  /** A RESP3 big number. */
  record BigNumber(BigInteger value) implements RespValue {}

  /**
   * A RESP3 verbatim string.
   *
   * @param format three letters, such as {@code txt}
   */
  record Verbatim(String format, String text) implements RespValue {}

  /** A RESP3 push message. */
  record Push(List<RespValue> elements) implements RespValue {
    public Push {
      elements = List.copyOf(elements);
    }
  }

  /**
   * Parses one complete frame and moves the readerIndex behind it. RESP3 attributes are dropped.
   *
   * @throws MalformedReplyException when the bytes are not a complete frame
   */
  static RespValue parse(ByteBuf frame) {
    return new ReplyParser(frame).value(0);
  }

  /** The text of any value that is one line or one string; null for a null. */
  default String asString() {
    if (this instanceof Simple simple) {
      return simple.text();
    } else if (this instanceof Bulk bulk) {
      return new String(bulk.bytes(), StandardCharsets.UTF_8);
    } else if (this instanceof Verbatim verbatim) {
      return verbatim.text();
    } else if (this instanceof Error error) {
      return error.message();
    } else if (this instanceof Int number) {
      return Long.toString(number.value());
    } else if (this instanceof Double number) {
      return java.lang.Double.toString(number.value());
    } else if (this instanceof Bool bool) {
      return Boolean.toString(bool.value());
    } else if (this instanceof BigNumber number) {
      return number.value().toString();
    } else if (this instanceof Null) {
      return null;
    }
    throw new IllegalStateException("not a scalar: " + this);
  }

  /**
   * An integer, or a string that holds one.
   *
   * @throws IllegalStateException when it is neither
   */
  default long asLong() {
    if (this instanceof Int number) {
      return number.value();
    }
    try {
      return Long.parseLong(asString());
    } catch (NumberFormatException e) {
      throw new IllegalStateException("not an integer: " + this, e);
    }
  }

  /** The elements of an array, set, push or map (keys and values in turn); none for a null. */
  default List<RespValue> asList() {
    if (this instanceof Array array) {
      return array.elements();
    } else if (this instanceof Set set) {
      return set.elements();
    } else if (this instanceof Push push) {
      return push.elements();
    } else if (this instanceof Map map) {
      return map.flat();
    } else if (this instanceof Null) {
      return List.of();
    }
    throw new IllegalStateException("not an aggregate: " + this);
  }

  /** Whether this is a null. */
  default boolean isNull() {
    return this instanceof Null;
  }

  /** Whether this is an error reply. */
  default boolean isError() {
    return this instanceof Error;
  }
}
