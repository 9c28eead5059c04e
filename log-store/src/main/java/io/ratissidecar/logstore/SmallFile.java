package io.ratissidecar.logstore;

import io.ratissidecar.logstore.Disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files of one {@link RespList} that are replaced as a whole: old or new after a crash. */
final class SmallFile {
  static final String TEMPORARY = ".tmp";

  private SmallFile() {}

  /** Durable, name included, when this returns. */
  static void write(Disk disk, Path path, RespList content) throws IOException {
    Path temporary = path.resolveSibling(path.getFileName() + TEMPORARY);
    disk.delete(temporary);
    disk.create(temporary);
    try (DiskFile file = disk.file(temporary)) {
      file.write(ByteBuffer.wrap(content.toBytes()), 0);
      file.sync(true);
    }
    disk.rename(temporary, path);
    disk.syncDirectory(path.getParent());
  }

  /** The content, or null when the bytes are not what {@link #write} wrote. */
  static RespList read(Path path) throws IOException {
    return RespList.parse(ByteBuffer.wrap(Files.readAllBytes(path)));
  }

  static void remove(Disk disk, Path path) throws IOException {
    if (Files.exists(path)) {
      disk.delete(path);
      disk.syncDirectory(path.getParent());
    }
  }
}
