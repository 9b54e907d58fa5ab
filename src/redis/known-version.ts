import type { Cluster, Redis } from 'ioredis';

type Done = (error: Error | null, info?: string) => void;

/**
 * Has a client answer INFO also where the ACL of Redis keeps that from its user, as `-@dangerous` does: then with the version alone, which HELLO
 * has for every user. BullMQ asks for it before anything else, and a connection of its that got no answer never serves again; ioredis
 * asks on each connect, and prints a warning past the log.
 */
export function answerInfo(client: Redis | Cluster): void {
  const ask = client.info.bind(client) as (...args: string[]) => Promise<string>;
  client.info = ((...args: (string | Done)[]) => {
    const sections = args.filter((arg): arg is string => typeof arg === 'string');
    const answer = ask(...sections).catch((error: unknown) => {
      if (isRefused(error)) return versionOf(client);
      throw error;
    });
    const done = args.at(-1);
    if (typeof done === 'function')
      answer.then(
        (info) => done(null, info),
        (error: unknown) => done(error as Error),
      );
    return answer;
  }) as typeof client.info;
}

const isRefused = (error: unknown): boolean => error instanceof Error && error.message.startsWith('NOPERM');

/** As INFO has it. */
async function versionOf(client: Redis | Cluster): Promise<string> {
  const fields = (await client.call('HELLO')) as unknown[];
  const at = fields.indexOf('version');
  return `redis_version:${String(fields[at + 1])}\r\n`;
}
