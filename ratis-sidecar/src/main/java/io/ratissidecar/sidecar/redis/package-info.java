/**
 * The local Redis: keeping a managed one alive, checking the settings of any, bringing its data to
 * the log, and the connection on which entries are applied. The only place that knows Lettuce,
 * which carries the control commands; entries and client traffic go over raw connections of the
 * front loop.
 */
package io.ratissidecar.sidecar.redis;
