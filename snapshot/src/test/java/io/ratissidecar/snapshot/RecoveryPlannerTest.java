package io.ratissidecar.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.apply.AppliedMarker;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RecoveryPlannerTest {
  private static final RecoveryPlanner.LogRange WHOLE_LOG =
      new RecoveryPlanner.LogRange("c", 1, 100, List.of());
  private static final RecoveryPlanner.LogRange CUT_LOG =
      new RecoveryPlanner.LogRange("c", 50, 100, List.of());

  private static Snapshot snapshot(String cluster, long term, long index) {
    return new Snapshot(
        Path.of("snapshot-" + index),
        new SnapshotManifest(cluster, term, index, List.of(), Instant.EPOCH, 10, "00", "7.0.15"));
  }

  private static RecoveryPlanner.LogRange cutLog(Snapshot... snapshots) {
    return new RecoveryPlanner.LogRange("c", 50, 100, List.of(snapshots));
  }

  private static RecoveryPlan plan(
      AppliedMarker marker, boolean empty, RecoveryPlanner.LogRange log) {
    return RecoveryPlanner.plan(Optional.ofNullable(marker), empty, false, log, index -> 3);
  }

  @Test
  void when_begin_and_end_agree_then_it_goes_on() {
    assertEquals(
        new RecoveryPlan.Continue(60), plan(new AppliedMarker("c", 60, 60, 3), false, WHOLE_LOG));
    assertEquals(
        new RecoveryPlan.Continue(49), plan(new AppliedMarker("c", 49, 49, 3), false, CUT_LOG));
  }

  @Test
  void when_an_entry_was_applied_in_part_then_it_reloads() {
    assertInstanceOf(
        RecoveryPlan.Reload.class, plan(new AppliedMarker("c", 61, 60, 3), false, WHOLE_LOG));
  }

  @Test
  void when_redis_is_empty_then_it_reloads() {
    assertInstanceOf(RecoveryPlan.Reload.class, plan(null, true, WHOLE_LOG));
  }

  @Test
  void when_redis_holds_foreign_data_then_nothing_is_touched() {
    assertInstanceOf(RecoveryPlan.Refuse.class, plan(null, false, WHOLE_LOG));
    assertInstanceOf(
        RecoveryPlan.Refuse.class, plan(new AppliedMarker("other", 5, 5, 1), false, WHOLE_LOG));
  }

  @Test
  void when_the_state_is_of_another_history_then_it_reloads() {
    assertInstanceOf(
        RecoveryPlan.Reload.class, plan(new AppliedMarker("c", 60, 60, 2), false, WHOLE_LOG));
    assertInstanceOf(
        RecoveryPlan.Reload.class, plan(new AppliedMarker("c", 101, 101, 3), false, WHOLE_LOG));
  }

  @Test
  void when_the_log_has_no_such_entry_then_it_reloads() {
    assertInstanceOf(
        RecoveryPlan.Reload.class,
        RecoveryPlanner.plan(
            Optional.of(new AppliedMarker("c", 60, 60, 3)), false, false, WHOLE_LOG, index -> -1));
    // Just before the log's start nothing can be known.
    assertInstanceOf(
        RecoveryPlan.Continue.class,
        RecoveryPlanner.plan(
            Optional.of(new AppliedMarker("c", 49, 49, 3)), false, false, CUT_LOG, index -> -1));
  }

  @Test
  void when_a_committed_command_was_missed_then_the_marker_is_not_believed() {
    assertInstanceOf(
        RecoveryPlan.Reload.class,
        RecoveryPlanner.plan(
            Optional.of(new AppliedMarker("c", 60, 60, 3)), false, true, WHOLE_LOG, index -> 3));
  }

  @Test
  void when_the_log_does_not_reach_back_then_it_says_what_to_do() {
    RecoveryPlan plan = plan(new AppliedMarker("c", 40, 40, 3), false, CUT_LOG);
    assertTrue(assertInstanceOf(RecoveryPlan.Refuse.class, plan).reason().contains("new id"));
  }

  @Test
  void when_it_reloads_then_from_the_snapshots_that_the_log_goes_on_from() {
    Snapshot newest = snapshot("c", 3, 80);
    Snapshot atStart = snapshot("c", 3, 49);
    RecoveryPlanner.LogRange log =
        cutLog(
            snapshot("c", 3, 101), newest, snapshot("other", 3, 60), atStart, snapshot("c", 3, 48));
    assertEquals(
        new RecoveryPlan.Reload("the local Redis is empty", List.of(newest, atStart), false),
        plan(null, true, log));
    assertTrue(
        assertInstanceOf(RecoveryPlan.Reload.class, plan(null, true, WHOLE_LOG)).logIsWhole());
  }

  @Test
  void when_a_snapshot_knows_another_term_then_it_reloads() {
    AppliedMarker marker = new AppliedMarker("c", 49, 49, 2);
    assertInstanceOf(RecoveryPlan.Reload.class, plan(marker, false, cutLog(snapshot("c", 3, 49))));
    assertEquals(new RecoveryPlan.Continue(49), plan(marker, false, cutLog(snapshot("c", 2, 49))));
  }
}
