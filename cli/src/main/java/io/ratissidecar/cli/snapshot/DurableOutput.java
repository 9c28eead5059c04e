package io.ratissidecar.cli.snapshot;

import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Path;

/** A file that is on disk once {@link #sync} returns. */
final class DurableOutput extends BufferedOutputStream {
  private final FileOutputStream file;

  DurableOutput(Path path) throws IOException {
    this(new FileOutputStream(path.toFile()));
  }

  private DurableOutput(FileOutputStream file) {
    super(file, 1 << 16);
    this.file = file;
  }

  void sync() throws IOException {
    flush();
    file.getChannel().force(true);
  }
}
