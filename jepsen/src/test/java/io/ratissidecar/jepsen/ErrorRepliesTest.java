package io.ratissidecar.jepsen;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ErrorRepliesTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "MOVED 0 127.0.0.1:7001",
        "CLUSTERDOWN No Raft leader",
        "NOTLEADER Failed to proxy command",
        "NOCLUSTER No Raft Cluster",
        "ERR unknown command 'x', with args beginning with: ",
        "EXECABORT Transaction discarded because of previous errors.",
        "TIMEOUT no quorum for read"
      })
  void when_nothing_happened_then_definite(String error) {
    assertEquals(Outcome.FAIL, ErrorReplies.classify(error));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "TIMEOUT no result yet; the command may or may not take effect",
        "TIMEOUT the command took effect, but its reply was lost",
        "TIMEOUT no reply from leader",
        "UNHEARDOF of",
        "nonsense",
        ""
      })
  void when_it_is_not_known_then_indeterminate(String error) {
    assertEquals(Outcome.INFO, ErrorReplies.classify(error));
  }

  @Test
  void when_the_connection_is_lost_then_only_a_read_is_definite() {
    assertEquals(Outcome.FAIL, ErrorReplies.connectionLost(Operation.Kind.READ));
    assertEquals(Outcome.INFO, ErrorReplies.connectionLost(Operation.Kind.INCREMENT));
  }
}
