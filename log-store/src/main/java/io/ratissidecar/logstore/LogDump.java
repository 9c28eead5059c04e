package io.ratissidecar.logstore;

import io.ratissidecar.logstore.Disk.DiskFile;
import io.ratissidecar.statemachine.entry.Entry;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/**
 * Reads a stopped node's entries one after the other, straight from the segment files: opens
 * nothing for writing and takes no lock. For one thread.
 */
public final class LogDump implements Closeable {
  private final Disk disk = new LocalDisk();
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(RecordScanner.BUFFER_BYTES);
  private final List<Path> files;
  private final long from;
  private final long toInclusive;
  private int next;
  private Path path;
  private DiskFile file;
  private RecordScanner scanner;
  private long size;
  private long lastIndex;
  private long lastTerm;

  private LogDump(List<Path> files, long from, long toInclusive) {
    this.files = files;
    this.from = from;
    this.toInclusive = toInclusive;
  }

  /** Starts at index {@code from}; ends with {@code toInclusive} or the end of the log. */
  public static LogDump open(Path dir, long from, long toInclusive) throws IOException {
    return new LogDump(Recovery.segmentFiles(dir), from, toInclusive);
  }

  /**
   * The lowest index from which on nothing was dropped from the log in this directory; 1 as long as
   * nothing was.
   */
  public static long startIndex(Path dir) throws IOException {
    List<Path> files = Recovery.segmentFiles(dir);
    if (files.isEmpty()) {
      return 1;
    }
    try (DiskFile file = new LocalDisk().file(files.get(0))) {
      SegmentHeader header = Recovery.header(files.get(0), file, files.size() == 1);
      return header == null ? 1 : header.prevIndex() + 1;
    }
  }

  /**
   * The next entry, or null at the end; a torn tail is an end.
   *
   * @throws LogDamagedException where the log is damaged
   */
  public Entry next() throws IOException {
    while (scanner != null || openNext()) {
      if (scanner.next()) {
        lastIndex = scanner.index();
        lastTerm = scanner.term();
        if (lastIndex > toInclusive) {
          return null;
        }
        if (lastIndex >= from) {
          return scanner.entry();
        }
      } else {
        requireEnd(scanner.offset());
        close();
      }
    }
    return null;
  }

  /**
   * Writes the payloads of these entries as they are, which is what Redis calls an append-only
   * file.
   *
   * @return how many entries that were
   */
  public static long writePayloads(Path dir, long from, long toInclusive, OutputStream out)
      throws IOException {
    long count = 0;
    WritableByteChannel channel = Channels.newChannel(out); // the stream stays the caller's
    try (LogDump dump = open(dir, from, toInclusive)) {
      for (Entry e = dump.next(); e != null; e = dump.next()) {
        channel.write(e.payload());
        count++;
      }
    }
    return count;
  }

  /** One line about the entry, without its commands. */
  public static String describe(Entry entry) {
    return String.format(
        "index %d term %d type %s time %s seed %016x payload %d bytes",
        entry.index(),
        entry.term(),
        entry.header().type(),
        Instant.ofEpochMilli(entry.header().leaderTimeMillis()),
        entry.header().seed(),
        entry.header().payloadLength());
  }

  /** The entry's commands, one string each, quoted and escaped as redis-cli does. */
  public static List<String> commands(Entry entry) {
    return RespText.commands(entry.payload());
  }

  @Override
  public void close() throws IOException {
    scanner = null;
    if (file != null) {
      file.close();
      file = null;
    }
  }

  private boolean openNext() throws IOException {
    while (next < files.size()) {
      path = files.get(next++);
      boolean skipped = next < files.size() && Segment.nameOf(files.get(next)) <= from;
      if (skipped) {
        continue;
      }
      file = disk.file(path);
      SegmentHeader header = Recovery.header(path, file, next == files.size());
      if (header == null) {
        close();
        return false;
      }
      size = file.size();
      lastIndex = header.prevIndex();
      lastTerm = header.prevTerm();
      scanner = new RecordScanner(file, SegmentHeader.BYTES, size, buffer);
      return true;
    }
    return false;
  }

  /** Nothing, zeros or a torn tail may stand here. */
  private void requireEnd(long offset) throws IOException {
    SegmentScan rest =
        SegmentScan.run(path, file, offset, size, lastIndex, lastTerm, buffer, at -> {});
    SegmentScan.Broken broken = rest.broken();
    if (broken != null && (next < files.size() || broken.durable() > lastIndex)) {
      throw new LogDamagedException(path, broken.offset(), lastIndex + 1, broken.what());
    }
  }
}
