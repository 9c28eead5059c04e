package io.ratissidecar.logstore;

/**
 * Figures of an open log, for operators.
 *
 * @param recentEntries entries that are kept in memory
 * @param recentBytes memory that they take, about
 * @param syncs how often a segment was synced since the log was opened
 * @param longestSyncMicros the longest of them, microseconds
 * @param averageSyncMicros their average, microseconds
 */
public record LogStatistics(
    int recentEntries,
    long recentBytes,
    long syncs,
    long longestSyncMicros,
    long averageSyncMicros) {}
