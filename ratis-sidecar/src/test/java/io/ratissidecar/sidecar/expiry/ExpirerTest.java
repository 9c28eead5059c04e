package io.ratissidecar.sidecar.expiry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.logstore.DeadlineIndex;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.statemachine.command.CommandTable;
import io.ratissidecar.statemachine.command.LogicalTime;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a clock that is set, and a Redis that answers when it is told to. */
class ExpirerTest {
  private static final CommandTable TABLE =
      CommandTable.of(
          new RespValue.Array(
              List.of(
                  command("get", 2, 1, "readonly"),
                  command("set", -3, 1, "write"),
                  command("rename", 3, 1, "write"),
                  command("pexpireat", -3, 1, "write"),
                  command("swapdb", 3, 0, "write"),
                  command("dbsize", 1, 0, "readonly"),
                  command("pexpiretime", 2, 1, "readonly"))),
          2,
          Set.of());

  @TempDir Path dir;
  private final Log log = new Log();
  private DeadlineIndex index;
  private Expirer expirer;
  private long nanos;
  private long entries;

  private static RespValue command(String name, int arity, int key, String flag) {
    return new RespValue.Array(
        List.of(
            new RespValue.Bulk(name.getBytes(UTF_8)),
            new RespValue.Int(arity),
            new RespValue.Array(List.of(new RespValue.Simple(flag))),
            new RespValue.Int(key),
            new RespValue.Int(name.equals("rename") ? 2 : key),
            new RespValue.Int(key)));
  }

  private record Question(String text, ReplyReceiver receiver) {}

  /** Redis holds {@code stored}; the questions wait in {@code asked}. */
  private static final class Log implements ExpiryLog {
    private final ArrayDeque<Question> asked = new ArrayDeque<>();
    private final List<String> proposed = new ArrayList<>();
    private final Map<String, Long> stored = new TreeMap<>();
    private boolean leader = true;
    private long clock = 1000;
    private long term = 1;
    private long last;
    private long applied;

    @Override
    public boolean isLeaderReady() {
      return leader;
    }

    @Override
    public long term() {
      return term;
    }

    @Override
    public long lastIndex() {
      return last;
    }

    @Override
    public long appliedIndex() {
      return applied;
    }

    @Override
    public long clockMillis() {
      return clock;
    }

    @Override
    public boolean isFull() {
      return false;
    }

    @Override
    public void propose(int database, byte[][] command) {
      proposed.add(database + " " + keys(command));
    }

    @Override
    public void ask(int database, byte[][] command, ReplyReceiver receiver) {
      asked.add(new Question(text(command), receiver));
    }

    private void answer() {
      while (!asked.isEmpty()) {
        Question question = asked.poll();
        String[] words = question.text.split(" ");
        ByteBuf reply = Unpooled.buffer();
        switch (words[0]) {
          case "SCAN" -> {
            Resp.writeArrayHeader(reply, 2);
            Resp.writeBulk(reply, "0");
            Resp.writeArrayHeader(reply, stored.size());
            stored.keySet().forEach(key -> Resp.writeBulk(reply, key));
          }
          case "PEXPIRETIME" -> Resp.writeInteger(reply, stored.getOrDefault(words[1], -2L));
          default -> Resp.writeOk(reply);
        }
        question.receiver.reply(reply);
      }
    }
  }

  private static String text(byte[]... command) {
    List<String> words = new ArrayList<>();
    for (byte[] word : command) {
      words.add(new String(word, UTF_8));
    }
    return String.join(" ", words);
  }

  /** Keys and time of a conditional delete. */
  private static String keys(byte[][] command) {
    byte[][] tail = new byte[command.length - 4][];
    System.arraycopy(command, 3, tail, 0, tail.length);
    long upTo = Long.parseLong(new String(command[command.length - 1], UTF_8));
    return text(tail) + " <= " + LogicalTime.fromRedis(upTo);
  }

  @BeforeEach
  void start() throws IOException {
    index = DeadlineIndex.create(dir.resolve("deadlines"));
    expirer =
        new Expirer(
            TABLE,
            index,
            log,
            1000,
            () -> nanos,
            (reason, cause) -> {
              throw new AssertionError(reason, cause);
            });
  }

  @AfterEach
  void close() {
    index.close();
  }

  private void ready() {
    expirer.redisReady();
    log.answer();
    assertTrue(guard("GET k").isNone());
  }

  private Guard guard(String command) {
    return expirer.guard(Request.of(command.split(" ")), 0, 0);
  }

  private void assertGuarded(String keys, String command) {
    Guard guard = guard(command);
    assertFalse(guard.waits());
    assertEquals(1, guard.before().size(), command);
    assertEquals(keys, keys(guard.before().get(0)));
  }

  private void store(String key, long deadline) {
    log.stored.put(key, LogicalTime.toRedis(deadline));
  }

  private void propose(String... words) {
    expirer.proposed(Request.of(words), 0, 0);
  }

