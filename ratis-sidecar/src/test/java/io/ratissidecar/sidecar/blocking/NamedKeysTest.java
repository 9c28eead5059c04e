package io.ratissidecar.sidecar.blocking;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.ratissidecar.statemachine.command.DatabaseKey;
import io.ratissidecar.statemachine.resp.Request;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class NamedKeysTest {
  private final List<String> heard = new ArrayList<>();
  private final NamedKeys named = new NamedKeys(this::hear);

  private void hear(DatabaseKey key) {
    String name = new String(key.name(), UTF_8);
    heard.add(key.database() + ":" + name);
    if (name.equals("moves")) {
      named.add(key("next"));
      heard.add("moved");
    }
  }

  private static DatabaseKey key(String name) {
    return new DatabaseKey(3, name.getBytes(UTF_8));
  }

  private static byte[][] words(String line) {
    return Arrays.stream(line.split(" ")).map(w -> w.getBytes(UTF_8)).toArray(byte[][]::new);
  }

  @Test
  void when_a_key_is_waited_for_then_words_that_may_be_it_are_heard() {
    named.in(Request.of(words("RAFT SET a longer")), 1, 3);
    assertEquals(List.of(), heard, "nobody waits");
    named.waitedFor(key("wait"));
    named.waitedFor(key("w"));
    named.in(Request.of(words("RAFT SET a longer")), 1, 3);
    named.in(new byte[][][] {words("DEL b"), words("DEL longer four")}, 4);
    assertEquals(List.of("3:a", "4:b", "4:four"), heard);
    named.clear();
    named.in(Request.of(words("SET a 1")), 0, 3);
    assertEquals(3, heard.size());
  }

  @Test
  void when_another_key_is_named_meanwhile_then_it_is_heard_afterwards() {
    named.waitedFor(key("moves"));
    named.in(Request.of(words("DEL moves x")), 0, 3);
    assertEquals(List.of("3:moves", "moved", "3:x", "3:next"), heard);
  }
}
