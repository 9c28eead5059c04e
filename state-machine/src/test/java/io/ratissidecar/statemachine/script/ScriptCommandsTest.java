package io.ratissidecar.statemachine.script;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.command.Plan;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import org.junit.jupiter.api.Test;

class ScriptCommandsTest {
  private static final Prelude PRELUDE = Prelude.of(15, 0);
  private static final Script SCRIPT = Script.ofWrapped(PRELUDE.wrap("return 1".getBytes(UTF_8)));
  private static final ScriptCommands.Circumstances CIRCUMSTANCES =
      new ScriptCommands.Circumstances(1700000000000L, 42, 3, false, 100);

  @Test
  void a_call_carries_the_hash_that_redis_knows_and_two_more_arguments() {
    Request r = Request.of("RAFT", "EVAL", "return 1", "1", "k", "v");
    Plan.Rewritten plan =
        assertInstanceOf(
            Plan.Rewritten.class,
            ScriptCommands.call(r, 1, SCRIPT.wrappedSha(), false, CIRCUMSTANCES));
    assertEquals(
        "EVALSHA " + SCRIPT.wrappedSha() + " 1 k v 1700000000000 42:3", words(plan.commands()[0]));
    assertEquals(
        new Plan.Refused("NOSCRIPT No matching script. Please use EVAL."),
        ScriptCommands.call(r, 1, null, false, CIRCUMSTANCES));
  }

  @Test
  void two_arguments_more_do_not_let_a_wrong_number_of_keys_pass() {
    assertNull(ScriptCommands.checkKeys(Request.of("EVAL", "x", "1", "k"), 0));
    for (String keys : new String[] {"2", "3", "-1", "x", ""}) {
      assertInstanceOf(
          Plan.Refused.class,
          ScriptCommands.checkKeys(Request.of("EVAL", "x", keys, "k"), 0),
          keys);
    }
  }

  @Test
  void errors_name_the_script_that_clients_know() {
    ScriptCatalog catalog = new ScriptCatalog();
    catalog.add(SCRIPT);
    String error = "-ERR x script: %s, on @user_script:1.\r\n";
    assertEquals(
        String.format(error, SCRIPT.sha()),
        catalog.shown(String.format(error, SCRIPT.wrappedSha())));
    assertEquals(
        "-ERR Error running script (call to f_" + SCRIPT.sha() + "): @user_script:1: x",
        catalog.shown(
            "-ERR Error running script (call to f_"
                + SCRIPT.wrappedSha()
                + "): @user_script:1: x"));
    assertEquals("-ERR script: x", catalog.shown("-ERR script: x"));
    catalog.clear();
    assertNull(catalog.find(SCRIPT.sha()));
    assertEquals(
        String.format(error, SCRIPT.sha()),
        catalog.shown(String.format(error, SCRIPT.wrappedSha())),
        "calls that were under way");
  }

  @Test
  void libraries_are_listed_with_the_code_of_the_user() {
    String code =
        "#!lua name=x\nredis.register_function('f', function() return redis.call('time') end)";
    ByteBuf reply = Unpooled.buffer();
    Resp.writeArrayHeader(reply, 3);
    Resp.writeNull(reply, 2);
    Resp.writeBulk(reply, "$ no library");
    Resp.writeBulk(reply, PRELUDE.wrapLibrary(code.getBytes(UTF_8)));
    ByteBuf shown = Unpooled.buffer();
    ListedCode.copy(reply, shown);
    assertEquals(
        "*3\r\n$-1\r\n$12\r\n$ no library\r\n$" + code.length() + "\r\n" + code + "\r\n",
        shown.toString(UTF_8));
  }

  private static String words(byte[][] command) {
    StringBuilder words = new StringBuilder();
    for (byte[] word : command) {
      words.append(words.length() == 0 ? "" : " ").append(new String(word, UTF_8));
    }
    return words.toString();
  }
}