  private void apply(byte[]... words) {
    ByteBuf payload = Unpooled.buffer();
    Resp.command(payload, words);
    EntryHeader header = EntryHeader.of(EntryType.COMMANDS, log.clock, 0, payload.nioBuffer());
    expirer.sent(new Entry(1, ++entries, header, payload.nioBuffer()));
  }

  private void apply(String line) {
    byte[][] words = new byte[line.split(" ").length][];
    for (int i = 0; i < words.length; i++) {
      words[i] = line.split(" ")[i].getBytes(UTF_8);
    }
    apply(words);
  }

  private void tick() {
    nanos += 2_000_000_000L;
    expirer.tick();
    log.answer();
  }

  private static String pexpireat(String key, long deadline) {
    return "PEXPIREAT " + key + " " + LogicalTime.toRedis(deadline);
  }

  @Test
  void when_not_all_deadlines_are_known_then_every_key_may_be_due() {
    store("k", 5000);
    expirer.redisReady();
    assertGuarded("k <= 1000", "GET k");
    assertTrue(guard("DBSIZE").waits());
    log.answer();
    assertTrue(guard("GET k").isNone());
    assertTrue(guard("DBSIZE").isNone());
    log.clock = 5000;
    assertGuarded("k <= 5000", "GET k");
    assertGuarded("k <= 5000", "DBSIZE");
    assertTrue(guard("GET other").isNone());
  }

  @Test
  void when_a_deadline_passes_then_it_is_checked_and_the_key_deleted_once() {
    ready();
    propose(pexpireat("k", 2000).split(" "));
    store("k", 2000);
    apply(pexpireat("k", 2000));
    log.clock = 1999;
    tick();
    assertEquals(List.of(), log.proposed);
    assertTrue(guard("GET k").isNone());
    log.clock = 2000;
    assertGuarded("k <= 2000", "SET k v");
    tick();
    tick();
    assertEquals(List.of("0 k <= 2000"), log.proposed);
    log.stored.remove("k");
    apply(guard("GET k").before().get(0));
    assertTrue(guard("GET k").isNone());
    tick();
    assertEquals(1, log.proposed.size());
  }

  @Test
  void when_it_is_known_before_it_is_applied_then_it_is_guarded_before() {
    ready();
    propose(pexpireat("k", 1500).split(" "));
    log.clock = 1500;
    assertGuarded("k <= 1500", "GET k");
  }

  @Test
  void when_the_key_has_a_later_deadline_meanwhile_then_nothing_is_proposed() {
    ready();
    apply(pexpireat("k", 2000));
    store("k", 9000);
    log.clock = 3000;
    tick();
    tick();
    assertEquals(List.of(), log.proposed);
    assertTrue(guard("GET k").isNone());
    log.clock = 9000;
    assertGuarded("k <= 9000", "GET k");
  }

  @Test
  void when_a_deadline_moves_then_the_key_is_guarded_until_it_is_known() {
    ready();
    propose("RENAME", "a", "b");
    assertGuarded("b <= 1000", "GET b");
    assertTrue(guard("GET c").isNone());
    store("b", 4000);
    apply("RENAME a b");
    assertGuarded("b <= 1000", "GET b");
    log.answer();
    assertTrue(guard("GET b").isNone());
    log.clock = 4000;
    assertGuarded("b <= 4000", "GET b");
  }

  @Test
  void when_a_moving_command_comes_to_nothing_then_its_key_is_forgotten() {
    ready();
    propose("RENAME", "a", "b");
    tick();
    assertTrue(guard("GET b").isNone());
  }

  @Test
  void when_databases_are_swapped_then_all_deadlines_are_looked_up_again() {
    ready();
    store("k", 3000);
    propose("SWAPDB", "0", "1");
    assertGuarded("k <= 1000", "GET k");
    log.answer();
    assertTrue(guard("GET k").isNone());
    log.clock = 3000;
    assertGuarded("k <= 3000", "GET k");
  }

  @Test
  void a_follower_proposes_nothing_and_a_new_leader_what_is_left() {
    log.leader = false;
    ready();
    apply(pexpireat("k", 2000));
    store("k", 2000);
    log.clock = 2500;
    tick();
    tick();
    assertEquals(List.of(), log.proposed);
    log.leader = true;
    log.term = 2;
    log.last = 7;
    assertGuarded("other <= 2500", "GET other"); // entries that were not applied may name it
    log.applied = 7;
    assertTrue(guard("GET other").isNone());
    tick();
    tick();
    assertEquals("0 k <= 2500", log.proposed.get(0));
  }

  @Test
  void when_redis_is_lost_then_answers_of_before_do_not_count() {
    expirer.redisReady();
    Question early = log.asked.poll();
    expirer.redisLost();
    early.receiver.failed(Failure.REDIS_LOST);
    assertTrue(log.asked.isEmpty());
    assertGuarded("k <= 1000", "GET k");
    ready();
  }
}
