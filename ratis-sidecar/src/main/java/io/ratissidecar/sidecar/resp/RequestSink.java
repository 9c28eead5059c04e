package io.ratissidecar.sidecar.resp;

import io.ratissidecar.statemachine.resp.Request;

/** Takes one client's requests, in order, on the front loop. */
public interface RequestSink {
  /**
   * @param request valid during the call only
   * @return false to get the same request again after {@link ClientConnection#resume}; nothing was
   *     done with it
   */
  boolean accept(Request request);

  /**
   * What came behind the last request is none; nothing more will be read.
   *
   * @param error with its code, the client's due behind the replies to what it sent before
   */
  void onProtocolError(String error);

  /**
   * The client has ended its side of the connection, and may still read.
   *
   * @param complete true when all of its requests were taken, which is said once; false when some
   *     are still held
   */
  void onInputEnd(boolean complete);

  /** The client is gone; called once. */
  void onClosed();

  /** The client reads (again) what is written to it, or does not. */
  void onWritable(boolean writable);
}
