package io.ratissidecar.statemachine.script;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class RunningFunctionTest {
  private static String shown(String reply) {
    ByteBuf out = Unpooled.buffer();
    byte[] bytes = reply.replace(" ", "\r\n").getBytes(StandardCharsets.ISO_8859_1);
    RunningFunction.copy(Unpooled.wrappedBuffer(bytes), out);
    return out.toString(StandardCharsets.ISO_8859_1).replace("\r\n", " ");
  }

  private static String stats(String running) {
    return "*4 $14 running_script " + running + "$7 engines *2 $3 LUA *4 $1 x :1 $1 y :1 ";
  }

  private static String running(String name, String command) {
    return "*6 " + name + "$7 command " + command + "$11 duration_ms :12 ";
  }

  @Test
  void when_a_function_runs_then_its_call_is_shown_as_its_client_sent_it() {
    String name = "$4 name $7 command ";
    String sent = "$5 fcall $1 f $1 1 $1 k ";
    String logged = running(name, "*6 " + sent + "$13 1795935650138 $12 1064980428:9 ");
    assertEquals(stats(running(name, "*4 " + sent)), shown(stats(logged)));
  }

  @Test
  void when_nothing_was_added_then_a_call_is_shown_as_it_is() {
    String direct = running("$4 name $1 f ", "*4 $5 fcall $1 f $1 0 $2 a: ");
    assertEquals(stats(direct), shown(stats(direct)));
  }

  @Test
  void when_nothing_runs_then_the_reply_is_as_it_is() {
    assertEquals(stats("$-1 "), shown(stats("$-1 ")));
  }
}
