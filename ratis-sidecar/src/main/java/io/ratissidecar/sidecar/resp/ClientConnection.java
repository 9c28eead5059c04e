package io.ratissidecar.sidecar.resp;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.ratissidecar.statemachine.resp.ProtocolException;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.RequestDecoder;
import io.ratissidecar.statemachine.resp.RespLimits;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client's socket: decodes requests and hands them on one by one, gathers replies and writes
 * them once per turn of the loop. Stops reading while its sink takes no more, or while the client
 * does not read its replies.
 */
public final class ClientConnection extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(ClientConnection.class);

  /** A larger reply is passed on as it is instead of being copied behind the others. */
  private static final int COPY_LIMIT_BYTES = 16 * 1024;

  /** How long a client may take to read its last replies. */
  private static final long LAST_REPLIES_MILLIS = 30_000;

  private final RequestDecoder decoder;
  private final Request request = new Request();
  private final long outputLimitBytes;
  private final BufferBudget budget;
  private final FrontLoop front;
  private final Channel channel;
  private RequestSink sink;
  private ByteBuf in;
  private ByteBuf out;
  private long budgetedBytes;
  private boolean flushScheduled;
  private boolean held;
  private boolean decoding;
  private boolean inputEnded;
  private boolean deaf;
  private boolean closing;

  ClientConnection(
      FrontLoop front,
      Channel channel,
      RespLimits limits,
      long outputLimitBytes,
      BufferBudget budget) {
    this.front = front;
    this.channel = channel;
    this.decoder = new RequestDecoder(limits);
    this.outputLimitBytes = outputLimitBytes;
    this.budget = budget;
  }

  void start(RequestSink newSink) {
    this.sink = newSink;
  }

  /** {@code host:port} of the client. */
  public String remoteAddress() {
    return address(channel.remoteAddress());
  }

  /** {@code host:port} that the client is connected to. */
  public String localAddress() {
    return address(channel.localAddress());
  }

  private static String address(Object address) {
    return address instanceof InetSocketAddress a
        ? a.getAddress().getHostAddress() + ":" + a.getPort()
        : String.valueOf(address);
  }

  /** Adds a reply; the frame is borrowed for the call. */
  public void write(ByteBuf frame) {
    if (closing || !channel.isActive()) {
      return;
    }
    int length = frame.readableBytes();
    if (length > COPY_LIMIT_BYTES) {
      writeGathered();
      channel.write(frame.retainedDuplicate(), channel.voidPromise());
    } else {
      output(length).writeBytes(frame, frame.readerIndex(), length);
    }
    scheduleFlush();
  }

  /** A buffer that goes to the client in this turn; for replies that are made here. */
  public ByteBuf output(int capacity) {
    if (out == null) {
      out = channel.alloc().buffer(Math.max(capacity, 512));
    }
    scheduleFlush();
    return out;
  }

  /** Goes on with requests after {@link RequestSink#accept} said no. */
  public void resume() {
    if (held) {
      held = false;
      decode();
    }
  }

  /** Whether requests may be as long as the settings allow, or only long enough to log in. */
  public void setAuthenticated(boolean yes) {
    decoder.setAuthenticated(yes);
  }

  /** Bytes received and not decoded, and bytes that the client has not read. */
  public long bufferedBytes() {
    return (in == null ? 0 : in.readableBytes()) + outputBytes();
  }

  private long outputBytes() {
    var pending = channel.unsafe().outboundBuffer();
    return (pending == null ? 0 : pending.totalPendingWriteBytes())
        + (out == null ? 0 : out.readableBytes());
  }

  /** Ends the connection at once. */
  public void close() {
    closing = true;
    channel.close();
  }

  /** Takes no more requests; what still comes is thrown away. */
  public void stopReading() {
    deaf = true;
    held = false;
    if (!decoding) {
      releaseInput();
      updateReading();
    }
  }

  /** Takes no more requests, writes what is left, then ends the connection. */
  public void closeAfterReplies() {
    if (closing) {
      return;
    }
    stopReading();
    writeGathered();
    closing = true;
    var written = channel.writeAndFlush(channel.alloc().buffer(0));
    written.addListener(ChannelFutureListener.CLOSE);
    if (!written.isDone()) {
      var patience = front.loop().schedule(this::close, LAST_REPLIES_MILLIS, TimeUnit.MILLISECONDS);
      channel.closeFuture().addListener(closed -> patience.cancel(false));
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) {
    ByteBuf bytes = (ByteBuf) msg;
    if (deaf || closing) {
      bytes.release();
      return;
    }
    in = in == null ? bytes : ByteToMessageDecoder.MERGE_CUMULATOR.cumulate(ctx.alloc(), in, bytes);
    decode();
    if (isOverBudget() && !closing) {
      cut();
    }
  }

  private void decode() {
    if (decoding) {
      return; // a reply resumed us while a request was handled: the loop below goes on anyway
    }
    decoding = true;
    try {
      while (takesRequests() && in != null) {
        // Taken before decoding: an inline request has offsets into a buffer of its own.
        int start = in.readerIndex();
        if (!decoder.decode(in, request)) {
          break;
        }
        if (!sink.accept(request)) {
          in.readerIndex(start);
          held = true;
        }
      }
    } catch (ProtocolException e) {
      deaf = true;
      sink.onProtocolError("ERR " + e.getMessage());
    } finally {
      decoding = false;
    }
    if (deaf || !channel.isActive() || (in != null && !in.isReadable())) {
      releaseInput();
    }
    if (inputEnded && takesRequests()) { // so whatever is left is no whole request
      stopReading();
      sink.onInputEnd(true);
    }
    updateReading();
  }

  private boolean takesRequests() {
    return !held && !deaf && !closing && channel.isWritable();
  }

  private void releaseInput() {
    if (in != null) {
      in.release();
      in = null;
    }
  }

  private void updateReading() {
    if (inputEnded || !channel.isActive()) {
      return;
    }
    boolean reading = !held && channel.isWritable();
    if (channel.config().isAutoRead() != reading) {
      channel.config().setAutoRead(reading);
    }
  }

  private void scheduleFlush() {
    if (!flushScheduled) {
      flushScheduled = true;
      front.loop().execute(this::flush);
    }
  }

  private void flush() {
    flushScheduled = false;
    if (!channel.isActive()) {
      releaseOutput();
      return;
    }
    writeGathered();
    channel.flush();
    boolean overBudget = isOverBudget();
    if (overBudget || outputBytes() > outputLimitBytes) {
      cut();
    }
  }

  /**
   * Counts the buffers of this client. The little that waits for one that reads is left out, since
   * nothing tells when it has gone.
   */
  private boolean isOverBudget() {
    long before = budgetedBytes;
    budgetedBytes = (in == null ? 0 : in.capacity()) + (channel.isWritable() ? 0 : outputBytes());
    return budget.changed(before, budgetedBytes);
  }

  private void cut() {
    LOG.warn(
        "Client {} closed: {} bytes of its requests and {} bytes of replies to it wait"
            + " (output-buffer-bytes is {}, all clients together have {})",
        remoteAddress(),
        in == null ? 0 : in.readableBytes(),
        outputBytes(),
        outputLimitBytes,
        budget.limitBytes());
    close();
  }

  private void writeGathered() {
    if (out != null) {
      channel.write(out, channel.voidPromise());
      out = null;
    }
  }

  private void releaseOutput() {
    if (out != null) {
      out.release();
      out = null;
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    updateReading();
    sink.onWritable(channel.isWritable());
    if (channel.isWritable()) {
      isOverBudget(); // less than before
      decode(); // what came while the client did not read its replies
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event == ChannelInputShutdownEvent.INSTANCE && !inputEnded) {
      inputEnded = true;
      decode();
      if (!deaf && !closing) {
        sink.onInputEnd(false);
      }
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    closing = true;
    budget.changed(budgetedBytes, 0);
    budgetedBytes = 0;
    if (!decoding) {
      releaseInput();
    }
    releaseOutput();
    sink.onClosed();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (!(cause instanceof IOException)) {
      LOG.error("Client {} closed after an internal error", remoteAddress(), cause);
    }
    ctx.close();
  }
}
