/**
 * RESP over Netty, both directions: the listener for clients, and pipelined connections to Redis
 * and to other nodes. Everything runs on the one front event loop.
 */
package io.ratissidecar.sidecar.resp;
