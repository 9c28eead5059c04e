package io.ratissidecar.cli.demo;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Writers that run at the same time, one starting at each node, until they are told to stop. */
final class CheckLoad implements AutoCloseable {
  private final List<Thread> threads = new ArrayList<>();
  private final CountDownLatch running;
  private final AtomicReference<String> failure = new AtomicReference<>();
  private volatile boolean stopping;

  CheckLoad(List<CheckWriter> writers) {
    running = new CountDownLatch(writers.size());
    for (CheckWriter writer : writers) {
      Thread thread = new Thread(() -> run(writer), "check-writer");
      threads.add(thread);
      thread.start();
    }
  }

  private void run(CheckWriter writer) {
    try {
      writer.writeWhile(() -> !stopping);
    } catch (DemoFailure e) {
      failure.compareAndSet(null, e.getMessage());
    } catch (InterruptedException e) {
      failure.compareAndSet(null, "a writer was interrupted");
    } finally {
      running.countDown();
    }
  }

  void requireHealthy() throws DemoFailure {
    if (failure.get() != null) {
      throw new DemoFailure("writing failed: " + failure.get());
    }
  }

  /** Lets every writer finish what it has begun. */
  void finish(Duration patience) throws DemoFailure, InterruptedException {
    stopping = true;
    if (!running.await(patience.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new DemoFailure("a writer got no answer within " + patience.toSeconds() + " s");
    }
    requireHealthy();
  }

  @Override
  public void close() {
    stopping = true;
    threads.forEach(Thread::interrupt);
  }
}
