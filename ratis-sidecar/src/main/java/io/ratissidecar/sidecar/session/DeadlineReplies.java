package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.statemachine.command.DeadlineReply;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespValue;

/** Makes the replies that users get of the deadlines that Redis keeps. */
final class DeadlineReplies {
  private DeadlineReplies() {}

  /** Changes one reply. */
  static LocalRedisLane.Transform of(DeadlineReply kind, Services services) {
    return (reply, out) -> {
      long stored = RespValue.parse(reply.slice()).asLong();
      long value = kind.of(stored, services.clockMillis(), System.currentTimeMillis());
      Resp.writeInteger(out, value);
    };
  }

  /** The slot, but it gets replies changed; errors as they are. */
  static ReplyReceiver changed(Slot slot, LocalRedisLane.Transform transform) {
    return new ReplyReceiver() {
      @Override
      public void reply(ByteBuf frame) {
        if (frame.getByte(frame.readerIndex()) == '-') {
          slot.reply(frame);
        } else {
          slot.reply(out -> transform.apply(frame, out));
        }
      }

      @Override
      public void failed(Failure failure) {
        slot.failed(failure);
      }
    };
  }
}
