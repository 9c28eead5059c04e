package io.ratissidecar.cli.cluster;

import io.ratissidecar.cli.client.MemberLine;
import io.ratissidecar.cli.client.NodeOptions;
import io.ratissidecar.cli.client.Table;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Mixin;

/** {@code node list}. */
@Command(
    name = "list",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Lists the members as one node knows them, also when there is no leader.",
      "'cluster status' asks every one of them how it is."
    },
    footer = {"", "Example:", "  ratis-sidecar node list --json"})
final class NodeList implements Callable<Integer> {
  @Mixin private NodeOptions options;

  @Override
  public Integer call() throws IOException {
    List<MemberLine> members = options.client().members(options.reachable());
    Table table = new Table("id", "address", "vote", "role");
    List<Map<String, Object>> json = new ArrayList<>();
    for (MemberLine member : members) {
      String vote = member.voter() ? "voter" : "learner";
      String role = member.leads() ? "leader" : "follower";
      table.row(
          member.leads() ? "green" : "",
          Integer.toString(member.id()),
          member.address(),
          vote,
          role);
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("id", member.id());
      fields.put("address", member.address());
      fields.put("voter", member.voter());
      fields.put("leader", member.leads());
      json.add(fields);
    }
    options.print(Map.of("nodes", json), String.join("\n", table.lines(Ansi.AUTO)));
    return 0;
  }
}
