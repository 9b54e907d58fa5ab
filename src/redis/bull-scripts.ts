import { createHash } from 'node:crypto';
import { isCluster, type RedisClient } from './connections.js';

/** BullMQ's scripts that are run as a part of one of ours. */
const WANTED = { moveToActive: 11, moveToFinished: 14, addStandardJob: 9 } as const;
type ScriptName = keyof typeof WANTED;

/** SHA-1 of the texts that we have read, of BullMQ 6.7.0: what they are given, what they answer, what they write. */
const KNOWN: Readonly<Record<ScriptName, string>> = {
  moveToActive: 'd96ca626f1ea141b44a856b312fc636d99aa9ea9',
  moveToFinished: '69666e69dd5621df59067a03de685e55a486560d',
  addStandardJob: '5ab432e88830d573e2fa33392ffbd4ad25a9b100',
};

/** Texts in Lua, and how many keys each is given. */
export type BullScripts = Readonly<Record<ScriptName, { source: string; keys: number }>>;

/** Why BullMQ's scripts are not run within one of ours. */
export class UnknownScriptsError extends Error {}

/**
 * The scripts that BullMQ has given to its connection, once that is ready.
 * @throws {UnknownScriptsError} when they are not those that we know, or their keys need not lie on one server
 */
export function bullScripts(client: RedisClient): BullScripts {
  if (isCluster(client)) throw new UnknownScriptsError('on Redis Cluster the keys lie in different slots');
  return {
    moveToActive: known(client, 'moveToActive'),
    moveToFinished: known(client, 'moveToFinished'),
    addStandardJob: known(client, 'addStandardJob'),
  };
}

function known(client: RedisClient, wanted: ScriptName): BullScripts[ScriptName] {
  const scripts = client.scriptsSet as Readonly<Record<string, { lua: string; numberOfKeys: number }>>;
  // BullMQ puts its version after the name.
  const found = Object.entries(scripts).find(([name]) => name.split(':')[0] === wanted);
  if (!found) throw new UnknownScriptsError(`BullMQ has no script ${wanted}`);
  const [name, { lua: source, numberOfKeys: keys }] = found;
  const sha1 = createHash('sha1').update(source).digest('hex');
  if (sha1 !== KNOWN[wanted] || keys !== WANTED[wanted])
    throw new UnknownScriptsError(`BullMQ's script ${name} is not the one that this version knows (${sha1})`);
  return { source, keys };
}
