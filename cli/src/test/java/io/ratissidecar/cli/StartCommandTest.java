package io.ratissidecar.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class StartCommandTest {
  private final List<String> reasons = new ArrayList<>();
  private final AtomicBoolean stopping = new AtomicBoolean();

  private void runAndFail() throws InterruptedException {
    Thread thread =
        new Thread(
            () -> {
              throw new IndexOutOfBoundsException("no such entry");
            },
            "leader");
    thread.setUncaughtExceptionHandler(
        StartCommand.lostThreads((reason, cause) -> reasons.add(reason), stopping::get));
    thread.start();
    thread.join();
  }

  @Test
  void when_a_thread_is_lost_then_the_node_stops_and_says_which() throws Exception {
    runAndFail();
    assertEquals(1, reasons.size());
    assertTrue(reasons.get(0).contains("thread leader has failed"), reasons::toString);
  }

  @Test
  void when_the_node_stops_anyway_then_it_does_so_in_order() throws Exception {
    stopping.set(true);
    runAndFail();
    assertEquals(List.of(), reasons);
  }
}
