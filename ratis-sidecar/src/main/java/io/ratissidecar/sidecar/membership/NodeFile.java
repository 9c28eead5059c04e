package io.ratissidecar.sidecar.membership;

import io.ratissidecar.logstore.DurableFiles;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.statemachine.entry.UnsupportedFormatException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.UUID;

/**
 * What a node remembers of itself: {@code node.properties} in its directory, replaced as a whole
 * and synced.
 *
 * @param incarnation random, made with the directory; tells a returning node from another one with
 *     the same id
 * @param clusterId empty while the node is in no cluster
 * @param nodeId 0 while the node is in no cluster
 * @param joined this node has seen itself in a committed configuration of the cluster
 * @param removed the cluster has removed this node
 * @param members the group as it was when this node came to it; Raft's own files have the rest
 */
record NodeFile(
    String incarnation,
    String clusterId,
    int nodeId,
    boolean joined,
    boolean removed,
    List<Member> members) {
  private static final int VERSION = 1;
  private static final String NAME = "node.properties";

  static NodeFile read(Path dir) throws IOException {
    Path file = dir.resolve(NAME);
    if (!Files.exists(file)) {
      NodeFile fresh = new NodeFile(UUID.randomUUID().toString(), "", 0, false, false, List.of());
      fresh.write(dir);
      return fresh;
    }
    Properties p = new Properties();
    p.load(new StringReader(Files.readString(file)));
    try {
      int version = number(p, "version");
      if (version > VERSION) {
        throw new UnsupportedFormatException(
            file + " has format version " + version + "; this version reads up to " + VERSION);
      }
      return new NodeFile(
          field(p, "incarnation"),
          field(p, "cluster-id"),
          number(p, "node-id"),
          Boolean.parseBoolean(p.getProperty("joined")),
          Boolean.parseBoolean(p.getProperty("removed")),
          members(field(p, "members")));
    } catch (IllegalArgumentException e) {
      throw new IOException(file + " is damaged: " + e.getMessage(), e);
    }
  }

  private static String field(Properties p, String name) {
    String value = p.getProperty(name);
    if (value == null) {
      throw new IllegalArgumentException("it has no '" + name + "'");
    }
    return value;
  }

  private static int number(Properties p, String name) {
    String value = field(p, name);
    try {
      return Integer.parseInt(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "'" + name + "' is '" + value + "', which is no number", e);
    }
  }

  private static List<Member> members(String text) {
    List<Member> members = new ArrayList<>();
    for (String item : text.split(" ", -1)) {
      if (!item.isEmpty()) {
        members.add(Member.parse(item));
      }
    }
    return members;
  }

  void write(Path dir) throws IOException {
    Files.createDirectories(dir);
    StringBuilder text = new StringBuilder();
    text.append("version=").append(VERSION).append('\n');
    text.append("incarnation=").append(incarnation).append('\n');
    text.append("cluster-id=").append(clusterId).append('\n');
    text.append("node-id=").append(nodeId).append('\n');
    text.append("joined=").append(joined).append('\n');
    text.append("removed=").append(removed).append('\n');
    text.append("members=")
        .append(String.join(" ", members.stream().map(Member::format).toList()))
        .append('\n');
    DurableFiles.replace(dir.resolve(NAME), text.toString().getBytes(StandardCharsets.UTF_8));
  }

  NodeFile inCluster(String cluster, int id, List<Member> group) {
    return new NodeFile(incarnation, cluster, id, false, false, group);
  }

  NodeFile asJoined() {
    return new NodeFile(incarnation, clusterId, nodeId, true, removed, members);
  }

  NodeFile asRemoved() {
    return new NodeFile(incarnation, clusterId, nodeId, joined, true, members);
  }
}
