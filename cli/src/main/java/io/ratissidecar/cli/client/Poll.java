package io.ratissidecar.cli.client;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Waiting for something that another process does, with a deadline. */
public final class Poll {
  private Poll() {}

  /** Something that becomes true. */
  public interface Condition<E extends Exception> {
    boolean holds() throws E;
  }

  /** Something to ask; empty means ask again. */
  public interface Question<T, E extends Exception> {
    Optional<T> ask() throws E;
  }

  /**
   * Asks again and again until there is an answer; empty when the time is over.
   *
   * @param pauseMillis between two questions
   */
  public static <T, E extends Exception> Optional<T> until(
      Duration timeout, long pauseMillis, Question<T, E> question) throws InterruptedException, E {
    long deadlineNanos = System.nanoTime() + timeout.toNanos();
    while (true) {
      Optional<T> answer = question.ask();
      if (answer.isPresent() || System.nanoTime() >= deadlineNanos) {
        return answer;
      }
      TimeUnit.MILLISECONDS.sleep(pauseMillis);
    }
  }

  /** Looks again and again until the condition holds; false when the time is over. */
  public static <E extends Exception> boolean untilTrue(
      Duration timeout, long pauseMillis, Condition<E> condition) throws InterruptedException, E {
    Question<Boolean, E> question = () -> condition.holds() ? Optional.of(true) : Optional.empty();
    return until(timeout, pauseMillis, question).isPresent();
  }
}
