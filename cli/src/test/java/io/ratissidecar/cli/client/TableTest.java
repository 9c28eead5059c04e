package io.ratissidecar.cli.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Help.Ansi;

/** Columns and colours. */
class TableTest {
  private final Table table = new Table("id", "role");

  TableTest() {
    table.row("green", "1", "leader");
    table.row("", "10000", "@|red x|@");
  }

  @Test
  void when_no_colours_are_wanted_then_columns_stand_under_each_other() {
    assertEquals(
        List.of("id     role", "1      leader", "10000  @|red x|@"), table.lines(Ansi.OFF));
  }

  @Test
  void when_colours_are_wanted_then_whole_lines_have_them() {
    List<String> lines = table.lines(Ansi.ON);
    assertTrue(lines.get(0).startsWith("\u001b[1m"), lines.get(0));
    assertEquals("\u001b[32m1      leader\u001b[0m", lines.get(1));
    assertEquals("10000  @|red x|@", lines.get(2));
  }
}
