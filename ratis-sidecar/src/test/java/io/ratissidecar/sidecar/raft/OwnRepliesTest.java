package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.apply.EntryReplies;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OwnRepliesTest {
  private static final long SECOND = 1_000_000_000;
  private static final long LONG = 100 * SECOND;

  private final List<String> heard = new ArrayList<>();
  private long nanos;
  private boolean serving = true;
  private final OwnReplies replies = new OwnReplies(() -> nanos, () -> serving);

  private OwnReplies.Expected expect(String name, String... command) {
    return replies.expect(
        Request.of(command),
        frame -> heard.add(name + " " + frame.toString(StandardCharsets.US_ASCII).strip()));
  }

  private static Entry entry(String... commands) {
    ByteBuf out = Unpooled.buffer();
    Resp.command(out, "SELECT", "0");
    for (String command : commands) {
      Resp.command(out, command.split(" "));
    }
    ByteBuffer payload = out.nioBuffer();
    return new Entry(1, 1, EntryHeader.of(EntryType.COMMANDS, 1, 1, payload), payload);
  }

  private static ByteBuf number(int number) {
    return Unpooled.copiedBuffer(":" + number + "\r\n", StandardCharsets.US_ASCII);
  }

  /** Redis answers each with its place, and the leader with 100. */
  private static void answer(EntryReplies entry) {
    for (int place = 0; place < entry.runs().get(0).replies(); place++) {
      entry.onReply(number(place));
    }
    entry.onApplied();
  }

  private static void executed(OwnReplies.Expected expected) {
    expected.executed(number(100));
  }

  @Test
  void when_the_own_reply_comes_first_then_the_client_gets_it_with_the_leaders() {
    OwnReplies.Expected a = expect("a", "PUBLISH", "c", "m");
    Entry entry = entry("SET k v", "PUBLISH c other", "PUBLISH c m", "GET k");
    EntryReplies waiting = replies.in(entry);
    EntryReplies.Run run = waiting.runs().get(0);
    assertEquals(5, run.replies());
    assertEquals(entry.payload().remaining(), run.endOffset());
    answer(waiting);
    assertEquals(List.of(), heard); // the leader may still say that it did not happen
    executed(a);
    assertEquals(List.of("a :3"), heard);
    assertNull(replies.in(entry), "each is looked for once");
  }

  @Test
  void when_the_leaders_reply_comes_first_then_the_own_one_is_waited_for() {
    executed(expect("a", "PUBLISH", "c", "m"));
    nanos = SECOND;
    replies.expire(LONG);
    answer(replies.in(entry("PUBLISH c m")));
    assertEquals(List.of("a :1"), heard);
    nanos = LONG;
    replies.expire(LONG);
    assertEquals(List.of("a :1"), heard);
  }

  @Test
  void when_nothing_equal_is_in_an_entry_then_nobody_waits_for_it() {
    expect("a", "PUBLISH", "c", "m");
    assertNull(replies.in(entry("PUBLISH c M", "publish c m", "SPUBLISH c m", "PUBLISH c m m")));
    assertNotNull(replies.in(entry("PUBLISH c m")));
  }

  @Test
  void when_an_equal_command_is_queued_in_a_transaction_then_it_is_another_one() {
    executed(expect("a", "PUBLISH", "c", "m"));
    assertNull(replies.in(entry("MULTI", "PUBLISH c m", "EXEC")));
    answer(replies.in(entry("MULTI", "PUBLISH c m", "EXEC", "PUBLISH c m")));
    assertEquals(List.of("a :4"), heard);
  }

  @Test
  void when_equal_ones_are_under_way_then_each_is_served_once_in_order() {
    executed(expect("a", "PUBLISH", "c", "m"));
    executed(expect("b", "PUBLISH", "c", "m"));
    executed(expect("c", "PUBLISH", "c", "m"));
    answer(replies.in(entry("PUBLISH c m", "PING", "PUBLISH c m")));
    assertEquals(List.of("a :1", "b :3"), heard);
    answer(replies.in(entry("PING", "PUBLISH c m", "PUBLISH c m")));
    assertEquals(List.of("a :1", "b :3", "c :2"), heard);
  }

  @Test
  void when_redis_does_not_come_to_it_in_time_then_the_leaders_reply_counts() {
    OwnReplies.Expected a = expect("a", "PUBLISH", "c", "m");
    nanos = LONG; // the leader itself was late
    executed(a);
    nanos += SECOND;
    executed(expect("b", "PUBLISH", "c", "n"));
    EntryReplies sent = replies.in(entry("PUBLISH c m"));
    replies.expire(LONG);
    assertEquals(List.of(), heard);
    nanos++;
    replies.expire(LONG);
    assertEquals(List.of("a :100"), heard);
    answer(sent);
    replies.expire(-1); // the replication ends
    assertEquals(List.of("a :100", "b :100"), heard);
    assertNull(replies.in(entry("PUBLISH c m", "PUBLISH c n")));
  }

  @Test
  void when_nobody_can_wait_any_longer_then_the_leaders_reply_counts() {
    OwnReplies.Expected a = expect("a", "PUBLISH", "c", "m");
    executed(a);
    a.settle();
    assertEquals(List.of("a :100"), heard);
    assertNull(replies.in(entry("PUBLISH c m")));
  }

  @Test
  void when_redis_can_not_be_waited_for_then_the_leaders_reply_counts_at_once() {
    serving = false;
    executed(expect("a", "PUBLISH", "c", "m"));
    assertEquals(List.of("a :100"), heard);
    assertNull(replies.in(entry("PUBLISH c m")));
  }

  @Test
  void when_the_command_came_to_nothing_then_the_own_reply_is_not_the_clients() {
    OwnReplies.Expected a = expect("a", "PUBLISH", "c", "m");
    OwnReplies.Expected b = expect("b", "PUBLISH", "c", "m");
    OwnReplies.Expected c = expect("c", "PUBLISH", "c", "m");
    EntryReplies sent = replies.in(entry("PUBLISH c m", "PUBLISH c m"));
    a.drop();
    answer(sent);
    b.drop();
    c.drop();
    assertEquals(List.of(), heard);
    assertNull(replies.in(entry("PUBLISH c m")));
  }

  @Test
  void when_redis_is_lost_then_what_it_did_not_answer_is_found_again_in_the_same_order() {
    executed(expect("a", "PUBLISH", "c", "m"));
    executed(expect("b", "PUBLISH", "c", "m"));
    executed(expect("c", "PUBLISH", "c", "m"));
    OwnReplies.Expected dropped = expect("dropped", "PUBLISH", "c", "m");
    executed(expect("d", "PUBLISH", "c", "m"));
    Entry entry = entry("PUBLISH c m", "PUBLISH c m", "PUBLISH c m", "PUBLISH c m");
    EntryReplies sent = replies.in(entry);
    sent.onReply(Unpooled.copiedBuffer("+OK\r\n", StandardCharsets.US_ASCII));
    sent.onReply(number(7));
    dropped.drop();
    replies.redisLost();
    answer(replies.in(entry));
    assertEquals(List.of("a :7", "b :1", "c :2", "d :3"), heard);
  }
}
