package io.ratissidecar.sidecar.redis;

import io.lettuce.core.RedisBusyException;
import io.lettuce.core.RedisException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the local Redis is at work with a script for long, who wants to know, and that script's
 * end. What is asked of Redis is asked on the thread that looks after it.
 */
final class ScriptWatch {
  private static final Logger LOG = LoggerFactory.getLogger(ScriptWatch.class);

  private final ReloadMark reload;
  private final ManagedRedis managed;

  /** What Redis says while it is at work with a script for long; empty when it is not. */
  private volatile String busy = "";

  /** Whether a script has to be ended. */
  private final AtomicBoolean ending = new AtomicBoolean();

  /** Who waits for the next look. */
  private final Queue<Runnable> askers = new ConcurrentLinkedQueue<>();

  /**
   * @param managed null when somebody else looks after Redis's process
   */
  ScriptWatch(ReloadMark reload, ManagedRedis managed) {
    this.reload = reload;
    this.managed = managed;
  }

  /** Redis's own words while it is at work with a script for long. Any thread. */
  Optional<String> busy() {
    return busy.isEmpty() ? Optional.empty() : Optional.of(busy);
  }

  /** Runs the callback with the next look. Any thread. */
  void whenLooked(Runnable callback) {
    askers.add(callback);
  }

  /** The script has to end. Any thread. */
  void wantEnd() {
    ending.set(true);
  }

  /** Whether a script has to be ended that nobody has seen to yet; now the caller does. */
  boolean takeWantedEnd() {
    return ending.getAndSet(false);
  }

  /** Redis was too busy to let anybody in. */
  void busyAtConnect(String words) {
    busy = words;
  }

  /** Nothing is known of Redis any more. */
  void forget() {
    busy = "";
  }

  /** There is no Redis that could be asked. */
  void nobodyToAsk() {
    takeAskers().forEach(Runnable::run);
  }

  private List<Runnable> takeAskers() {
    List<Runnable> taken = new ArrayList<>();
    for (Runnable asker = askers.poll(); asker != null; asker = askers.poll()) {
      taken.add(asker);
    }
    return taken;
  }

  /**
   * Asks Redis.
   *
   * @param applying whether entries are applied, so that the script may be the log's
   * @throws RedisException when it does not answer, or is busy with what is in the way
   */
  void look(RedisControl control, BooleanSupplier applying) {
    List<Runnable> asking = takeAskers();
    try {
      control.ping();
      busy = "";
    } catch (RedisBusyException e) {
      if (!applying.getAsBoolean()) {
        askers.addAll(asking); // they hear once it was looked into
        throw e;
      }
      busy = e.getMessage();
    } catch (RedisException e) {
      askers.addAll(asking);
      busy = "";
      throw e;
    }
    asking.forEach(Runnable::run);
  }

  /**
   * Ends the script that Redis is at work with. Where that has written, only the end of Redis is
   * its end, and the data is loaded anew.
   *
   * @throws IOException when Redis does not end
   */
  void end(RedisControl control) throws IOException {
    if (control.endScript()) {
      return;
    }
    LOG.warn(
        "The script that the local Redis is at work with has written, so that it can't be ended: Redis is shut down,"
            + " and its data will be loaded anew once it is there again");
    reload.set();
    control.shutdown(false);
    if (control.isOpen() && managed != null) {
      managed.kill();
    } else if (control.isOpen()) {
      ending.set(true);
      throw new IOException("it did not shut down; end it by other means");
    }
  }
}
