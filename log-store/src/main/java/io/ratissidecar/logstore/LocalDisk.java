package io.ratissidecar.logstore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** The real file system. */
final class LocalDisk implements Disk {
  @Override
  public DiskFile file(Path path) {
    return new LocalFile(path);
  }

  @Override
  public void create(Path path) throws IOException {
    Files.createFile(path);
  }

  @Override
  public void delete(Path path) throws IOException {
    Files.deleteIfExists(path);
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  @Override
  public void syncDirectory(Path directory) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      DurableFiles.syncDirectory(directory);
    } finally {
      restore(interrupted);
    }
  }

  private static void restore(boolean interrupted) {
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Reads and writes use separate channels: an interrupt of a thread inside a FileChannel closes it
   * for all, and interrupting a reader is an everyday event.
   */
  private static final class LocalFile implements DiskFile {
    private final Path path;
    private volatile FileChannel reader;
    private FileChannel writer;
    private boolean closed;

    LocalFile(Path path) {
      this.path = path;
    }

    @Override
    public void write(ByteBuffer bytes, long position) throws IOException {
      // An interrupt that came earlier must not close the channel, which would stop the log.
      boolean interrupted = Thread.interrupted();
      try {
        FileChannel channel = writer();
        long at = position;
        while (bytes.hasRemaining()) {
          at += channel.write(bytes, at);
        }
      } finally {
        restore(interrupted);
      }
    }

    @Override
    public int read(ByteBuffer to, long position) throws IOException {
      int start = to.position();
      while (to.hasRemaining()) {
        try {
          if (reader().read(to, position + to.position() - start) < 0) {
            break;
          }
        } catch (ClosedByInterruptException e) {
          throw e; // this thread was interrupted; the next reader opens another channel
        } catch (ClosedChannelException e) {
          // Another thread's interrupt closed the channel: reader() opens another, or throws when
          // the file itself was closed.
        }
      }
      return to.position() - start;
    }

    @Override
    public void sync(boolean metadata) throws IOException {
      boolean interrupted = Thread.interrupted();
      try {
        writer().force(metadata);
      } finally {
        restore(interrupted);
      }
    }

    @Override
    public void truncate(long sizeBytes) throws IOException {
      boolean interrupted = Thread.interrupted();
      try {
        writer().truncate(sizeBytes);
      } finally {
        restore(interrupted);
      }
    }

    @Override
    public long size() throws IOException {
      return Files.size(path);
    }

    @Override
    public synchronized void closeWriter() throws IOException {
      if (writer != null) {
        writer.close();
        writer = null;
      }
    }

    @Override
    public synchronized void close() throws IOException {
      closed = true;
      try {
        closeWriter();
      } finally {
        if (reader != null) {
          reader.close();
        }
      }
    }

    private FileChannel reader() throws IOException {
      FileChannel channel = reader;
      return channel != null && channel.isOpen() ? channel : openReader();
    }

    private synchronized FileChannel openReader() throws IOException {
      if (closed) {
        throw new IOException(path + " is closed");
      }
      if (reader == null || !reader.isOpen()) {
        reader = FileChannel.open(path, StandardOpenOption.READ);
      }
      return reader;
    }

    private synchronized FileChannel writer() throws IOException {
      if (closed) {
        throw new IOException(path + " is closed");
      }
      if (writer == null) {
        writer = FileChannel.open(path, StandardOpenOption.WRITE);
      }
      return writer;
    }
  }
}
