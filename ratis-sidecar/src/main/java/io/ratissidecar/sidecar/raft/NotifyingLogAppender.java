package io.ratissidecar.sidecar.raft;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Comparator;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.client.impl.ClientProtoUtils;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto.AppendResult;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.proto.RaftProtos.InstallSnapshotReplyProto;
import org.apache.ratis.proto.RaftProtos.InstallSnapshotRequestProto;
import org.apache.ratis.proto.RaftProtos.InstallSnapshotRequestProto.NotificationProto;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.rpc.CallId;
import org.apache.ratis.server.RaftConfiguration;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.leader.FollowerInfo;
import org.apache.ratis.server.leader.LeaderState;
import org.apache.ratis.server.leader.LogAppenderBase;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.server.raftlog.LogProtoUtils;
import org.apache.ratis.server.raftlog.RaftLog;
import org.apache.ratis.server.raftlog.RaftLogIOException;
import org.apache.ratis.util.Timestamp;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the leader's log to one follower, one message at a time. A follower that needs entries that
 * are gone here is told so, at the pace of heartbeats and in their place: it has to fetch a
 * snapshot.
 *
 * <p>Ratis's own appender for Netty sends entries in the same way, but does not know of such
 * notifications: with the transfer of snapshots by Ratis disabled it spins, and its follower hears
 * nothing and stands for election.
 *
 * <p>Runs on a thread of its own, which never takes the server's lock: a leader that steps down
 * holds it while it waits for this thread to end.
 */
final class NotifyingLogAppender extends LogAppenderBase {
  private static final Logger LOG = LoggerFactory.getLogger(NotifyingLogAppender.class);
  private static final int FAILURES_PER_LOG_LINE = 10;

  /** For so long the next entry may come to tell a follower what is committed. */
  private static final long COMMIT_NEWS_MILLIS = 10;

  /** A state machine that may drop the payload of entries before Ratis drops their headers. */
  interface PayloadRange {
    /** The first index whose payload can be read, unless Ratis's log begins later. Any thread. */
    long firstReadableIndex();
  }

  private final PayloadRange payload;
  private boolean askedForEnd;
  private long leaderTerm;
  private int failures;

  /** Up to here the follower was told what is committed. */
  private long toldCommit = RaftLog.INVALID_LOG_INDEX;

  private volatile boolean gaveWay;

  NotifyingLogAppender(RaftServer.Division server, LeaderState leader, FollowerInfo follower) {
    super(server, leader, follower);
    payload = (PayloadRange) server.getStateMachine();
  }

  /**
   * Another one does the work for the same follower: this one does nothing, under no name of its.
   */
  void giveWay() {
    gaveWay = true;
  }

  @Override
  public RaftPeerId getFollowerId() {
    RaftPeerId id = super.getFollowerId();
    return gaveWay ? RaftPeerId.valueOf(id + " (another appender's)") : id;
  }

  @Override
  public long getCallId() {
    return CallId.get();
  }

  @Override
  public Comparator<Long> getCallIdComparator() {
    return CallId.getComparator();
  }

  /** Nothing that can't be sent counts: this is also what ends the wait for the next heartbeat. */
  @Override
  public boolean hasAppendEntries() {
    return super.hasAppendEntries() && canSendNext();
  }

  @Override
  public void run() throws InterruptedException, IOException {
    try {
      replicate();
    } catch (RaftLogIOException | RuntimeException | Error e) {
      // Ratis replaces this one at once. What fails each time would fill the disk with its traces.
      getServer().properties().rpcSleepTime().sleep();
      throw e;
    }
  }

  private void replicate() throws InterruptedException, IOException {
    while (isRunning() && !gaveWay) {
      if (shouldSendAppendEntries()) {
        if (canSendNext()) {
          needsNoSnapshot();
          appendEntries();
        } else if (!askedForEnd) {
          askForEnd();
        } else {
          notifyOfMissingEntries();
        }
      }
      if (isRunning() && !hasAppendEntries()) {
        getEventAwaitForSignal().await(waitMillis(), TimeUnit.MILLISECONDS);
        boolean sendsNothing = isRunning() && !gaveWay && !shouldSendAppendEntries();
        if (sendsNothing && hasCommitNews() && canSendNext()) {
          tellCommit();
        }
      }
      getLeaderState().checkHealth(getFollower());
    }
  }

  private long waitMillis() {
    long heartbeat = getHeartbeatWaitTimeMs();
    return hasUntoldEntries() ? Math.min(heartbeat, COMMIT_NEWS_MILLIS) : heartbeat;
  }

