package io.ratissidecar.sidecar.session;

import io.netty.util.concurrent.ScheduledFuture;
import io.ratissidecar.sidecar.config.Mode;
import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.resp.FrontLoop;
import java.util.concurrent.TimeUnit;

/**
 * What becomes of this node's clients when another one leads in its place. Real sentinels have a
 * former master end its clients' connections, and for the same reason: clients ask who leads when
 * they connect. Some come back meanwhile, told so by a sentinel that did not know yet, and their
 * libraries can't follow {@code MOVED}: for two seconds they are forwarded, and then ended as well.
 *
 * <p>In transparent mode only, since otherwise connections serve the local Redis, too; and not
 * where followers forward anyway, who are as good as the leader. On the front loop.
 */
public final class FormerLeader {
  private static final long LATE_COMERS_MILLIS = 2000;

  private final FrontLoop front;
  private final SessionRegistry sessions;
  private final boolean enabled;
  private boolean forwards;
  private ScheduledFuture<?> endOfForwarding;

  public FormerLeader(SidecarConfig config, FrontLoop front, SessionRegistry sessions) {
    this.front = front;
    this.sessions = sessions;
    this.enabled = config.mode() == Mode.TRANSPARENT && !config.followerProxy();
  }

  /** This node leads from now on. */
  public void promoted() {
    if (endOfForwarding != null) {
      endOfForwarding.cancel(false);
      endOfForwarding = null;
    }
    forwards = enabled; // from the first command on that comes too late
  }

  /** Another node leads in place of this one. */
  public void demoted() {
    if (enabled) {
      sessions.closeThoseOfFormerLeader();
      endOfForwarding =
          front.loop().schedule(this::stopForwarding, LATE_COMERS_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  private void stopForwarding() {
    endOfForwarding = null;
    forwards = false;
    sessions.closeThoseOfFormerLeader();
  }

  /** Whether commands go to the next leader that this one can't take any more. */
  boolean forwards() {
    return forwards;
  }
}
