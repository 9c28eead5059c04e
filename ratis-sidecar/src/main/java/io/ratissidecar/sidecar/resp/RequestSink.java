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

  /** The client is gone; called once. */
  void onClosed();

  /** The client reads (again) what is written to it, or does not. */
  void onWritable(boolean writable);
}
