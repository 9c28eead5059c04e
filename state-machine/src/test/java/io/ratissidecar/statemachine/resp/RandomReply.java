package io.ratissidecar.statemachine.resp;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.ByteBuf;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Writes random RESP3 values, and says what they should be read as. */
final class RandomReply {
  private RandomReply() {}

  static RespValue write(Random random, ByteBuf out, int depth) {
    if (random.nextInt(12) == 0) {
      put(out, "|1\r\n+a\r\n$3\r\n\r\nx\r\n"); // an attribute, which the parser drops
    }
    return depth < 4 && random.nextInt(3) == 0
        ? aggregate(random, out, depth)
        : scalar(random, out);
  }

  private static RespValue aggregate(Random random, ByteBuf out, int depth) {
    int count = random.nextInt(5);
    int kind = random.nextInt(4);
    put(out, "*~>%".charAt(kind) + "" + count + "\r\n");
    List<RespValue> elements = new ArrayList<>();
    for (int i = kind == 3 ? 2 * count : count; i > 0; i--) {
      elements.add(write(random, out, depth + 1));
    }
    return switch (kind) {
      case 0 -> new RespValue.Array(elements);
      case 1 -> new RespValue.Set(elements);
      case 2 -> new RespValue.Push(elements);
      default -> new RespValue.Map(elements);
    };
  }

  private static RespValue scalar(Random random, ByteBuf out) {
    int number = random.nextInt(1000) - 500;
    switch (random.nextInt(11)) {
      case 0:
        put(out, "+text\r\n");
        return new RespValue.Simple("text");
      case 1:
        put(out, "-ERR " + number + "\r\n");
        return new RespValue.Error("ERR " + number);
      case 2:
        put(out, ":" + number + "\r\n");
        return new RespValue.Int(number);
      case 3:
        put(out, random.nextBoolean() ? "_\r\n" : random.nextBoolean() ? "$-1\r\n" : "*-1\r\n");
        return new RespValue.Null();
      case 4:
        put(out, "," + number + ".5\r\n");
        return new RespValue.Double(Double.parseDouble(number + ".5"));
      case 5:
        put(out, number > 0 ? "#t\r\n" : "#f\r\n");
        return new RespValue.Bool(number > 0);
      case 6:
        put(out, "(" + number + "\r\n");
        return new RespValue.BigNumber(BigInteger.valueOf(number));
      case 7:
        put(out, "=7\r\ntxt:a\r\n\r\n");
        return new RespValue.Verbatim("txt", "a\r\n");
      case 8:
        put(out, "!6\r\nERR\r\nx\r\n");
        return new RespValue.Error("ERR\r\nx");
      default:
        byte[] bytes = new byte[random.nextInt(40)];
        random.nextBytes(bytes);
        Resp.writeBulk(out, bytes);
        return new RespValue.Bulk(bytes);
    }
  }

  private static void put(ByteBuf out, String text) {
    out.writeBytes(text.getBytes(US_ASCII));
  }
}