  /** Whether the follower has entries that it was not told to be committed. */
  private boolean hasUntoldEntries() {
    return toldCommit < getFollower().getMatchIndex();
  }

  private boolean hasCommitNews() {
    return hasUntoldEntries() && toldCommit < getRaftLog().getLastCommittedIndex();
  }

  /**
   * Tells a follower to which no entry is sent that those which it has are committed. Ratis leaves
   * that to the next heartbeat: so long would subscribers there wait for a message.
   */
  private void tellCommit() throws InterruptedException, IOException {
    AppendEntriesRequestProto request = newRequest(true);
    try {
      handle(request, send(request));
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      toldCommit = request.getLeaderCommit(); // the next heartbeat will do
      failed("tell what is committed", e);
    }
  }

  /** Whether this node has the follower's next entry, and can say what stands before it. */
  private boolean canSendNext() {
    long next = getFollower().getNextIndex();
    if (next > getRaftLog().getNextIndex()) {
      return true; // it is ahead, so heartbeats are all that it gets
    }
    if (next < firstReadableIndex()) {
      return false;
    }
    long snapshot = getFollower().getSnapshotIndex(); // 0: not known to have one
    return next == RaftLog.LEAST_VALID_LOG_INDEX
        || (snapshot > 0 && next == snapshot + 1)
        || getPrevious(next) != null;
  }

  private long firstReadableIndex() {
    long start = getRaftLog().getStartIndex();
    return Math.max(
        start == RaftLog.INVALID_LOG_INDEX ? getRaftLog().getNextIndex() : start,
        payload.firstReadableIndex());
  }

  /** The first entry that this node can send, now or once it is written. */
  private TermIndex firstAvailable() {
    TermIndex first = getRaftLog().getTermIndex(firstReadableIndex());
    return first != null
        ? first
        : TermIndex.valueOf(getServer().getInfo().getCurrentTerm(), getRaftLog().getNextIndex());
  }

  /** A newcomer counts as caught up only once it was looked into whether it needs a snapshot. */
  private void needsNoSnapshot() {
    if (!getFollower().hasAttemptedToInstallSnapshot()
        && getLeaderState().isFollowerBootstrapping(getFollower())) {
      getFollower().setAttemptedToInstallSnapshot();
    }
  }

  /**
   * Sends entries or, when it is due, a heartbeat; again until it arrives, or until the entries are
   * gone here: a node that was away for so long is told so at once, and costs no memory meanwhile.
   */
  private void appendEntries() throws InterruptedException, IOException {
    AppendEntriesRequestProto request = newRequest(false);
    while (request != null && isRunning() && canSendNext()) {
      try {
        handle(request, send(request));
        return;
      } catch (InterruptedIOException | RaftLogIOException e) {
        throw e;
      } catch (IOException e) {
        failed("append entries", e);
      }
      if (request.getEntriesCount() == 0) {
        request = newRequest(false);
      }
    }
  }

  /**
   * Finds out how far the follower's log goes. Ratis lets a new appender begin at the first entry
   * of all when it replaces one that failed, and then the follower may well need no snapshot.
   */
  private void askForEnd() throws InterruptedException, IOException {
    AppendEntriesRequestProto request = newRequest(true);
    try {
      AppendEntriesReplyProto reply = send(request);
      handle(request, reply);
      if (reply.getResult() == AppendResult.SUCCESS) {
        // Not believed yet: entries follow only where the one before them is the same.
        long next = Math.min(reply.getNextIndex(), getRaftLog().getNextIndex());
        getFollower().updateNextIndex(next);
      }
      askedForEnd = true;
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      failed("ask for the end of the log", e);
    }
  }

  private AppendEntriesRequestProto newRequest(boolean heartbeat) throws RaftLogIOException {
    AppendEntriesRequestProto request =
        newAppendEntriesRequest(CallId.getAndIncrement(), heartbeat);
    if (request != null) {
      leaderTerm = request.getLeaderTerm();
    }
    return request;
  }

  private AppendEntriesReplyProto send(AppendEntriesRequestProto request) throws IOException {
    resetHeartbeatTrigger();
    Timestamp sent = Timestamp.currentTime();
    getFollower().updateLastRpcSendTime(request.getEntriesCount() == 0);
    AppendEntriesReplyProto reply = getServerRpc().appendEntries(request);
    responded();
    toldCommit = request.getLeaderCommit();
    getFollower().updateLastRespondedAppendEntriesSendTime(sent);
    getLeaderState().onFollowerCommitIndex(getFollower(), reply.getFollowerCommit());
    return reply;
  }

