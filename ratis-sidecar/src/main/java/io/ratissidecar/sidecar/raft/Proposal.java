package io.ratissidecar.sidecar.raft;

import io.ratissidecar.statemachine.entry.EntryHeader;
import java.nio.ByteBuffer;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;

/** A batch on its way through Ratis's client interface, which only sees a message. */
record Proposal(Batch batch, EntryHeader header, ByteBuffer payload) implements Message {
  @Override
  public ByteString getContent() {
    return ByteString.EMPTY; // the state machine takes the parts by name
  }

  @Override
  public int size() {
    return payload.remaining();
  }
}
