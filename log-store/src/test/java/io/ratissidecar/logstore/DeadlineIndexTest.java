package io.ratissidecar.logstore;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeadlineIndexTest {
  @TempDir Path dir;
  private DeadlineIndex index;

  @BeforeEach
  void open() throws IOException {
    index = DeadlineIndex.create(dir.resolve("index"));
  }

  @AfterEach
  void close() {
    index.close();
  }

  private void add(int database, String key, long deadline) throws IOException {
    index.add(database, key.getBytes(UTF_8), deadline);
  }

  private List<String> take(long upTo, int most) throws IOException {
    List<String> taken = new ArrayList<>();
    index.takeUpTo(
        upTo, most, (db, key, at) -> taken.add(at + " " + db + " " + new String(key, UTF_8)));
    return taken;
  }

  @Test
  void takes_by_deadline_what_is_due_and_leaves_the_rest() throws IOException {
    assertEquals(DeadlineIndex.NONE, index.earliestMillis());
    add(0, "c", 300);
    add(1, "b", 200);
    add(0, "", 100);
    add(0, "before 1970", -5);
    assertEquals(-5, index.earliestMillis());
    assertEquals(List.of("-5 0 before 1970", "100 0 "), take(199, 10));
    assertEquals(200, index.earliestMillis());
    assertEquals(List.of(), take(199, 10));
    assertEquals(List.of("200 1 b"), take(200, 10));
    assertEquals(300, index.earliestMillis());
    assertEquals(List.of("300 0 c"), take(Long.MAX_VALUE, 10));
    assertEquals(DeadlineIndex.NONE, index.earliestMillis());
  }

  @Test
  void when_one_comes_that_is_before_what_was_taken_then_it_is_taken_too() throws IOException {
    add(0, "b", 200);
    add(0, "d", 400);
    take(200, 10);
    add(0, "a", 100);
    assertEquals(100, index.earliestMillis());
    assertEquals(List.of("100 0 a"), take(300, 10));
    assertEquals(400, index.earliestMillis());
  }

  @Test
  void takes_no_more_than_it_is_asked_for() throws IOException {
    for (int i = 0; i < 10; i++) {
      add(0, "k" + i, i);
    }
    assertEquals(4, take(100, 4).size());
    assertEquals(4, index.earliestMillis());
    assertEquals(6, take(100, 10).size());
  }

  @Test
  void when_cleared_or_made_anew_then_it_is_empty() throws IOException {
    add(0, "k", 5);
    assertTrue(index.contains(0, "k".getBytes(UTF_8), 5));
    assertFalse(index.contains(0, "k".getBytes(UTF_8), 6));
    index.clear();
    assertFalse(index.contains(0, "k".getBytes(UTF_8), 5));
    assertEquals(List.of(), take(Long.MAX_VALUE, 10));
    add(0, "k", 7);
    assertEquals(7, index.earliestMillis());
    index.close();
    open();
    assertEquals(DeadlineIndex.NONE, index.earliestMillis());
    assertEquals(List.of(), take(Long.MAX_VALUE, 10));
  }

  @Test
  void behaves_like_a_sorted_set() throws IOException {
    long seed = Long.getLong("seed", new Random().nextLong());
    Random random = new Random(seed);
    TreeSet<Long> model = new TreeSet<>();
    for (int i = 0; i < 20_000; i++) {
      if (random.nextInt(10) > 0) {
        long deadline = random.nextInt(100_000) - 1000L;
        add(0, "k", deadline);
        model.add(deadline);
      } else {
        long upTo = random.nextInt(100_000) - 1000L;
        int most = random.nextInt(50);
        List<String> expected = new ArrayList<>();
        while (expected.size() < most && !model.isEmpty() && model.first() <= upTo) {
          expected.add(model.pollFirst() + " 0 k");
        }
        assertEquals(expected, take(upTo, most), "seed " + seed);
        long earliest = model.isEmpty() ? DeadlineIndex.NONE : model.first();
        assertEquals(earliest, index.earliestMillis(), "seed " + seed);
      }
    }
  }
}
