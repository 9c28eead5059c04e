package io.ratissidecar.jepsen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RegisterCheckerTest {
  private static boolean valid(Operation... ops) {
    return RegisterChecker.check(List.of(ops), null).isValid();
  }

  @Test
  void when_reads_see_the_last_write_then_valid() {
    assertTrue(
        valid(
            Ops.read(null, 0, 1), Ops.write("a", 2, 3), Ops.read("a", 4, 5), Ops.write("b", 6, 7)));
  }

  @Test
  void when_a_read_is_stale_then_found() {
    assertFalse(valid(Ops.write("a", 0, 1), Ops.write("b", 2, 3), Ops.read("a", 4, 5)));
  }

  @Test
  void when_a_write_is_lost_then_found() {
    assertFalse(valid(Ops.write("a", 0, 1), Ops.read(null, 2, 3)));
  }

  @Test
  void when_a_read_is_concurrent_with_a_write_then_either_value_is_valid() {
    assertTrue(valid(Ops.write("a", 0, 1), Ops.write("b", 2, 9), Ops.read("a", 3, 4)));
    assertTrue(valid(Ops.write("a", 0, 1), Ops.write("b", 2, 9), Ops.read("b", 3, 4)));
  }

  @Test
  void when_a_value_is_seen_and_then_the_former_one_then_found() {
    assertFalse(
        valid(
            Ops.write("a", 0, 1), Ops.write("b", 2, 9), Ops.read("b", 3, 4), Ops.read("a", 5, 6)));
  }

  @Test
  void when_an_indeterminate_write_shows_late_then_valid() {
    Operation lost = Ops.info(Operation.Kind.WRITE, "b", 2);
    assertTrue(valid(Ops.write("a", 0, 1), lost, Ops.read("a", 3, 4), Ops.read("b", 50, 60)));
    assertTrue(valid(Ops.write("a", 0, 1), lost, Ops.read("a", 3, 4), Ops.read("a", 50, 60)));
  }

  @Test
  void when_an_indeterminate_write_shows_twice_then_found() {
    Operation lost = Ops.info(Operation.Kind.WRITE, "b", 2);
    assertFalse(
        valid(
            Ops.write("a", 0, 1),
            lost,
            Ops.read("b", 3, 4),
            Ops.write("c", 5, 6),
            Ops.read("c", 7, 8),
            Ops.read("b", 50, 60)));
  }

  @Test
  void when_a_write_shows_before_it_began_then_found() {
    assertFalse(valid(Ops.read("a", 0, 1), Ops.write("a", 2, 3)));
  }

  @Test
  void when_a_failed_write_is_seen_then_found() {
    assertFalse(valid(Ops.fail(Operation.Kind.WRITE, "a", 0, 1), Ops.read("a", 2, 3)));
  }

  @Test
  void when_two_readers_disagree_on_the_order_of_writes_then_found() {
    assertFalse(
        valid(
            Ops.write("a", 0, 100),
            Ops.write("b", 0, 100),
            Ops.read("a", 1, 2),
            Ops.read("b", 3, 4),
            Ops.read("a", 5, 6)));
  }

  @Test
  void when_a_long_history_of_a_real_register_then_valid_until_one_read_is_changed() {
    long seed = Long.getLong("seed", System.nanoTime());
    List<Operation> ops = atomicRegister(new Random(seed), 20_000);
    assertEquals(List.of(), RegisterChecker.check(ops, null).problems(), "-Dseed=" + seed);
    List<Operation> changed = new ArrayList<>(ops);
    for (int i = changed.size() - 1; i >= 0; i--) {
      Operation o = changed.get(i);
      if (o.kind() == Operation.Kind.READ) {
        changed.set(i, Ops.read("never written", o.invokedNanos(), o.completedNanos()));
        break;
      }
    }
    assertFalse(RegisterChecker.check(changed, null).isValid(), "-Dseed=" + seed);
  }

  /** Eight clients; each operation takes effect at a random moment within its time. */
  private static List<Operation> atomicRegister(Random random, int count) {
    record Planned(long begin, long effect, long end, boolean read, int number) {}
    List<Planned> planned = new ArrayList<>();
    long[] free = new long[8];
    for (int i = 0; i < count; i++) {
      int client = i % free.length;
      long begin = free[client] + random.nextInt(20);
      long effect = begin + 1 + random.nextInt(30);
      long end = effect + 1 + random.nextInt(30);
      free[client] = end + 1;
      planned.add(new Planned(begin, effect, end, random.nextBoolean(), i));
    }
    planned.sort((a, b) -> Long.compare(a.effect, b.effect));
    String value = null;
    List<Operation> ops = new ArrayList<>();
    for (Planned p : planned) {
      if (p.read) {
        ops.add(Ops.read(value, p.begin, p.end));
        continue;
      }
      value = "v" + p.number;
      ops.add(
          p.number % 500 == 0
              ? Ops.info(Operation.Kind.WRITE, value, p.begin)
              : Ops.write(value, p.begin, p.end));
    }
    return ops;
  }
}
