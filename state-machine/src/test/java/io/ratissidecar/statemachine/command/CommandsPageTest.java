package io.ratissidecar.statemachine.command;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The page of commands is what the table says. */
class CommandsPageTest {
  private static final Path PAGE = Path.of("../docs/COMMANDS.md");

  private static final String HEAD =
      """
      # Commands

      Made of [commands.tsv](../state-machine/src/main/resources/io/ratissidecar/statemachine/command/commands.tsv) by
      `mvn -pl state-machine test -Dtest=CommandsPageTest -Dwrite`; not to be edited. It holds for commands that the local Redis has. What has no
      line here, of newer versions of Redis, is read if Redis itself calls it a plain read, and else refused as unknown; commands of modules
      are refused but for those that `replicate-module-commands` names.

      - *replicated*: goes through the log and is executed on every node.
      - *read*: linearizable, answered by the leader's Redis.
      - *script*: runs scripts or is about them; every node runs the same, with the entry's clock and random numbers.
      - *sidecar*: answered by the sidecar.
      - *this node's Redis*: passed to the Redis beside the node that was asked.
      - *refused*: an error with the reason.

      A `*` says that arguments are looked at: relative times become absolute, what Redis would choose by chance or by its clock is settled by
      the entry, waiting is done by the sidecar, and what would reach the sidecar's own database or its settings is refused, without `RAFT` too.

      Of `CLIENT` the sidecar has `ID`, `INFO`, `LIST`, `KILL`, `UNBLOCK`, `GETNAME`, `SETNAME`, `SETINFO`, `REPLY`, `NO-EVICT`, `NO-TOUCH` and `TRACKING` (in
      transparent mode with `BCAST` only, as [CLIENTS](CLIENTS.md) says). Commands of the sidecar's own: `RAFT`, `RAFT.*`
      ([README](../README.md)), `SENTINEL` and `CLUSTER`.

      | command | `RAFT` command | transparent mode | without `RAFT` in explicit mode | why refused |
      |---|---|---|---|---|
      """;

  private static String page() {
    PolicyFile file = PolicyFile.load();
    TreeMap<String, PolicyFile.Policy> all = new TreeMap<>();
    for (String name : new TreeSet<>(file.names())) {
      all.put(name.replace('|', ' '), file.of(name, Set.of()));
    }
    StringBuilder page = new StringBuilder(HEAD);
    all.forEach(
        (name, policy) -> {
          String raft = word(policy.raft()) + (policy.rule() == ArgumentRule.NONE ? "" : " *");
          String local = word(policy.local());
          page.append("| ").append(name.toUpperCase(Locale.ROOT));
          page.append(" | ").append(raft);
          page.append(" | ").append(policy.transparent() == TransparentPolicy.RAFT ? raft : local);
          page.append(" | ").append(local);
          page.append(" | ").append(policy.reason()).append(" |\n");
        });
    return page.toString();
  }

  private static String word(RaftPolicy policy) {
    return switch (policy) {
      case LOG -> "replicated";
      case READ -> "read";
      case SCRIPT -> "script";
      case SESSION -> "sidecar";
      case REFUSE -> "refused";
    };
  }

  private static String word(LocalPolicy policy) {
    return switch (policy) {
      case PASS -> "this node's Redis";
      case SESSION -> "sidecar";
      case REFUSE -> "refused";
    };
  }

  @Test
  void the_page_is_what_the_table_says() throws IOException {
    if (System.getProperty("write") != null) {
      Files.writeString(PAGE, page());
    }
    assertEquals(page(), Files.readString(PAGE), "make it again, as its beginning says");
  }
}