  private void handle(AppendEntriesRequestProto request, AppendEntriesReplyProto reply) {
    boolean heartbeat = request.getEntriesCount() == 0;
    switch (reply.getResult()) {
      case SUCCESS -> {
        long previous =
            request.hasPreviousLog()
                ? request.getPreviousLog().getIndex()
                : RaftLog.INVALID_LOG_INDEX;
        matchesUpTo(heartbeat ? previous : reply.getNextIndex() - 1, heartbeat);
      }
      case NOT_LEADER -> onFollowerTerm(reply.getTerm());
      case INCONSISTENCY -> {
        long first = heartbeat ? RaftLog.INVALID_LOG_INDEX : request.getEntries(0).getIndex();
        getFollower().setNextIndex(getNextIndexForInconsistency(first, reply.getNextIndex()));
      }
      default -> LOG.warn("{}: unexpected reply {}", this, reply.getResult());
    }
    getLeaderState().onAppendEntriesReply(this, reply);
  }

  /** A heartbeat proves it as well: the follower looks whether it has the entry before. */
  private void matchesUpTo(long index, boolean heartbeat) {
    long expected = getFollower().getNextIndex();
    if (index + 1 < expected && !heartbeat) {
      throw new IllegalStateException(
          this + ": the follower has taken entries and expects " + (index + 1) + " < " + expected);
    }
    if (index > getFollower().getMatchIndex()) {
      getFollower().updateMatchIndex(index);
      if (index + 1 > expected) {
        getFollower().increaseNextIndex(index + 1);
      }
      getLeaderState().onFollowerSuccessAppendEntries(getFollower());
    }
  }

  private void notifyOfMissingEntries() throws InterruptedException, InterruptedIOException {
    TermIndex first = firstAvailable();
    InstallSnapshotRequestProto request = newInstallSnapshotNotificationRequest(first);
    try {
      resetHeartbeatTrigger();
      getFollower().updateLastRpcSendTime(true);
      InstallSnapshotReplyProto reply = getServerRpc().installSnapshot(request);
      responded();
      handle(reply, first);
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      failed("notify of a snapshot", e);
    }
  }

  private void handle(InstallSnapshotReplyProto reply, TermIndex first) {
    switch (reply.getResult()) {
      case NOT_LEADER -> onFollowerTerm(reply.getTerm());
      case ALREADY_INSTALLED, SNAPSHOT_INSTALLED -> {
        long index = reply.getSnapshotIndex();
        LOG.info("{}: the follower has a snapshot of entry {}", this, index);
        getFollower().setSnapshotIndex(index);
        getFollower().setAttemptedToInstallSnapshot();
        getLeaderState().onFollowerCommitIndex(getFollower(), index);
      }
      case IN_PROGRESS, SNAPSHOT_UNAVAILABLE ->
          LOG.debug("{}: the follower has no snapshot of entry {} yet", this, first.getIndex() - 1);
      default ->
          LOG.warn(
              "{}: the follower needs a snapshot of entry {} and answers {}",
              this,
              first.getIndex() - 1,
              reply.getResult());
    }
  }

  /** As the default, which takes the server's lock and tells its term, be it another leader's. */
  @Override
  public InstallSnapshotRequestProto newInstallSnapshotNotificationRequest(TermIndex first) {
    RaftConfiguration members = getServer().getRaftConf();
    return InstallSnapshotRequestProto.newBuilder()
        // With the standard call id, which Ratis's reply has whatever the request had.
        .setServerRequest(
            ClientProtoUtils.toRaftRpcRequestProtoBuilder(
                getServer().getMemberId(), getFollowerId()))
        .setLeaderTerm(leaderTerm)
        .setLastRaftConfigurationLogEntryProto(
            LogProtoUtils.toLogEntryProto(members, null, members.getLogEntryIndex()))
        .setNotification(NotificationProto.newBuilder().setFirstAvailableTermIndex(first.toProto()))
        .build();
  }

  /** As the default, without the server's lock. */
  @Override
  public boolean onFollowerTerm(long term) {
    return isRunning() && getLeaderState().onFollowerTerm(getFollower(), term);
  }

  private void responded() {
    failures = 0;
    getFollower().updateLastRpcResponseTime();
  }

  private void failed(String what, IOException e) throws InterruptedException {
    if (failures++ % FAILURES_PER_LOG_LINE == 0) {
      LOG.warn("{}: can't {} (failure {} in a row): {}", this, what, failures, e.toString());
    }
    getServerRpc().handleException(getFollowerId(), e, false);
    if (isRunning()) {
      getServer().properties().rpcSleepTime().sleep();
    }
  }
}
