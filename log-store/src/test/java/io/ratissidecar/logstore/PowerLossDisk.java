package io.ratissidecar.logstore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/**
 * The real file system, with a note of what each sync made durable. A power loss keeps that, and of
 * the rest any sectors of any writes, any truncation, and the first few changes of names.
 */
final class PowerLossDisk implements Disk {
  private final Disk real = new LocalDisk();
  private final Path dir;
  private final Map<Path, Inode> names = new HashMap<>();
  private final List<NameChange> unsyncedNames = new ArrayList<>();
  private Map<Path, Inode> durableNames;

  private static final class Inode {
    private byte[] durable;
    private final List<Change> unsynced = new ArrayList<>();

    Inode(byte[] durable) {
      this.durable = durable;
    }
  }

  /** A write, or a truncation when there are no bytes. */
  private record Change(long position, byte[] bytes) {}

  private interface NameChange {
    void apply(Map<Path, Inode> names);
  }

  /** What is in the directory now counts as durable. */
  PowerLossDisk(Path dir) throws IOException {
    this.dir = dir;
    if (Files.isDirectory(dir)) {
      try (Stream<Path> files = Files.list(dir)) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          names.put(file, new Inode(Files.readAllBytes(file)));
        }
      }
    }
    durableNames = new HashMap<>(names);
  }

  /** Writes one of the states that the files may be in after a power loss. */
  synchronized void survivors(Path target, Random random) throws IOException {
    Map<Path, Inode> survived = new HashMap<>(durableNames);
    int changes = random.nextInt(unsyncedNames.size() + 1);
    unsyncedNames.subList(0, changes).forEach(change -> change.apply(survived));
    Files.createDirectories(target);
    for (Map.Entry<Path, Inode> file : survived.entrySet()) {
      Path name = target.resolve(dir.relativize(file.getKey()).toString());
      Files.write(name, content(file.getValue(), random));
    }
  }

  private static byte[] content(Inode inode, Random random) {
    byte[] bytes = inode.durable.clone();
    int sector = random.nextBoolean() ? 512 : 16 + random.nextInt(100);
    int odds = random.nextInt(5); // of 4; at the ends nothing and everything survives
    for (Change change : inode.unsynced) {
      if (change.bytes == null) {
        if (random.nextInt(4) < odds) {
          bytes = Arrays.copyOf(bytes, (int) change.position);
        }
        continue;
      }
      int end = (int) change.position + change.bytes.length;
      for (int at = (int) change.position; at < end; ) {
        int next = Math.min(end, (at / sector + 1) * sector);
        if (random.nextInt(4) < odds) {
          bytes = next > bytes.length ? Arrays.copyOf(bytes, next) : bytes;
          System.arraycopy(change.bytes, at - (int) change.position, bytes, at, next - at);
        }
        at = next;
      }
    }
    return bytes;
  }

  private synchronized void change(NameChange change) {
    change.apply(names);
    unsyncedNames.add(change);
  }

  @Override
  public DiskFile file(Path path) {
    return new TrackedFile(path, real.file(path));
  }

  @Override
  public void create(Path path) throws IOException {
    real.create(path);
    Inode inode = new Inode(new byte[0]);
    change(map -> map.put(path, inode));
  }

  @Override
  public void delete(Path path) throws IOException {
    real.delete(path);
    change(map -> map.remove(path));
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    real.rename(from, to);
    change(map -> map.put(to, map.remove(from)));
  }

  @Override
  public synchronized void syncDirectory(Path directory) {
    durableNames = new HashMap<>(names);
    unsyncedNames.clear();
  }

  private final class TrackedFile implements DiskFile {
    private final Path path;
    private final DiskFile file;
    private final Inode inode;

    TrackedFile(Path path, DiskFile file) {
      this.path = path;
      this.file = file;
      synchronized (PowerLossDisk.this) {
        this.inode = names.get(path);
      }
    }

    @Override
    public void write(ByteBuffer bytes, long position) throws IOException {
      byte[] copy = new byte[bytes.remaining()];
      bytes.get(bytes.position(), copy);
      file.write(bytes, position);
      synchronized (PowerLossDisk.this) {
        inode.unsynced.add(new Change(position, copy));
      }
    }

    @Override
    public int read(ByteBuffer to, long position) throws IOException {
      return file.read(to, position);
    }

    @Override
    public void sync(boolean metadata) throws IOException {
      synchronized (PowerLossDisk.this) {
        if (!metadata && inode.unsynced.stream().anyMatch(c -> c.bytes == null)) {
          throw new AssertionError("a truncation needs its metadata synced");
        }
        inode.durable = Files.readAllBytes(path);
        inode.unsynced.clear();
      }
    }

    @Override
    public void truncate(long sizeBytes) throws IOException {
      file.truncate(sizeBytes);
      synchronized (PowerLossDisk.this) {
        inode.unsynced.add(new Change(sizeBytes, null));
      }
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
