package io.ratissidecar.cli.importing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The source's stream, decoded and cut into blocks. */
class BlocksTest {
  private static final long START = 1000;

  private final CommandStream stream = new CommandStream(START);
  private final Blocks blocks = new Blocks(stream, 3, 200);
  private long fed = START;

  private static byte[] encoded(String line) {
    String[] words = line.split(" ");
    StringBuilder text = new StringBuilder("*" + words.length + "\r\n");
    for (String word : words) {
      text.append("$" + word.length() + "\r\n" + word + "\r\n");
    }
    return text.toString().getBytes(UTF_8);
  }

  private void feed(String... lines) {
    for (String line : lines) {
      byte[] bytes = encoded(line);
      stream.feed(bytes, bytes.length);
      fed += bytes.length;
    }
  }

  /** The next round in one line: blocks, each with its database. */
  private String next() throws IOException {
    return blocks.next().stream()
        .map(
            block ->
                block.get(0).database()
                    + ":"
                    + block.stream()
                        .map(command -> command.request().argString(1))
                        .collect(Collectors.joining(",")))
        .collect(Collectors.joining(" "));
  }

  @Test
  void when_commands_come_then_they_are_one_round_up_to_the_limit() throws Exception {
    feed("SET a 1", "SET b 2", "SET c 3", "SET d 4", "PING");
    assertEquals("0:a,b,c", next());
    assertEquals("0:d", next());
    assertEquals(fed, blocks.endOffset());
    assertEquals("", next());
  }

  @Test
  void when_a_round_is_given_out_then_the_offset_is_behind_its_last_command() throws Exception {
    feed("SET a 1", "SET b 2", "SET c 3");
    long third = fed;
    feed("SET d 4");
    next();
    assertEquals(third, blocks.endOffset());
  }

  @Test
  void when_databases_change_then_each_has_its_block() throws Exception {
    feed("SELECT 0", "INCR a", "SELECT 5", "INCR b", "SELECT 0", "INCR c");
    assertEquals("0:a,c 5:b", next());
    assertEquals(fed, blocks.endOffset());
  }

  @Test
  void when_a_command_spans_databases_then_it_is_a_round_of_its_own() throws Exception {
    feed("INCR a", "SWAPDB 0 1", "INCR b", "FLUSHALL ASYNC", "INCR c");
    assertEquals("0:a", next());
    assertEquals("0:0", next());
    assertEquals("0:b", next());
    assertEquals("0:ASYNC", next());
    assertEquals("0:c", next());
  }

  @Test
  void when_a_transaction_is_longer_than_a_round_then_it_is_not_cut() throws Exception {
    feed("INCR a", "INCR b", "MULTI", "INCR c", "INCR d", "INCR e", "INCR f");
    assertEquals("", next()); // its end has not come
    long before = blocks.endOffset();
    assertEquals(START, before);
    feed("EXEC", "INCR g");
    assertEquals("0:a,b,c,d,e,f", next());
    assertEquals("0:g", next());
    feed("MULTI", "INCR h", "EXEC", "MULTI", "INCR i", "EXEC", "SET j " + "x".repeat(200));
    assertEquals("0:h,i", next());
    assertEquals("0:j", next());
  }

  @Test
  void when_redis_asks_then_an_acknowledgement_is_wanted_once() throws Exception {
    feed("REPLCONF GETACK *");
    assertEquals("", next());
    assertEquals(fed, blocks.endOffset());
    assertTrue(stream.takeAcknowledgementWanted());
    assertFalse(stream.takeAcknowledgementWanted());
  }

  @Test
  void when_bytes_come_one_by_one_then_nothing_changes() throws Exception {
    for (byte b : encoded("SET key value")) {
      assertEquals("", next());
      stream.feed(new byte[] {b}, 1);
    }
    List<SourceCommand> block = blocks.next().get(0);
    assertEquals("SET 'key' in database 0", block.get(0).toString());
    assertEquals("RAFT", new String(block.get(0).withRaft()[0], UTF_8));
    assertEquals(4, block.get(0).withRaft().length);
  }

  @Test
  void when_it_is_no_command_then_the_offset_is_told() {
    stream.feed("*1\r\nx\r\n".getBytes(UTF_8), 7);
    String text = assertThrows(IOException.class, blocks::next).getMessage();
    assertTrue(text.contains("at offset 1000 is no command"), text);
  }
}
