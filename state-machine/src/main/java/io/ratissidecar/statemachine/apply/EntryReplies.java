package io.ratissidecar.statemachine.apply;

import io.netty.buffer.ByteBuf;
import java.util.List;

/** Who waits for the replies of one entry's commands, and in which protocol. */
public interface EntryReplies {
  /**
   * A stretch of the payload whose replies are wanted in one protocol.
   *
   * @param endOffset payload offset behind its last command
   * @param replies how many replies it causes
   * @param protocol 2 or 3
   */
  record Run(int endOffset, int replies, int protocol) {}

  /** The runs that make up the whole payload, in order. */
  List<Run> runs();

  /** One reply, in payload order; borrowed for the call. */
  void onReply(ByteBuf frame);

  /** The entry is applied whole and Redis has said so. */
  void onApplied();
}
