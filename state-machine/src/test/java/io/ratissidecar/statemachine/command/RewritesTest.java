package io.ratissidecar.statemachine.command;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.resp.Request;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** What commands become, as the golden file {@code rewrites.txt} has it. */
class RewritesTest {
  private static final long NOW = 1_700_000_000_000L;
  private static final int DATABASE = 3;

  private final CommandTable table = Tables.redis7(8);

  @TestFactory
  Stream<DynamicTest> every_line_of_the_golden_file() {
    List<DynamicTest> tests = new ArrayList<>();
    String command = null;
    List<String> expected = new ArrayList<>();
    for (String line : (new String(Tables.resource("rewrites.txt"), UTF_8) + "> ").split("\n")) {
      if (line.startsWith("> ")) {
        if (command != null) {
          tests.add(test(command, List.copyOf(expected)));
        }
        command = line.substring(2);
        expected.clear();
      } else if (!line.isEmpty() && !line.startsWith("#")) {
        expected.add(line);
      }
    }
    assertTrue(tests.size() > 100);
    return tests.stream();
  }

  private DynamicTest test(String command, List<String> expected) {
    return DynamicTest.dynamicTest(
        command,
        () -> {
          assertEquals(expected, shown(table.plan(Tables.request(command), 0, NOW, DATABASE)));
          Request prefixed = Tables.request("RAFT " + command);
          assertEquals(expected, shown(table.plan(prefixed, 1, NOW, DATABASE)), "behind RAFT");
        });
  }

  private static List<String> shown(Plan plan) {
    if (plan instanceof Plan.Rewritten rewritten) {
      List<String> lines = new ArrayList<>();
      for (byte[][] command : rewritten.commands()) {
        StringBuilder line = new StringBuilder();
        line.append(lines.size() == rewritten.replyIndex() ? '*' : '+');
        for (byte[] arg : command) {
          line.append(' ').append(new String(arg, UTF_8));
        }
        lines.add(line.toString());
      }
      return lines;
    } else if (plan instanceof Plan.Deadline question) {
      return List.of("t " + question.reply() + " " + new String(question.key(), UTF_8));
    } else if (plan instanceof Plan.Refused refused) {
      return List.of("- " + refused.error());
    } else if (plan instanceof Plan.Blocking blocking) {
      return List.of(
          "~ "
              + blocking.timeoutMillis()
              + " "
              + blocking.keys().stream().map(key -> new String(key, UTF_8)).toList()
              + " "
              + words(blocking.words()));
    } else if (plan instanceof Plan.InPrelude inPrelude) {
      return List.of((inPrelude.readOnly() ? "!? " : "! ") + words(inPrelude.command()));
    } else if (plan instanceof Plan.ReadInstead read) {
      return List.of("? " + words(read.command()));
    } else if (plan instanceof Plan.Pop pop) {
      return List.of("& " + pop.count() + " " + new String(pop.key(), UTF_8));
    } else if (plan instanceof Plan.Script) {
      return List.of("%");
    }
    return List.of(plan == Plan.VERBATIM ? "=" : plan == Plan.READ ? "?" : "@");
  }

  private static String words(byte[][] command) {
    return Arrays.stream(command)
        .map(arg -> new String(arg, UTF_8))
        .collect(Collectors.joining(" "));
  }
}
