/**
 * The command line: one class a command. {@code start} embeds the sidecar; the others are clients
 * of running nodes.
 */
package io.ratissidecar.cli;
