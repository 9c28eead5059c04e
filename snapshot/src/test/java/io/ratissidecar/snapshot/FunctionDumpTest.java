package io.ratissidecar.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FunctionDumpTest {
  private static byte[] dump(int opcode, String... libraries) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (RdbOutput out = new RdbOutput(bytes)) {
      for (String library : libraries) {
        byte[] code = library.getBytes(StandardCharsets.US_ASCII);
        out.write(opcode);
        out.write(code.length);
        out.write(code);
      }
      out.write(new byte[] {10, 0});
      out.checksum();
    }
    return bytes.toByteArray();
  }

  @Test
  void when_code_is_changed_then_the_dump_is_one_of_the_new_code() throws IOException {
    List<String> seen = new ArrayList<>();
    byte[] changed =
        FunctionDump.rewrite(
            dump(0xf5, "first", "second"),
            code -> {
              seen.add(new String(code, StandardCharsets.US_ASCII));
              return ("new " + seen.size()).getBytes(StandardCharsets.US_ASCII);
            });
    assertEquals(List.of("first", "second"), seen);
    assertArrayEquals(dump(0xf5, "new 1", "new 2"), changed);
    assertArrayEquals(dump(0xf5), FunctionDump.rewrite(dump(0xf5), code -> code));
  }

  @Test
  void when_it_is_damaged_or_something_else_then_redis_s_error_says_so() throws IOException {
    byte[] damaged = dump(0xf5, "code");
    damaged[2] ^= 1;
    for (byte[] wrong : List.of(new byte[0], new byte[9], damaged)) {
      InvalidSnapshotException e =
          assertThrows(
              InvalidSnapshotException.class, () -> FunctionDump.rewrite(wrong, code -> code));
      assertEquals("DUMP payload version or checksum are wrong", e.getMessage());
    }
    byte[] key = dump(0, "string");
    InvalidSnapshotException e =
        assertThrows(InvalidSnapshotException.class, () -> FunctionDump.rewrite(key, c -> c));
    assertEquals("given type is not a function", e.getMessage());
  }
}
