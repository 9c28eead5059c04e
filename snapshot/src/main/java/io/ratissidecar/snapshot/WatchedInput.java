package io.ratissidecar.snapshot;

import java.io.FilterInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.LongConsumer;

/** A file that tells how many bytes were read, each time. */
final class WatchedInput extends FilterInputStream {
  private final LongConsumer onRead;

  WatchedInput(Path file, LongConsumer onRead) throws IOException {
    super(Files.newInputStream(file));
    this.onRead = onRead;
  }

  @Override
  public int read() throws IOException {
    int b = super.read();
    onRead.accept(b < 0 ? 0 : 1);
    return b;
  }

  @Override
  public int read(byte[] target, int from, int length) throws IOException {
    int count = super.read(target, from, length);
    onRead.accept(Math.max(0, count));
    return count;
  }
}
