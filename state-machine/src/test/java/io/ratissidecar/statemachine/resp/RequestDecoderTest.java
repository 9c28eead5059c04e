package io.ratissidecar.statemachine.resp;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RequestDecoderTest {
  private static final RespLimits SMALL = new RespLimits(100, 8, 40, 300);

  @Test
  void when_pipelined_then_requests_come_one_by_one() throws Exception {
    ByteBuf in = bytes("*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\nECHO hi\r\n");
    RequestDecoder decoder = new RequestDecoder(RespLimits.defaults());
    Request request = new Request();

    assertTrue(decoder.decode(in, request));
    assertEquals(1, request.argCount());
    assertTrue(request.argIs(0, "PING"));
    assertTrue(decoder.decode(in, request));
    assertEquals("GET", request.argString(0));
    assertEquals(0, request.argLength(1));
    assertFalse(request.inline());
    assertTrue(decoder.decode(in, request));
    assertTrue(request.inline());
    assertEquals("*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n", frame(request));
    assertFalse(decoder.decode(in, request));
    assertEquals(0, in.readableBytes());
  }

  @Test
  void when_empty_then_skipped() throws Exception {
    assertEquals(
        List.of(List.of("PING")),
        decodeAll("*0\r\n*-1\r\n*-7\r\n\r\n  \r\n\n*1\r\n$4\r\nPING\r\n"));
  }

  @Test
  void when_a_line_end_is_sloppy_then_the_frame_is_canonical_all_the_same() throws Exception {
    Request request = new Request();
    ByteBuf in = bytes("*2\rX$3\r\nGETxy$1\rzk\r\n");
    assertTrue(new RequestDecoder(SMALL).decode(in, request));
    assertEquals("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", frame(request));
    assertFalse(in.isReadable());
  }

  @Test
  void when_words_are_dropped_then_the_rest_is_a_request() throws Exception {
    Request request = new Request();
    ByteBuf in = bytes("*4\r\n$4\r\nRAFT\r\n$3\r\nset\r\n$1\r\nk\r\n$3\r\na\r\n\r\n");
    in.writeBytes("tail".getBytes(ISO_8859_1));
    new RequestDecoder(SMALL).decode(in, request);
    ByteBuf out = Unpooled.buffer();
    request.writeFrom(1, out);
    assertEquals("*3\r\n$3\r\nset\r\n$1\r\nk\r\n$3\r\na\r\n\r\n", out.toString(ISO_8859_1));

    Request copy = request.copyFrom(1);
    in.setZero(0, in.writerIndex());
    assertEquals(List.of("set", "k", "a\r\n"), args(copy));
    assertEquals(out.toString(ISO_8859_1), frame(copy));
    assertEquals(List.of("k", "a\r\n"), args(copy.copyFrom(1)));
  }

  @Test
  void any_request_may_be_filled_again() throws Exception {
    RequestDecoder decoder = new RequestDecoder(SMALL);
    Request request = Request.of("a").copyFrom(1); // nothing in it
    ByteBuf in = bytes("*1\r\n$1\r\nb\r\n*3\r\n$1\r\nc\r\n$0\r\n\r\n$1\r\nd\r\n");
    assertTrue(decoder.decode(in, request));
    assertEquals(List.of("b"), args(request));
    assertTrue(decoder.decode(in, request));
    assertEquals(List.of("c", "", "d"), args(request));
  }

  @Test
  void when_many_arguments_then_dropping_one_shortens_the_header_right() {
    String[] words = new String[100];
    for (int i = 0; i < words.length; i++) {
      words[i] = "w" + i;
    }
    Request rest = Request.of(words).copyFrom(1);
    assertEquals(99, rest.argCount());
    assertEquals("w1", rest.argString(0));
    assertEquals("w99", rest.argString(98));
  }

  @Test
  void integers_are_read_as_strictly_as_redis_does() {
    String[] good = {"0", "7", "-1", "9223372036854775807", "-9223372036854775807"};
    for (String text : good) {
      assertEquals(Long.parseLong(text), Request.of(text).argLong(0), text);
    }
    String[] bad = {
      "", "-", "+1", "01", "-0", " 1", "1 ", "1a", "9223372036854775808", "-9223372036854775809"
    };
    for (String text : bad) {
      assertEquals(Request.NOT_A_NUMBER, Request.of(text).argLong(0), text);
    }
    assertEquals(Request.NOT_A_NUMBER, Request.of("99999999999999999999").argLong(0));
  }

  /** The texts are those of Redis 7.0.15, tried there. */
  @Test
  void protocol_errors_are_in_the_words_of_redis() {
    assertProblem("*a\r\n", "invalid multibulk length");
    assertProblem("*\r\n", "invalid multibulk length");
    assertProblem("*+1\r\n", "invalid multibulk length");
    assertProblem("*01\r\n", "invalid multibulk length");
    assertProblem("*1\n$4\r\nPING\r\n", "invalid multibulk length");
    assertProblem("*99999999999\r\n", "invalid multibulk length");
    assertProblem("*9\r\n", "invalid multibulk length");
    assertProblem("*1\r\n+a\r\n", "expected '$', got '+'");
    assertProblem("*1\r\n\r\n", "expected '$', got ' '");
    assertProblem("*1\r\n$a\r\n", "invalid bulk length");
    assertProblem("*1\r\n$\r\n", "invalid bulk length");
    assertProblem("*1\r\n$-1\r\n", "invalid bulk length");
    assertProblem("*1\r\n$04\r\n", "invalid bulk length");
    assertProblem("*1\r\n$101\r\n", "invalid bulk length");
    assertProblem("x".repeat(41), "too big inline request");
    assertProblem("x".repeat(41) + "\n", "too big inline request");
    assertProblem("*" + "1".repeat(40), "too big mbulk count string");
    assertProblem("*1\r\n$" + "1".repeat(40), "too big bulk count string");
    assertProblem("PING \"a\r\n", "unbalanced quotes in request");
    assertProblem("PING 'a'b\r\n", "unbalanced quotes in request");
    assertProblem("foo 'a b' c\"d\r\n", "unbalanced quotes in request");
    String hundred = "$100\r\n" + "x".repeat(100) + "\r\n";
    assertProblem("*4\r\n" + hundred + hundred + "$100\r\n", "too big request");
  }

  @Test
  void quoting_follows_redis() throws Exception {
    assertEquals(List.of(List.of("set", "a b", "")), decodeAll(" set \t\"a b\" ''\r\n"));
    assertEquals(
        List.of(List.of("A\n\r\t\b\u0007\"\\q")),
        decodeAll("\"\\x41\\n\\r\\t\\b\\a\\\"\\\\\\q\"\n"));
    assertEquals(List.of(List.of("it's \\n")), decodeAll("'it\\'s \\n'\r\n"));
    assertEquals(List.of(List.of("abc d")), decodeAll("ab\"c d\"\r\n"));
    assertEquals(List.of(List.of("\u00ff")), decodeAll("\"\\xfF\"\n"));
    assertEquals(List.of(List.of("xg1")), decodeAll("\"\\xg1\"\n"));
    assertEquals(List.of(List.of("")), decodeAll("\"\"\r\n"));
  }

  @Test
  void however_split_requests_decode_alike() throws Exception {
    Random random = Seeds.random();
    for (int round = 0; round < 300; round++) {
      List<List<String>> expected = new ArrayList<>();
      ByteBuf all = Unpooled.buffer();
      for (int i = random.nextInt(6); i >= 0; i--) {
        addRequest(random, expected, all);
      }
      int piece = round % 3 == 0 ? 1 : 1 + random.nextInt(40);
      assertEquals(expected, decodeSplit(all, piece, random), "seed " + Seeds.SEED);
    }
  }

  @Test
  void garbage_gives_a_protocol_error_or_waits_however_it_is_split() {
    Random random = Seeds.random();
    String alphabet = "*$0129-\r\n\r\n\"'\\ xa\u0000\u00ff";
    for (int round = 0; round < 3000; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(120); i > 0; i--) {
        text.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      String whole = outcome(bytes(text.toString()), 1 << 20, random);
      String split = outcome(bytes(text.toString()), 1, random);
      assertEquals(whole, split, "seed " + Seeds.SEED);
    }
  }

  private static String outcome(ByteBuf all, int piece, Random random) {
    List<List<String>> decoded = new ArrayList<>();
    try {
      decodeInto(decoded, all, piece, random);
    } catch (ProtocolException e) {
      return decoded + e.getMessage();
    }
    return decoded.toString();
  }

  private static void addRequest(Random random, List<List<String>> expected, ByteBuf all) {
    List<String> args = new ArrayList<>();
    if (random.nextInt(4) == 0) {
      args.add("inline");
      args.add("a b" + random.nextInt(10));
      all.writeBytes(("inline 'a b" + args.get(1).substring(3) + "'\r\n").getBytes(ISO_8859_1));
    } else {
      byte[][] raw = new byte[1 + random.nextInt(random.nextInt(10) == 0 ? 60 : 5)][];
      for (int i = 0; i < raw.length; i++) {
        raw[i] = new byte[random.nextInt(30)];
        random.nextBytes(raw[i]);
        args.add(new String(raw[i], ISO_8859_1));
      }
      Resp.command(all, raw);
    }
    expected.add(args);
  }

  private static List<List<String>> decodeSplit(ByteBuf all, int piece, Random random)
      throws ProtocolException {
    List<List<String>> decoded = new ArrayList<>();
    decodeInto(decoded, all, piece, random);
    return decoded;
  }

  private static void decodeInto(List<List<String>> decoded, ByteBuf all, int piece, Random random)
      throws ProtocolException {
    RequestDecoder decoder = new RequestDecoder(new RespLimits(100, 100, 100, 10_000));
    Request request = new Request();
    ByteBuf in = Unpooled.buffer();
    while (all.isReadable()) {
      in.writeBytes(all, Math.min(piece, all.readableBytes()));
      while (decoder.decode(in, request)) {
        decoded.add(args(request));
        assertEquals(decoded.get(decoded.size() - 1), argsOfFrame(request));
      }
      if (random.nextBoolean()) {
        in.discardReadBytes();
      }
    }
  }

  private static List<String> argsOfFrame(Request request) throws ProtocolException {
    Request again = new Request();
    ByteBuf copy = bytes(frame(request));
    assertTrue(new RequestDecoder(RespLimits.defaults()).decode(copy, again));
    assertFalse(copy.isReadable());
    return args(again);
  }

  private static List<List<String>> decodeAll(String text) throws ProtocolException {
    return decodeSplit(bytes(text), 1000, Seeds.random());
  }

  private static void assertProblem(String text, String problem) {
    for (int piece : new int[] {1, 7, 1000}) {
      ProtocolException e =
          assertThrows(
              ProtocolException.class,
              () -> {
                RequestDecoder decoder = new RequestDecoder(SMALL);
                ByteBuf in = Unpooled.buffer();
                for (int at = 0; at < text.length(); at += piece) {
                  in.writeBytes(bytes(text.substring(at, Math.min(at + piece, text.length()))));
                  assertFalse(decoder.decode(in, new Request()));
                }
              },
              text);
      assertEquals("Protocol error: " + problem, e.getMessage());
    }
  }

  private static String frame(Request request) {
    return request
        .buffer()
        .toString(request.frameStart(), request.frameEnd() - request.frameStart(), ISO_8859_1);
  }

  private static List<String> args(Request request) {
    List<String> args = new ArrayList<>();
    for (int i = 0; i < request.argCount(); i++) {
      args.add(new String(request.arg(i), ISO_8859_1));
    }
    return args;
  }

  private static ByteBuf bytes(String text) {
    ByteBuf buf = Unpooled.buffer();
    return buf.writeBytes(text.getBytes(ISO_8859_1));
  }
}
