package io.ratissidecar.sidecar.membership;

import io.ratissidecar.sidecar.raft.GroupView;
import io.ratissidecar.sidecar.raft.Member;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * On the leader: says once when a node falls silent and once when it is back. Confined to the front
 * loop.
 */
final class NodeWatch {
  private static final Logger LOG = LoggerFactory.getLogger(NodeWatch.class);
  private static final long INTERVAL_NANOS = 500_000_000;

  private final Set<Integer> silent = new HashSet<>();
  private long lastNanos = System.nanoTime();

  void tick(GroupView group) {
    long now = System.nanoTime();
    if (now - lastNanos < INTERVAL_NANOS) {
      return;
    }
    lastNanos = now;
    Map<Integer, Long> silence = group.silenceMillis();
    silent.retainAll(silence.keySet());
    for (Member member : group.members()) {
      long millis = silence.getOrDefault(member.id(), 0L);
      if (millis > Membership.SILENT_MILLIS && silent.add(member.id())) {
        LOG.warn("Node {} at {} does not answer", member.id(), member.clientAddress());
      } else if (millis <= Membership.SILENT_MILLIS && silent.remove(member.id())) {
        LOG.info("Node {} at {} answers again", member.id(), member.clientAddress());
      }
    }
  }
}
