package io.ratissidecar.logstore;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
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
   * An interrupt of a thread inside a FileChannel closes it for all. For a reader that is an
   * everyday event: Ratis interrupts its appenders when it ends them. So reads go through a
   * RandomAccessFile, which takes no notice of interrupts.
   */
  private static final class LocalFile implements DiskFile {
    private static final int COPY_BYTES = 1 << 16;

    private final Path path;
    private final Object readLock = new Object();
    private RandomAccessFile reader;
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
      synchronized (readLock) {
        RandomAccessFile file = reader();
        file.seek(position);
        if (to.hasArray()) {
          int got = fill(file, to.array(), to.arrayOffset() + start, to.remaining());
          to.position(start + got);
        } else {
          copy(file, to);
        }
      }
      return to.position() - start;
    }

    private static void copy(RandomAccessFile from, ByteBuffer to) throws IOException {
      byte[] bytes = new byte[Math.min(to.remaining(), COPY_BYTES)];
      while (to.hasRemaining()) {
        int wanted = Math.min(to.remaining(), bytes.length);
        int got = fill(from, bytes, 0, wanted);
        to.put(bytes, 0, got);
        if (got < wanted) {
          return;
        }
      }
    }

    /** Reads until there are so many bytes or the file ends; returns how many there are. */
    private static int fill(RandomAccessFile from, byte[] to, int offset, int length)
        throws IOException {
      int got = 0;
      while (got < length) {
        int read = from.read(to, offset + got, length - got);
        if (read < 0) {
          break;
        }
        got += read;
      }
      return got;
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

    private synchronized RandomAccessFile reader() throws IOException {
      if (closed) {
        throw new IOException(path + " is closed");
      }
      if (reader == null) {
        reader = new RandomAccessFile(path.toFile(), "r");
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
