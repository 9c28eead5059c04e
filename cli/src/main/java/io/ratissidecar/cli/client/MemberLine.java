package io.ratissidecar.cli.client;

import io.ratissidecar.statemachine.resp.RespValue;
import java.util.List;

/**
 * One member, as {@code RAFT.NODE LIST} tells it.
 *
 * @param leads whether the node that was asked takes it for the leader
 */
public record MemberLine(int id, String address, boolean voter, boolean leads) {
  static MemberLine parse(RespValue line) {
    List<RespValue> fields = line.asList();
    return new MemberLine(
        (int) fields.get(0).asLong(),
        fields.get(1).asString(),
        fields.get(2).asString().equals("voter"),
        fields.get(3).asString().equals("leader"));
  }
}
