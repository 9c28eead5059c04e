package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Transactions that grow on their way into the log. */
@ExtendWith(PrintLogsOnFailure.class)
class TransactionLimitIT {
  @Test
  void when_expiries_make_a_transaction_too_long_then_it_is_refused_and_nothing_happens()
      throws IOException {
    try (TestCluster cluster =
            TestCluster.of(1, "--max-entry-bytes", "1024", "--batch-bytes", "1024");
        RespClient client = cluster.node(0).client()) {
      client.call("RAFT", "MULTI");
      for (int i = 0; i < 23; i++) {
        assertEquals("QUEUED", client.call("RAFT", "SET", "k", "" + i, "EX", "9").text());
      }
      String refusal = client.call("RAFT", "EXEC").text();
      assertTrue(refusal.contains("max-entry-bytes (1024)"), refusal);
      assertEquals("0", client.call("RAFT", "EXISTS", "k").text());
      assertEquals("OK", client.call("RAFT", "SET", "k", "1").text());
    }
  }
}
