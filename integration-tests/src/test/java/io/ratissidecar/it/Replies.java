package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;

/** What tests say of replies. */
final class Replies {
  private Replies() {}

  static void assertOk(Reply reply) {
    assertEquals("+OK", reply.toString());
  }

  static void assertNoError(Reply reply) {
    assertTrue(!reply.isError(), reply.toString());
  }

  static void assertText(String expected, Reply reply) {
    assertNoError(reply);
    assertEquals(expected, reply.text());
  }

  static void assertNumber(long expected, Reply reply) {
    assertEquals(":" + expected, reply.toString());
  }

  /** An error with this beginning. */
  static void assertError(String beginning, Reply reply) {
    assertTrue(
        reply.isError() && reply.text().startsWith(beginning),
        () -> "not an error with " + beginning + ": " + reply);
  }
}
