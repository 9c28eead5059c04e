package io.ratissidecar.sidecar.raft;

import io.ratissidecar.logstore.PayloadLog;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongFunction;

/**
 * Cuts a node's two logs, the payload last: whoever finds a header finds its payload, or knows that
 * it may be gone.
 *
 * <p>Any thread.
 */
final class LogCutter {
  private final Duration patience;
  private final CompletableFuture<Void> closed = new CompletableFuture<>();

  /**
   * @param patience how long Ratis may take; its log worker may be busy with a slow disk
   */
  LogCutter(Duration patience) {
    this.patience = patience;
  }

  /**
   * Drops entries up to this one, by whole files. Blocks.
   *
   * @param purge has Ratis drop its own
   * @return false when the logs were closed meanwhile; then Ratis never answers
   * @throws IOException when Ratis has not done it. The payload is all there then. It may be tried
   *     again; Ratis takes what it was told to drop for gone, though, and answers at once
   */
  boolean cut(LongFunction<CompletableFuture<Long>> purge, PayloadLog payload, long last)
      throws IOException {
    try {
      CompletableFuture.anyOf(purge.apply(last), closed)
          .get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IOException("Ratis has not purged its log up to entry " + last, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while the log was purged");
    }
    if (closed.isDone()) {
      return false;
    }
    payload.dropPrefix(last + 1);
    return true;
  }

  /** The logs are about to be closed. */
  void close() {
    closed.complete(null);
  }
}
