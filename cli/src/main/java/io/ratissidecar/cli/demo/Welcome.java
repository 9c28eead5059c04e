package io.ratissidecar.cli.demo;

import io.ratissidecar.cli.client.Colour;
import io.ratissidecar.sidecar.membership.NodeStatus;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.stream.Collectors;

/** What the demo prints once its cluster runs: who is where, and what to type next. */
final class Welcome {
  private final DemoCluster cluster;
  private final DemoDirectory directory;

  Welcome(DemoCluster cluster, DemoDirectory directory) {
    this.cluster = cluster;
    this.directory = directory;
  }

  void print(PrintWriter out) {
    Optional<String> leaderAddress = cluster.leader().map(NodeStatus::clientAddress);
    out.println();
    out.println(bold(row("node", "role", "client address", "local Redis", "process")));
    for (DemoNode node : cluster.nodes()) {
      boolean leads = leaderAddress.filter(node.address()::equals).isPresent();
      String role = leads ? "leader" : "follower";
      String pid = Long.toString(node.pid());
      String line =
          row(Integer.toString(node.number()), role, node.address(), node.redisAddress(), pid);
      out.println(leads ? green(line) : line);
    }
    out.println();
    out.println(
        "Files are in "
            + directory.path()
            + (directory.isTemporary() ? ", deleted at the end." : ", kept for the next run."));
    DemoNode leader = leaderAddress.map(cluster::nodeAt).orElse(cluster.nodes().get(0));
    DemoNode other = cluster.nodes().get(cluster.nodes().size() - 1);
    if (other == leader) {
      other = cluster.nodes().get(0);
    }
    out.println();
    out.println(bold("In another terminal:"));
    say(out, "redis-cli -p " + leader.port() + " RAFT SET greeting hello", "through the log");
    say(out, "redis-cli -c -p " + other.port() + " RAFT GET greeting", "-c follows to the leader");
    say(out, "redis-cli -p " + other.redisPort() + " GET greeting", "a replica's own Redis");
    say(out, "bin/ratis-sidecar cluster status --node " + other.address(), "how all nodes are");
    if (cluster.nodes().size() > 2) {
      say(out, "kill -9 " + leader.pid(), "the leader; another takes over");
    }
    out.println();
    String addresses =
        cluster.nodes().stream().map(DemoNode::address).collect(Collectors.joining(" "));
    out.println(green("ready") + " " + addresses + "   (Ctrl-C stops everything)");
    out.flush();
  }

  private static String row(String... cells) {
    return String.format("%-6s%-10s%-18s%-18s%s", (Object[]) cells);
  }

  private static void say(PrintWriter out, String command, String why) {
    out.println(String.format("  %-56s # %s", command, why));
  }

  private static String bold(String text) {
    return Colour.paint("bold", text);
  }

  private static String green(String text) {
    return Colour.paint("green", text);
  }
}
