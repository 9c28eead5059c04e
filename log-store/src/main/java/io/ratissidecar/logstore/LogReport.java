package io.ratissidecar.logstore;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The verdict on a payload log.
 *
 * @param summary what is readable
 * @param damages everything that was durable and is wrong or missing
 * @param tornTail what an unflushed write left at the end; harmless, and cut at the next start
 */
public record LogReport(LogSummary summary, List<Damage> damages, Optional<Damage> tornTail) {

  /** Copies the list. */
  public LogReport {
    damages = List.copyOf(damages);
  }

  /** True when nothing that was checked is wrong. */
  public boolean sound() {
    return damages.isEmpty();
  }

  /**
   * One place where bytes are not what they should be.
   *
   * @param offset in bytes from the start of the file
   * @param index the lowest index that may be affected
   * @param what in words
   */
  public record Damage(Path file, long offset, long index, String what) {}
}
