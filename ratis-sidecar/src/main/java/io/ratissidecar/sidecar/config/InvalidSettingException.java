package io.ratissidecar.sidecar.config;

/**
 * A setting has a value that it can't have; the message names the setting, the value and what is
 * allowed.
 */
public final class InvalidSettingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public InvalidSettingException(String message) {
    super(message);
  }
}
