package io.ratissidecar.sidecar.redis;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.apply.IgnoredReplies;
import io.ratissidecar.statemachine.apply.RedisPort;
import io.ratissidecar.statemachine.apply.ReplySink;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespValue;
import io.ratissidecar.statemachine.script.Script;
import io.ratissidecar.statemachine.script.ScriptCommands;

/**
 * Makes a Redis know the scripts that its data holds: it forgets them when it ends, and an RDB does
 * not bring them.
 */
final class ScriptLoader {
  private ScriptLoader() {}

  /**
   * Loads them all, on the front loop.
   *
   * @param port a fresh connection, on which entries will be applied
   * @param onLoaded called when the connection has been sent all; never if it is lost before
   */
  static void load(RedisPort port, int reservedDatabase, Runnable onLoaded) {
    ByteBuf ask = Unpooled.buffer(96);
    Resp.command(ask, "SELECT", Integer.toString(reservedDatabase));
    Resp.command(ask, "HVALS", ScriptCommands.KEY);
    port.send(
        ask,
        2,
        new ReplySink() {
          private boolean selected;

          @Override
          public void onReply(ByteBuf frame) {
            if (!selected) {
              selected = true;
              return;
            }
            RespValue scripts = RespValue.parse(frame.duplicate());
            if (scripts instanceof RespValue.Array array) {
              array.elements().forEach(script -> send(port, script));
            }
            onLoaded.run();
          }

          @Override
          public void onLost() {
            // The owner of the connection hears of it.
          }
        });
  }

  private static void send(RedisPort port, RespValue wrapped) {
    Script script = Script.ofWrapped(((RespValue.Bulk) wrapped).bytes());
    ByteBuf load = Unpooled.buffer(script.wrapped().length + 64);
    Resp.command(load, ScriptCommands.load(script));
    port.send(load, 1, IgnoredReplies.INSTANCE);
  }
}
