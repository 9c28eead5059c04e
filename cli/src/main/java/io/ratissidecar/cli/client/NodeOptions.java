package io.ratissidecar.cli.client;

import io.ratissidecar.sidecar.config.HostPort;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options of every command that talks to nodes: whom to ask, as whom, and how to print. */
public final class NodeOptions {
  /** The command that has these options. */
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--node",
      paramLabel = "HOST:PORT",
      split = ",",
      defaultValue = "127.0.0.1:6380",
      converter = HostPortConverter.class,
      description = {
        "Node to ask; of several (with commas between them) the first one that answers.",
        "Default: ${DEFAULT-VALUE}."
      })
  private List<HostPort> nodes;

  @Mixin private PasswordOption password;

  @Option(names = "--json", description = "Prints one line of JSON, for scripts.")
  private boolean json;

  /** A client with the password. */
  public NodeClient client() {
    return new NodeClient(password.value());
  }

  /** The first of the nodes that answers. */
  public String reachable() throws UnreachableException {
    NodeClient client = client();
    UnreachableException first = null;
    for (HostPort node : nodes) {
      try {
        client.status(node.toString());
        return node.toString();
      } catch (UnreachableException e) {
        first = first == null ? e : first;
      }
    }
    String others = nodes.size() == 1 ? "" : ", nor at any other of the addresses given";
    throw new UnreachableException(
        first.getMessage()
            + others
            + ". Name a running node with --node, or start one with 'ratis-sidecar start'.");
  }

  public boolean json() {
    return json;
  }

  /** Prints the result in the form that was asked for. */
  public void print(Map<String, ?> result, String text) {
    spec.commandLine().getOut().println(json ? Json.of(result) : text);
    spec.commandLine().getOut().flush();
  }

  /** Shows how far it is, unless a program reads. */
  public Progress progress() {
    return new Progress(spec.commandLine().getErr(), json);
  }
}
