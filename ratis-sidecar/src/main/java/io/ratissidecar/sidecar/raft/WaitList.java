package io.ratissidecar.sidecar.raft;

import java.util.ArrayList;
import java.util.List;

/** Who wants to look again once something has changed. Confined to the front loop. */
public final class WaitList {
  private List<Runnable> waiting = new ArrayList<>();

  /** Calls back at the next {@link #wake}, once. */
  public void add(Runnable waiter) {
    waiting.add(waiter);
  }

  /** Calls back all; those who come back meanwhile wait for the next time. */
  public void wake() {
    if (!waiting.isEmpty()) {
      List<Runnable> woken = waiting;
      waiting = new ArrayList<>();
      woken.forEach(Runnable::run);
    }
  }
}
