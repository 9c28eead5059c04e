package io.ratissidecar.cli.importing;

import io.ratissidecar.cli.client.MemberLine;
import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.ReplyException;
import io.ratissidecar.cli.client.UnreachableException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Finds out who leads, from any node that can be reached. For one thread. */
final class LeaderFinder {
  private final NodeClient nodes;
  private final Set<String> addresses;
  private boolean found;

  /**
   * @param addresses of nodes; more are learnt from them
   */
  LeaderFinder(NodeClient nodes, List<String> addresses) {
    this.nodes = nodes;
    this.addresses = new LinkedHashSet<>(addresses);
  }

  /** Asks this node first from now on. */
  void rememberFirst(String address) {
    List<String> others = new ArrayList<>(addresses);
    addresses.clear();
    addresses.add(address);
    addresses.addAll(others);
  }

  /**
   * The leader's address, as the first node says that knows it. Where none does it is any node's,
   * which will then say what is the matter.
   *
   * @throws ReplyException when the first node that is ever asked refuses: a password is missing,
   *     or it is in no cluster
   */
  String find() throws UnreachableException {
    UnreachableException last = null;
    for (String each : List.copyOf(addresses)) {
      try {
        List<MemberLine> members = nodes.members(each);
        members.forEach(member -> addresses.add(member.address()));
        Optional<MemberLine> leader = members.stream().filter(MemberLine::leads).findFirst();
        if (leader.isPresent()) {
          found = true;
          return leader.get().address();
        }
      } catch (UnreachableException e) {
        last = e;
      } catch (ReplyException e) {
        if (!found) {
          throw e;
        }
      }
    }
    if (last != null) {
      throw last;
    }
    return addresses.iterator().next();
  }
}
