package io.ratissidecar.logstore;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryLockTest {
  @TempDir private Path dir;

  @Test
  void when_somebody_has_the_directory_then_nobody_else_gets_it() throws IOException {
    DirectoryLock held = DirectoryLock.tryAcquire(dir).orElseThrow();
    assertTrue(DirectoryLock.tryAcquire(dir).isEmpty());
    assertTrue(DirectoryLock.tryShare(dir).isEmpty());
    held.close();
    DirectoryLock.tryAcquire(dir).orElseThrow().close();
  }

  @Test
  void when_a_reader_has_the_directory_then_nobody_gets_it_for_himself() throws IOException {
    DirectoryLock.tryAcquire(dir).orElseThrow().close();
    DirectoryLock held = DirectoryLock.tryShare(dir).orElseThrow();
    assertTrue(DirectoryLock.tryAcquire(dir).isEmpty());
    held.close();
  }

  @Test
  void when_nobody_ever_took_the_directory_then_a_reader_leaves_no_file_there() throws IOException {
    DirectoryLock.tryShare(dir).orElseThrow().close();
    assertFalse(Files.exists(dir.resolve("lock")));
  }
}
