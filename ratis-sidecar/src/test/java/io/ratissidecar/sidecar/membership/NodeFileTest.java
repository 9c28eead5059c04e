package io.ratissidecar.sidecar.membership;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.statemachine.entry.UnsupportedFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NodeFileTest {
  @TempDir Path dir;

  @Test
  void when_written_then_it_reads_the_same() throws IOException {
    NodeFile fresh = NodeFile.read(dir);
    assertEquals(fresh, NodeFile.read(dir), "the incarnation is made once");
    List<Member> members =
        List.of(new Member(1, "h:1", "h:11", true), new Member(2, "h:2", "h:12", false));
    NodeFile joined = fresh.inCluster("0123456789abcdef0123456789abcdef", 2, members);
    joined.write(dir);
    assertEquals(joined, NodeFile.read(dir));
    joined.asRemoved().write(dir);
    assertTrue(NodeFile.read(dir).removed());
  }

  @Test
  void when_a_newer_version_wrote_it_then_it_is_refused_by_name() throws IOException {
    Files.writeString(dir.resolve("node.properties"), "version=2\n");
    UnsupportedFormatException e =
        assertThrows(UnsupportedFormatException.class, () -> NodeFile.read(dir));
    assertTrue(e.getMessage().contains("version 2"), e.getMessage());
  }

  @Test
  void when_it_is_damaged_then_it_says_so() throws IOException {
    Files.writeString(dir.resolve("node.properties"), "version=one\n");
    assertDamaged("'version' is 'one', which is no number");
  }

  @Test
  void when_a_field_is_missing_then_it_is_named() throws IOException {
    Files.writeString(dir.resolve("node.properties"), "");
    assertDamaged("no 'version'");
    Files.writeString(dir.resolve("node.properties"), "version=1\nincarnation=x\ncluster-id=\n");
    assertDamaged("no 'node-id'");
    Files.writeString(
        dir.resolve("node.properties"), "version=1\nincarnation=x\ncluster-id=\nnode-id=0\n");
    assertDamaged("no 'members'");
    Files.writeString(
        dir.resolve("node.properties"),
        "version=1\nincarnation=x\ncluster-id=\nnode-id=0\nmembers=1@a\n");
    assertDamaged("'1@a' is not a member");
  }

  private void assertDamaged(String what) {
    IOException e = assertThrows(IOException.class, () -> NodeFile.read(dir));
    assertTrue(e.getMessage().contains("node.properties is damaged: "), e.getMessage());
    assertTrue(e.getMessage().contains(what), e.getMessage());
  }
}
