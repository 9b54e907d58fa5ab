import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';

const GB = 1024 ** 3;

/** What the figures were measured on and with. */
export function describeMachine(): Record<string, string> {
  return {
    processor: `${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${(totalmem() / GB).toFixed(0)} GB`,
    system: `${type()} ${release()}`,
    'load at the start': loadavg()[0]?.toFixed(2) ?? '',
    node: process.version,
    redis: /v=([\d.]+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1] ?? '',
    bullmq: versionOf('bullmq'),
    piscina: versionOf('piscina'),
    ioredis: versionOf('ioredis'),
    date: new Date().toISOString(),
  };
}

function versionOf(name: string): string {
  const file = join(import.meta.dirname, '..', '..', 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
