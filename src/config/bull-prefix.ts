import type { Settings } from './settings.js';

/**
 * BullMQ's own key prefix: `bull`, as every BullMQ producer has it, after ours. BullMQ's scripts
 * touch many keys of a queue, so on Redis Cluster the prefix is a hash tag: `{bull}`; producers
 * there must name the same.
 */
export function bullPrefix({ KEY_PREFIX, REDIS_URL }: Pick<Settings, 'KEY_PREFIX' | 'REDIS_URL'>): string {
  const prefix = `${KEY_PREFIX}bull`;
  const cluster = REDIS_URL?.includes('+cluster:') ?? false;
  return cluster && !/\{[^}]+\}/.test(prefix) ? `{${prefix}}` : prefix;
}
