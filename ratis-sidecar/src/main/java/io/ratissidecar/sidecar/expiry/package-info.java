/**
 * Ends keys when their deadline has passed by the log's clock: by entries of the log, so that every
 * node does the same, and before anybody sees the key again. Everything here is confined to the
 * front loop.
 */
package io.ratissidecar.sidecar.expiry;
