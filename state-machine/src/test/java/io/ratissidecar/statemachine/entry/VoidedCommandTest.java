package io.ratissidecar.statemachine.entry;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class VoidedCommandTest {
  @Test
  void when_written_then_they_read_the_same() {
    List<VoidedCommand> commands =
        List.of(new VoidedCommand(123456789012345678L, 7), new VoidedCommand(1, 0));
    assertEquals(commands, VoidedCommand.parse(VoidedCommand.text(commands)));
  }

  @Test
  void when_there_are_very_many_then_all_are_read() {
    List<VoidedCommand> commands =
        IntStream.range(0, 200_000).mapToObj(i -> new VoidedCommand(7, i)).toList();
    assertEquals(commands, VoidedCommand.parse(VoidedCommand.text(commands)));
  }

  @Test
  void when_it_is_something_else_then_it_names_no_command() {
    for (String text :
        List.of("", "void", "void 1", "void 0:1", "void 1:-1", "void 1:2 3", "void 1:2 ", "PING")) {
      assertEquals(List.of(), VoidedCommand.parse(text), text);
    }
  }
}
