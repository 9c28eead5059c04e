package io.ratissidecar.logstore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * The real file system until a number of changes have been made; then that change fails, a write
 * after a part of its bytes, and so does every later one: a full disk, a broken one, or a process
 * that is killed, according to what the test looks at.
 */
final class FaultyDisk implements Disk {
  /** No fault. */
  static final int NEVER = Integer.MAX_VALUE;

  private final Disk real;
  private int left;

  FaultyDisk(int changesBeforeFault) {
    this(new LocalDisk(), changesBeforeFault);
  }

  FaultyDisk(Disk real, int changesBeforeFault) {
    this.real = real;
    left = changesBeforeFault;
  }

  /** The changes from now on that succeed. */
  void failAfter(int moreChanges) {
    left = moreChanges;
  }

  private boolean fails() {
    return left == 0 || --left < 0;
  }

  private void change(String what) throws IOException {
    if (fails()) {
      left = 0;
      throw new IOException("injected: " + what);
    }
  }

  @Override
  public DiskFile file(Path path) {
    return new FaultyFile(real.file(path));
  }

  @Override
  public void create(Path path) throws IOException {
    change("create");
    real.create(path);
  }

  @Override
  public void delete(Path path) throws IOException {
    change("delete");
    real.delete(path);
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    change("rename");
    real.rename(from, to);
  }

  @Override
  public void syncDirectory(Path directory) throws IOException {
    change("sync directory");
    real.syncDirectory(directory);
  }

  private final class FaultyFile implements DiskFile {
    private final DiskFile file;

    FaultyFile(DiskFile file) {
      this.file = file;
    }

    @Override
    public void write(ByteBuffer bytes, long position) throws IOException {
      if (fails()) {
        left = 0;
        bytes.limit(bytes.position() + bytes.remaining() / 2);
        file.write(bytes, position);
        throw new IOException("injected: no space left on device");
      }
      file.write(bytes, position);
    }

    @Override
    public int read(ByteBuffer to, long position) throws IOException {
      return file.read(to, position);
    }

    @Override
    public void sync(boolean metadata) throws IOException {
      change("sync");
      file.sync(metadata);
    }

    @Override
    public void truncate(long sizeBytes) throws IOException {
      change("truncate");
      file.truncate(sizeBytes);
    }

    @Override
    public long size() throws IOException {
      return file.size();
    }

    @Override
    public void closeWriter() throws IOException {
      file.closeWriter();
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
