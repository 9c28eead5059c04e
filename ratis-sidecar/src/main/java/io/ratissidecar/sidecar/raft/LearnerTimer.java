package io.ratissidecar.sidecar.raft;

import java.io.InterruptedIOException;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.ratis.server.RaftServer;

/**
 * Ends the election timer of a learner, which has no use for one.
 *
 * <p>Ratis 3.3.0 runs it all the same, and ends it when the learner becomes a voter: {@code
 * ServerState.updateConfiguration} then holds the division's lock while it waits for the timer's
 * thread. When that thread has just woken up and waits for the same lock, neither ever goes on: the
 * node answers no message any more, while its process lives on. A timer that has ended before can't
 * meet this; becoming a voter starts a new one.
 */
final class LearnerTimer {
  private static final String THREAD_SUFFIX = "-FollowerState";
  private static final long ASK_AGAIN_MILLIS = 10;

  private LearnerTimer() {}

  /**
   * Does nothing for a voter. Blocks for a moment. To be called as soon as Ratis has started: its
   * timer then sleeps for at least the shortest election time-out, so that nothing is at stake yet.
   */
  static void end(RaftServer.Division division) throws InterruptedIOException {
    try {
      Optional<Thread> timer = interrupted(division);
      while (timer.isPresent()) {
        timer.get().join(ASK_AGAIN_MILLIS);
        timer = interrupted(division);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while Raft was started");
    }
  }

  private static Optional<Thread> interrupted(RaftServer.Division division) {
    synchronized (division) { // its role changes under this lock, and the timer of a voter must run
      if (!division.getInfo().isListener()) {
        return Optional.empty();
      }
      Optional<Thread> timer = find(division);
      timer.ifPresent(Thread::interrupt);
      return timer;
    }
  }

  /** The timer that runs now. */
  static Optional<Thread> find(RaftServer.Division division) {
    ThreadGroup group = division.getThreadGroup();
    Thread[] threads = new Thread[group.activeCount() + 16];
    int count = group.enumerate(threads);
    return Stream.of(threads)
        .limit(count)
        .filter(t -> t.getName().startsWith(division.getMemberId().toString()))
        .filter(t -> t.getName().endsWith(THREAD_SUFFIX))
        .findFirst();
  }
}
