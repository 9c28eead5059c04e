package io.ratissidecar.sidecar.session;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.command.LogicalTime;
import org.junit.jupiter.api.Test;

/** What is changed in a reply; that of a real Redis: StreamsIT. */
class DeliveryTimesTest {
  private static final long NOW = 1_800_000_000_000L;
  private static final long STORED = NOW - LogicalTime.DELIVERED_EARLIER_MILLIS;

  private static String changed(String reply) {
    ByteBuf out = Unpooled.buffer();
    DeliveryTimes.write(Unpooled.copiedBuffer(reply, ISO_8859_1), out, NOW);
    return out.toString(ISO_8859_1);
  }

  private static String bulk(String text) {
    return "$" + text.length() + "\r\n" + text + "\r\n";
  }

  private static String ofGroup(long time) {
    return "*4\r\n" + bulk("1-1") + bulk("pel") + ":" + time + "\r\n:3\r\n";
  }

  private static String ofConsumer(long time) {
    return "*3\r\n" + bulk("1-1") + ":" + time + "\r\n:3\r\n";
  }

  @Test
  void when_entries_are_pending_then_their_times_are_the_users() {
    for (String list : new String[] {"pel", "pending"}) {
      String head =
          "%3\r\n" + bulk("seen-time") + ":" + STORED + "\r\n" + bulk("pel-count") + ":2\r\n";
      assertEquals(
          head + bulk(list) + "*2\r\n" + ofGroup(NOW) + ofConsumer(NOW - 5),
          changed(head + bulk(list) + "*2\r\n" + ofGroup(STORED) + ofConsumer(STORED - 5)));
    }
  }

  @Test
  void when_a_time_came_from_elsewhere_then_it_is_what_it_says() {
    String reply = "*2\r\n" + bulk("pel") + "*1\r\n" + ofGroup(NOW - 1000);
    assertEquals(reply, changed(reply));
  }

  /** A group, a consumer, a field or a value may have any name. */
  @Test
  void when_something_else_is_called_so_then_it_stays() {
    String entries = "*1\r\n*2\r\n" + bulk("1-1") + "*4\r\n" + bulk("pel") + bulk("pending");
    String reply =
        "*8\r\n"
            + bulk("entries")
            + entries
            + bulk("pel")
            + bulk("\r\n:5\r\n")
            + bulk("name")
            + bulk("pel")
            + bulk("last")
            + "_\r\n"
            + bulk("lag")
            + "$-1\r\n";
    assertEquals(reply, changed(reply));
  }
}
