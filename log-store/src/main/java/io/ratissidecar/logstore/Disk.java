package io.ratissidecar.logstore;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** What the log asks of a file system; tests put faults here. */
interface Disk {
  /** A handle on a file; nothing is opened before it is used. */
  DiskFile file(Path path);

  /** Makes an empty file, which must not exist. */
  void create(Path path) throws IOException;

  void delete(Path path) throws IOException;

  /** Replaces {@code to}. */
  void rename(Path from, Path to) throws IOException;

  /** Names made, removed or changed in this directory before the call survive a power loss. */
  void syncDirectory(Path directory) throws IOException;

  /** One file. Reads may come from many threads, writes from one, a sync from another. */
  interface DiskFile extends Closeable {
    /** Writes all remaining bytes. After an exception any part of them may be in the file. */
    void write(ByteBuffer bytes, long position) throws IOException;

    /** Reads until the buffer is full or the file ends; returns the bytes read. */
    int read(ByteBuffer to, long position) throws IOException;

    /** Makes written bytes durable, and a truncation too when {@code metadata} is true. */
    void sync(boolean metadata) throws IOException;

    void truncate(long sizeBytes) throws IOException;

    long size() throws IOException;

    /** Gives the write handle back; a later write opens another. */
    void closeWriter() throws IOException;
  }
}
