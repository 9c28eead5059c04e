package io.ratissidecar.sidecar.admin;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.sidecar.membership.Membership;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.statemachine.resp.Resp;
import java.util.Optional;

/**
 * Tells this node's subscribers of a new leader, as a sentinel does: by a message on {@code
 * +switch-master} of the local Redis, to which those who listen for it here have subscribed. On the
 * front loop.
 */
public final class LeaderNews {
  private final Membership membership;
  private final String masterName;
  private final Runnable onPromoted;
  private final Runnable onDemoted;
  private Optional<Member> known = Optional.empty();

  /**
   * @param masterName how clients call the cluster
   * @param onPromoted called once this node leads
   * @param onDemoted called once another node leads in place of this one
   */
  public LeaderNews(
      Membership membership, String masterName, Runnable onPromoted, Runnable onDemoted) {
    this.membership = membership;
    this.masterName = masterName;
    this.onPromoted = onPromoted;
    this.onDemoted = onDemoted;
  }

  /** Looks who leads; call it some times a second. */
  public void tick() {
    Optional<Replication> replication = membership.replication();
    Optional<Member> leader = replication.flatMap(r -> r.raft().group().leader());
    if (leader.isEmpty() || leader.equals(known)) {
      return;
    }
    known.ifPresent(
        former -> {
          if (!former.clientAddress().equals(leader.get().clientAddress())) {
            tell(replication.get(), former, leader.get());
          }
          if (former.id() == membership.nodeId() && leader.get().id() != former.id()) {
            onDemoted.run();
          }
        });
    known = leader;
    if (leader.get().id() == membership.nodeId()) {
      onPromoted.run();
    }
  }

  private void tell(Replication replication, Member former, Member leader) {
    ByteBuf publish = Unpooled.buffer(128);
    Resp.command(
        publish,
        "PUBLISH",
        "+switch-master",
        String.join(
            " ",
            masterName,
            former.host(),
            Integer.toString(former.port()),
            leader.host(),
            Integer.toString(leader.port())));
    replication.applier().read(0, 2, publish, Nobody.INSTANCE);
  }

  private enum Nobody implements ReplyReceiver {
    INSTANCE;

    @Override
    public void reply(ByteBuf frame) {
      // How many have heard it does not matter.
    }

    @Override
    public void failed(Failure failure) {
      // Without Redis there are no subscribers.
    }
  }
}
