package io.ratissidecar.logstore;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Bytes that were durable are wrong or gone. Nothing was changed on disk; the message says where
 * the damage is and what an operator can do.
 */
public final class LogDamagedException extends IOException {
  private static final long serialVersionUID = 1L;

  private final transient Path file;
  private final long offset;
  private final long index;
  private final String what;

  LogDamagedException(Path file, long offset, long index, String what) {
    super(
        "payload log damaged: "
            + file
            + " at byte "
            + offset
            + ", index "
            + index
            + " or later: "
            + what
            + ". Nothing was changed. Let the node rejoin the cluster under a new id with an empty"
            + " directory, or restore the directory from a backup");
    this.file = file;
    this.offset = offset;
    this.index = index;
    this.what = what;
  }

  /** What is wrong, without where and what to do. */
  String what() {
    return what;
  }

  /** The damaged file, or the one that proves that another is missing. */
  public Path file() {
    return file;
  }

  /** Where the damage starts, in bytes from the start of the file. */
  public long offset() {
    return offset;
  }

  /** The lowest index that may be affected. */
  public long index() {
    return index;
  }
}
