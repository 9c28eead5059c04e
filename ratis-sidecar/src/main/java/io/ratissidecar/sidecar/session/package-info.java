/**
 * One client's conversation: its commands in order, its replies in order, its transaction, its own
 * connection to the local Redis or to the leader. Confined to the front loop.
 */
package io.ratissidecar.sidecar.session;
