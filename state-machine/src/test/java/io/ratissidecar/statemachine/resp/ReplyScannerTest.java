package io.ratissidecar.statemachine.resp;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ReplyScannerTest {

  @Test
  void every_type_ends_where_it_should() {
    String[] frames = {
      "+OK\r\n",
      "-ERR no\r\n",
      ":12\r\n",
      "$-1\r\n",
      "$0\r\n\r\n",
      "$4\r\na\r\nb\r\n",
      "*-1\r\n",
      "*0\r\n",
      "*2\r\n$1\r\na\r\n*1\r\n:1\r\n",
      "_\r\n",
      ",1.5\r\n",
      "#t\r\n",
      "!5\r\nERR x\r\n",
      "=6\r\ntxt:ab\r\n",
      "(123456789012345678901234567890\r\n",
      "%1\r\n+k\r\n~2\r\n:1\r\n:2\r\n",
      ">2\r\n+message\r\n$1\r\nx\r\n",
      "|1\r\n+ttl\r\n:3\r\n*1\r\n|1\r\n+a\r\n+b\r\n:1\r\n",
    };
    ReplyScanner scanner = new ReplyScanner();
    for (String frame : frames) {
      ByteBuf in = bytes(frame + "+next\r\n");
      assertEquals(frame.length(), scanner.scan(in), frame);
      RespValue.parse(in.readSlice(frame.length()));
    }
  }

  @Test
  void newlines_that_keep_a_link_alive_are_skipped() {
    ReplyScanner scanner = new ReplyScanner();
    ByteBuf in = bytes("\n\n");
    assertEquals(-1, scanner.scan(in));
    in.writeBytes(bytes("\n+OK\r\n\n"));
    assertEquals(5, scanner.scan(in));
    assertEquals("OK", RespValue.parse(in.readSlice(5)).asString());
    assertEquals(-1, scanner.scan(in));
    assertEquals(0, in.readableBytes());
  }

  @Test
  void what_is_not_resp_is_malformed() {
    for (String text : List.of("x\r\n", "$a\r\n", "$-2\r\n", "*99999999999\r\n", "+a\rb")) {
      assertThrows(MalformedReplyException.class, () -> new ReplyScanner().scan(bytes(text)), text);
    }
  }

  @Test
  void however_split_nested_values_are_found_and_parsed() {
    Random random = Seeds.random();
    for (int round = 0; round < 300; round++) {
      List<RespValue> expected = new ArrayList<>();
      ByteBuf all = Unpooled.buffer();
      for (int i = random.nextInt(5); i >= 0; i--) {
        expected.add(RandomReply.write(random, all, 0));
      }
      int piece = round % 3 == 0 ? 1 : 1 + random.nextInt(50);
      assertEquals(expected, scanSplit(all, piece, random), "seed " + Seeds.SEED);
    }
  }

  @Test
  void however_split_the_end_of_a_frame_is_found_when_its_beginning_was_given_up() {
    Random random = Seeds.random();
    for (int round = 0; round < 300; round++) {
      ByteBuf frame = Unpooled.buffer();
      RandomReply.write(random, frame, 0);
      ByteBuf all = frame.copy().writeBytes(bytes("+next\r\n"));
      ReplyScanner scanner = new ReplyScanner();
      ByteBuf in = Unpooled.buffer();
      int length = -1;
      while (length < 0) {
        in.writeBytes(all, Math.min(all.readableBytes(), 1 + random.nextInt(20)));
        length = scanner.scan(in);
        if (length < 0 && random.nextBoolean()) {
          scanner.giveUp(in);
        }
      }
      in.skipBytes(length);
      in.writeBytes(all);
      assertEquals("+next\r\n", in.toString(StandardCharsets.US_ASCII), "seed " + Seeds.SEED);
    }
  }

  @Test
  void garbage_is_malformed_or_incomplete_and_never_hangs() {
    Random random = Seeds.random();
    String alphabet = "+-:$*_,#!=(%~>|0129\r\n\r\n\r\nx";
    for (int round = 0; round < 5000; round++) {
      ByteBuf in = Unpooled.buffer();
      for (int i = random.nextInt(60); i > 0; i--) {
        in.writeByte(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      try {
        ReplyScanner scanner = new ReplyScanner();
        for (int length = scanner.scan(in); length > 0; length = scanner.scan(in)) {
          parseGarbage(in.readSlice(length));
        }
      } catch (MalformedReplyException e) {
        assertTrue(e.getMessage().length() > 0);
      }
    }
  }

  private static void parseGarbage(ByteBuf frame) {
    try {
      RespValue.parse(frame);
    } catch (MalformedReplyException e) {
      assertTrue(e.getMessage().length() > 0);
    }
  }

  @Test
  void deep_nesting_is_scanned_and_refused_by_the_parser() {
    String deep = "*1\r\n".repeat(100_000) + ":1\r\n";
    assertEquals(deep.length(), new ReplyScanner().scan(bytes(deep)));
    assertThrows(MalformedReplyException.class, () -> RespValue.parse(bytes(deep)));
  }

  @Test
  void encoders_speak_both_protocols() {
    ByteBuf out = Unpooled.buffer();
    Resp.writeMapHeader(out, 2, 2);
    Resp.writeMapHeader(out, 2, 3);
    Resp.writeNull(out, 2);
    Resp.writeNull(out, 3);
    Resp.writeSetHeader(out, 1, 2);
    Resp.writeSetHeader(out, 1, 3);
    Resp.writeError(out, "ERR a\r\nb");
    Resp.writeBulk(out, "grün");
    Resp.writeBulk(out, bytes("xyz"), 1, 1);
    Resp.writeOk(out);
    assertEquals(
        "*4\r\n%2\r\n$-1\r\n_\r\n*1\r\n~1\r\n-ERR a  b\r\n" + "$5\r\ngrün\r\n$1\r\ny\r\n+OK\r\n",
        out.toString(UTF_8));
  }

  @Test
  void integers_are_written_in_full() {
    Random random = Seeds.random();
    long[] edges = {0, 9, 10, -1, -10, 99, 100, Long.MAX_VALUE, Long.MIN_VALUE};
    for (int i = 0; i < 1000; i++) {
      long value = i < edges.length ? edges[i] : random.nextLong() >> random.nextInt(64);
      ByteBuf out = Unpooled.buffer(1);
      Resp.writeInteger(out, value);
      assertEquals(":" + value + "\r\n", out.toString(ISO_8859_1));
      assertEquals(value, RespValue.parse(out).asLong());
    }
  }

  private static List<RespValue> scanSplit(ByteBuf all, int piece, Random random) {
    List<RespValue> found = new ArrayList<>();
    ReplyScanner scanner = new ReplyScanner();
    ByteBuf in = Unpooled.buffer();
    while (all.isReadable()) {
      in.writeBytes(all, Math.min(piece, all.readableBytes()));
      for (int length = scanner.scan(in); length > 0; length = scanner.scan(in)) {
        ByteBuf frame = in.readSlice(length);
        found.add(RespValue.parse(frame));
        assertEquals(0, frame.readableBytes());
      }
      if (random.nextBoolean()) {
        in.discardReadBytes();
      }
    }
    return found;
  }

  private static ByteBuf bytes(String text) {
    return Unpooled.buffer().writeBytes(text.getBytes(ISO_8859_1));
  }
}
