/** What the commands share: talking to nodes, waiting, and printing. */
package io.ratissidecar.cli.client;
