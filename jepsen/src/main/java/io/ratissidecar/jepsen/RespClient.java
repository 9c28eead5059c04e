package io.ratissidecar.jepsen;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A plain client over one socket: what is sent, and when, is up to the caller. For one thread. */
public final class RespClient implements Closeable {
  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;

  public RespClient(String host, int port, int timeoutMillis) throws IOException {
    socket = new Socket();
    try {
      socket.connect(new InetSocketAddress(host, port), timeoutMillis);
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(timeoutMillis);
      in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
      out = socket.getOutputStream();
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  /**
   * @param address {@code host:port}
   */
  public static RespClient to(String address, int timeoutMillis) throws IOException {
    int colon = address.lastIndexOf(':');
    return new RespClient(
        address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)), timeoutMillis);
  }

  /** Sends one command and reads one reply. */
  public Reply call(String... words) throws IOException {
    send(words);
    return read();
  }

  public void send(String... words) throws IOException {
    sendRaw(encode(words));
  }

  public void sendRaw(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  public static byte[] encode(String... words) {
    byte[][] arguments = new byte[words.length][];
    for (int i = 0; i < words.length; i++) {
      arguments[i] = words[i].getBytes(StandardCharsets.UTF_8);
    }
    return encode(arguments);
  }

  public static byte[] encode(byte[]... arguments) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(("*" + arguments.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
    for (byte[] argument : arguments) {
      bytes.writeBytes(("$" + argument.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
      bytes.writeBytes(argument);
      bytes.write('\r');
      bytes.write('\n');
    }
    return bytes.toByteArray();
  }

  /**
   * Reads one reply.
   *
   * @throws EOFException when the other side has closed the connection
   */
  public Reply read() throws IOException {
    String line = line();
    if (line.isEmpty()) {
      throw new IOException("an empty line instead of a reply");
    }
    char type = line.charAt(0);
    String rest = line.substring(1);
    switch (type) {
      case '$', '=', '!' -> {
        int length = Integer.parseInt(rest);
        return new Reply(type, length < 0 ? null : body(length), null);
      }
      case '*', '%', '~', '>', '|' -> {
        int count = Integer.parseInt(rest);
        return new Reply(type, null, count < 0 ? null : elements(type, count));
      }
      case '_' -> {
        return new Reply(type, null, null);
      }
      case '+', '-', ':', ',', '#', '(' -> {
        return new Reply(type, rest.getBytes(StandardCharsets.ISO_8859_1), null);
      }
      default -> throw new IOException("not a reply: " + line);
    }
  }

  private List<Reply> elements(char type, int count) throws IOException {
    int size = type == '%' || type == '|' ? 2 * count : count;
    List<Reply> elements = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      elements.add(read());
    }
    return elements;
  }

  private byte[] body(int length) throws IOException {
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length || in.read() != '\r' || in.read() != '\n') {
      throw new EOFException("connection ended within a reply");
    }
    return bytes;
  }

  private String line() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    while (true) {
      int b = in.read();
      if (b < 0) {
        throw new EOFException("connection closed by the other side");
      }
      if (b == '\r') {
        if (in.read() != '\n') {
          throw new IOException("a line that ends with a carriage return alone");
        }
        return bytes.toString(StandardCharsets.ISO_8859_1);
      }
      bytes.write(b);
    }
  }

  public void setTimeoutMillis(int millis) throws IOException {
    socket.setSoTimeout(millis);
  }

  /** Has the kernel send and receive as little as possible ahead; before anything is sent. */
  public void useSmallBuffers() throws IOException {
    socket.setReceiveBufferSize(4096);
    socket.setSendBufferSize(4096);
  }

  /** {@code host:port} of this end. */
  public String localAddress() {
    return socket.getLocalAddress().getHostAddress() + ":" + socket.getLocalPort();
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      // It is gone either way.
    }
  }
}
