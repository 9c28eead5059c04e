package io.ratissidecar.it;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A socket and nothing else: for what happens at the end of a connection. */
final class RawClient implements AutoCloseable {
  private final Socket socket;

  RawClient(Node node) throws IOException {
    this(node.port());
  }

  private RawClient(int port) throws IOException {
    socket = new Socket("127.0.0.1", port);
    socket.setSoTimeout(Node.CALL_MILLIS);
  }

  /** All that a node says to these bytes until it closes the connection. */
  static String untilClosed(Node node, String sent) throws IOException {
    return untilClosed(node.port(), sent);
  }

  /** All that whoever listens there says to these bytes until it closes the connection. */
  static String untilClosed(int port, String sent) throws IOException {
    try (RawClient client = new RawClient(port)) {
      client.send(sent);
      return client.readUntilClosed();
    }
  }

  void send(String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Sends nothing more, but goes on reading. */
  void endOutput() throws IOException {
    socket.shutdownOutput();
  }

  String readUntilClosed() throws IOException {
    return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
