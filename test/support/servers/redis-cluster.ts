import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../until.js';
import { dataArgs, freePorts, RedisProcess } from './redis-process.js';

const NODE_TIMEOUT_MS = 3_000;
/** A node talks to the others on its port and this much. */
const BUS_OFFSET = 10_000;

/** One line of CLUSTER NODES. */
interface Node {
  port: number;
  isPrimary: boolean;
  isWell: boolean;
  /** Ranges of slots that it holds. */
  slots: [first: number, last: number][];
}

/** Three primaries with a replica each, which takes over when its primary has been silent for 3 s. */
export class RedisClusterGroup {
  private folder = '';
  private nodes: RedisProcess[] = [];

  get url(): string {
    return `redis+cluster://${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  async start(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'bifrost-test-cluster-'));
    for (const port of await freePorts(6)) {
      const dir = join(this.folder, String(port));
      await mkdir(dir);
      // The port of the bus of a high port would be none.
      const bus = port + BUS_OFFSET > 65_535 ? port - BUS_OFFSET : port + BUS_OFFSET;
      const cluster = ['--cluster-enabled', 'yes', '--cluster-port', String(bus)];
      const timing = ['--cluster-node-timeout', String(NODE_TIMEOUT_MS)];
      this.nodes.push(new RedisProcess(port, [...dataArgs(port, dir), ...cluster, ...timing]));
    }
    await Promise.all(this.nodes.map((node) => node.start()));
    const hosts = this.nodes.map(({ port }) => `127.0.0.1:${port}`);
    const create = ['--cluster', 'create', ...hosts, '--cluster-replicas', '1', '--cluster-yes'];
    execFileSync('redis-cli', create, { stdio: 'ignore' });
    await this.untilWhole();
  }

  /** As of {@link RedisSentinel}: the primary that holds this slot fails. */
  async failPrimary(
    how: 'freeze' | 'kill',
    slot: number,
  ): Promise<{ old: RedisProcess; promotedAtMs: number }> {
    const old = await this.holderOf(slot);
    if (how === 'freeze') old.freeze();
    else await old.kill9();
    const witness = this.nodes.find((node) => node !== old);
    await until(async () => (await this.holderOf(slot, witness)) !== old, {
      what: 'a replica has taken the slots over',
    });
    return { old, promotedAtMs: Date.now() };
  }

  /** Brings the old primary back, which becomes a replica, and waits until every primary has one. */
  async restore(old: RedisProcess, how: 'freeze' | 'kill'): Promise<void> {
    if (how === 'freeze') old.thaw();
    else await old.start();
    await this.untilWhole();
  }

  async dispose(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.dispose()));
    if (this.folder) await rm(this.folder, { recursive: true, force: true });
  }

  private async holderOf(slot: number, witness = this.nodes[0]): Promise<RedisProcess> {
    const holder = (await nodesSeenBy(witness!)).find(
      ({ isPrimary, isWell, slots }) =>
        isPrimary && isWell && slots.some(([first, last]) => slot >= first && slot <= last),
    );
    const found = this.nodes.find(({ port }) => port === holder?.port);
    if (!found) throw new Error(`nobody holds the slot ${slot}`);
    return found;
  }

  private async untilWhole(): Promise<void> {
    await until(
      async () => {
        const infos = await Promise.all(this.nodes.map((node) => node.ask('CLUSTER', 'INFO')));
        const links = await Promise.all(this.nodes.map((node) => node.ask('INFO', 'replication')));
        const replicas = links.map(String).filter((info) => info.includes('master_link_status:up'));
        const seen = await Promise.all(this.nodes.map((node) => nodesSeenBy(node)));
        // A primary that has just come back may still take itself for one.
        const views = new Set(seen.map((nodes) => rolesIn(nodes)));
        return (
          views.size === 1 &&
          infos.every((info) => String(info).includes('cluster_state:ok')) &&
          replicas.length === 3 &&
          seen.every((nodes) => nodes.every(({ isWell }) => isWell))
        );
      },
      { what: 'every primary of the Cluster has its replica' },
    );
  }
}

/** Which node holds which slots. */
const rolesIn = (nodes: readonly Node[]): string =>
  JSON.stringify(
    nodes.map(({ port, slots }) => [port, slots]).toSorted(([one], [other]) => Number(one) - Number(other)),
  );

async function nodesSeenBy(node: RedisProcess): Promise<Node[]> {
  const text = String(await node.ask('CLUSTER', 'NODES'));
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [, address = '', flags = '', , , , , link, ...slots] = line.split(' ');
      return {
        port: Number(/:(\d+)/.exec(address)?.[1]),
        isPrimary: flags.includes('master'),
        isWell: !flags.includes('fail') && (link === 'connected' || flags.includes('myself')),
        slots: slots
          .filter((range) => /^\d/.test(range))
          .map((range) => {
            const [first = 0, last = first] = range.split('-').map(Number);
            return [first, last] as [number, number];
          }),
      };
    });
}
