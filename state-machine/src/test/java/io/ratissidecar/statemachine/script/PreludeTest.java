package io.ratissidecar.statemachine.script;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PreludeTest {
  private static final Prelude PRELUDE = Prelude.of(15, 0);

  @Test
  void a_wrapped_script_tells_its_text_and_the_hash_that_clients_know() {
    for (String body :
        List.of(
            "",
            "return 1",
            "\n\nreturn redis.call('get', KEYS[1])\n",
            "#!lua flags=no-writes\nreturn redis.call('get', 'k')",
            "#!lua",
            "return 1 --[[script]] return redis.call('ping')",
            "return redis.call('ping') --[[script as it is]]",
            "local x = 'false or--[[line]] ' return redis.call('echo', x)",
            "return loadstring('return redis')",
            "return '\u00ff\u0000\u0080'")) {
      byte[] bytes = body.getBytes(ISO_8859_1);
      Script script = Script.ofWrapped(PRELUDE.wrap(bytes));
      assertArrayEquals(bytes, Prelude.unwrap(script.wrapped()), body);
      assertEquals(Script.sha1(bytes), script.sha(), body);
    }
  }

  @Test
  void random_bytes_come_back() {
    long seed = Long.getLong("seed", new Random().nextLong());
    Random random = new Random(seed);
    List<String> parts =
        List.of(
            "return ", "redis.call(", "'", "\"", "--", "[[", "]]", "[=[", "\\", "\n", "#!", "_G");
    for (int round = 0; round < 2000; round++) {
      StringBuilder body = new StringBuilder();
      for (int i = random.nextInt(12); i > 0; i--) {
        body.append(parts.get(random.nextInt(parts.size()))).append((char) random.nextInt(256));
      }
      byte[] bytes = body.toString().getBytes(ISO_8859_1);
      assertArrayEquals(bytes, Prelude.unwrap(PRELUDE.wrap(bytes)), "seed " + seed + ": " + body);
    }
  }

  @Test
  void the_text_of_a_library_comes_back() {
    for (String body :
        List.of(
            "#!lua name=x\nredis.register_function('f', function() end)",
            "#!lua name=x\nlocal r = redis r.register_function('f', function() return _G end)\n",
            "#!lua name=x\nlocal s = [[\nend)]]\nlocal t = '\\\nend)'",
            "#!lua name=x\nlocal function f() return redis.call('ping') end -- end")) {
      byte[] bytes = body.getBytes(ISO_8859_1);
      assertArrayEquals(bytes, Prelude.ofUser(PRELUDE.wrapLibrary(bytes)), body);
      String before = body.replaceFirst("\n", "\nlocal redis = 1 --[[script]]");
      assertArrayEquals(bytes, Prelude.ofUser(before.getBytes(ISO_8859_1)), body);
    }
  }

  @Test
  void blocks_are_counted_where_there_is_code() {
    for (String closed :
        List.of(
            "",
            "for i = 1, 2 do while x do repeat until f(function() if x then end end) end end",
            "if x then elseif y then else end -- end",
            "local s, t = 'end', [==[ ]] end ]==]",
            "local ended, dot, functions = 1")) {
      assertTrue(LuaText.closesWhatItOpens(closed), closed);
    }
    for (String open : List.of("end", "end do", "do", "function", "do end until repeat")) {
      assertFalse(LuaText.closesWhatItOpens(open), open);
    }
  }

  @Test
  void long_strings_are_passed_over() {
    String text = "local s = '" + "\\n.".repeat(100_000) + "' return redis.call('ping')";
    assertEquals(List.of(text.lastIndexOf("redis")), LuaText.tailCalls(text));
  }

  @Test
  void the_prelude_stands_on_the_first_line() {
    String wrapped = wrap("return 1\nreturn 2");
    assertEquals(2, wrapped.lines().count());
    assertTrue(wrapped.endsWith("return 1\nreturn 2"));
    String shebang = wrap("#!lua name=x\nreturn 1\n");
    assertTrue(shebang.startsWith("#!lua name=x\nlocal redis"));
    assertEquals(2, shebang.lines().count());
  }

  @Test
  void ways_round_the_prelude_are_closed_only_where_a_script_names_one() {
    int plain = wrap("return redis.call('get', 'k')").length();
    assertTrue(wrap("return tostring({})        ").length() > plain + 100);
    assertTrue(wrap("local x = _G").length() > plain + 100);
  }

  @Test
  void only_tail_calls_in_code_are_changed() {
    assertEquals(List.of(7), LuaText.tailCalls("return redis.call('x')"));
    assertEquals(List.of(8), LuaText.tailCalls("return\n\tredis . pcall('x')"));
    for (String none :
        List.of(
            "local s = 'return redis.call()'",
            "local s = \"\\\"return redis.call()\"",
            "-- return redis.call()",
            "--[==[ ]] return redis.call() ]==]",
            "local s = [[ return redis.call() ]]",
            "x.return redis.call()",
            "local noreturn redis.call()",
            "return rediscall()")) {
      assertEquals(List.of(), LuaText.tailCalls(none), none);
    }
    assertEquals(List.of(24), LuaText.tailCalls("--[[ return ' ]] return redis.call()"));
  }

  @Test
  void a_text_without_the_prelude_is_none() {
    assertThrows(IllegalArgumentException.class, () -> Prelude.unwrap(new byte[] {'x'}));
  }

  @Test
  void nothing_is_left_to_fill_in() {
    assertFalse(wrap("").matches("(?s).*@[A-Z]+@.*"));
  }

  private static String wrap(String body) {
    return new String(PRELUDE.wrap(body.getBytes(ISO_8859_1)), ISO_8859_1);
  }
}
