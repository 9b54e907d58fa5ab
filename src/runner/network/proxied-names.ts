/**
 * `node:dns` of a runner without a network: the worker answers what addresses a name has. All that asks a server
 * of names for something else is refused.
 */
import { isIP } from 'node:net';
import { syncBuiltinESMExports } from 'node:module';
import { ADDRESSES_LIMIT, NETWORK_REFUSED } from '../../boundary/network-protocol.js';
import { builtinModule } from '../channel/primordials.js';

/** Asks the worker; rejects with a `code`. */
export type AskAddresses = (host: string) => Promise<string[]>;

type Callback = (error: Error | null, ...results: unknown[]) => void;
type Call = (...args: unknown[]) => unknown;
type Names = Record<string, unknown> & { promises: Record<string, unknown> };

interface LookupOptions {
  family?: number | string;
  all?: boolean;
  order?: string;
  verbatim?: boolean;
}

interface NamedAddress {
  address: string;
  family: number;
}

const IPV4 = 4;
const IPV6 = 6;
/** Methods that ask for records of this kind, by name; the second also where no kind is named. */
const RECORDS: Readonly<Record<string, number>> = { resolve4: IPV4, resolve6: IPV6 };
const KINDS: Readonly<Record<string, number>> = { A: IPV4, AAAA: IPV6 };
/** Makes Node check the other arguments of a call without a question to any server. */
const NO_QUESTION = '127.0.0.1';

/** Has the functions of `node:dns` and `node:dns/promises` ask the worker. */
export function bridgeNames(ask: AskAddresses): void {
  const dns = builtinModule('node:dns') as Names;
  const { promises } = dns;
  const lookup = dns['lookup'] as Call;
  const defaultOrder = dns['getDefaultResultOrder'] as () => string;
  const promisedLookup = promises['lookup'] as Call;

  const found = async (host: string, options: LookupOptions): Promise<NamedAddress[]> => {
    const wanted = familyOf(options.family);
    const all = (await ask(host)).map((address) => ({ address, family: isIP(address) }));
    const kept = all.filter(({ family }) => wanted === 0 || family === wanted);
    if (kept.length === 0) throw notFound('getaddrinfo', host);
    const order = options.order ?? (options.verbatim === false ? 'ipv4first' : defaultOrder());
    return ordered(kept, order);
  };
  const records = async (name: string, family: number, given: unknown): Promise<unknown[]> => {
    const addresses = (await ask(name)).filter((address) => isIP(address) === family);
    if (addresses.length === 0) throw notFound(family === IPV4 ? 'queryA' : 'queryAaaa', name);
    const withTtl = (given as { ttl?: boolean } | undefined)?.ttl === true;
    return withTtl ? addresses.map((address) => ({ address, ttl: 0 })) : addresses;
  };

  replace(dns, 'lookup', (host, ...rest) => {
    const done = rest.at(-1) as Callback;
    if (!isQuestion(host)) return lookup(host, ...rest);
    lookup(NO_QUESTION, ...rest.slice(0, -1), typeof done === 'function' ? () => undefined : done);
    const options = optionsOf(rest.length > 1 ? rest[0] : undefined);
    answer(found(host, options), done, (all) =>
      options.all ? [all] : [(all[0] as NamedAddress).address, (all[0] as NamedAddress).family],
    );
    return {};
  });
  replace(promises, 'lookup', async (host, given) => {
    if (!isQuestion(host)) return promisedLookup(host, given);
    await promisedLookup(NO_QUESTION, given);
    const options = optionsOf(given);
    const all = await found(host, options);
    return options.all ? all : all[0];
  });
  for (const target of [dns, promises] as Record<string, unknown>[]) {
    const isPromised = target === promises;
    const end = (promise: Promise<unknown>, rest: unknown[]): unknown => {
      if (isPromised) return promise;
      answer(promise, rest.at(-1) as Callback, (result) => [result]);
      return {};
    };
    for (const [name, family] of Object.entries(RECORDS))
      replace(target, name, (host, ...rest) => end(records(String(host), family, rest[0]), rest));
    replace(target, 'resolve', (host, ...rest) => {
      const kind = typeof rest[0] === 'string' ? rest[0] : 'A';
      const family = KINDS[kind];
      return end(family ? records(String(host), family, undefined) : refused(`resolve ${kind}`, host), rest);
    });
    const others = Object.keys(target).filter(
      (name) => /^(resolve[A-Z]\w*|reverse|lookupService)$/.test(name) && !(name in RECORDS),
    );
    for (const name of others)
      replace(target, name, (host, ...rest) => end(refused(`dns.${name}`, host), rest));
  }
  syncBuiltinESMExports();
}

/** The addresses in an answer of the worker. */
export function addressesIn(text: string): string[] {
  const addresses = JSON.parse(text) as unknown[];
  return addresses.filter((each): each is string => typeof each === 'string').slice(0, ADDRESSES_LIMIT);
}

/** Keeps what a function says of itself, such as how `util.promisify` makes it one that promises. */
function replace(target: Record<string, unknown>, name: string, made: Call): void {
  Object.defineProperties(made, Object.getOwnPropertyDescriptors(target[name] as Call));
  target[name] = made;
}

const isQuestion = (host: unknown): host is string =>
  typeof host === 'string' && host !== '' && isIP(host) === 0;

const optionsOf = (given: unknown): LookupOptions =>
  typeof given === 'object' && given !== null
    ? given
    : given === undefined
      ? {}
      : { family: given as number };

const familyOf = (family: unknown): number =>
  family === 'IPv4' ? IPV4 : family === 'IPv6' ? IPV6 : Number(family ?? 0);

function ordered(found: readonly NamedAddress[], order: string): NamedAddress[] {
  if (order !== 'ipv4first' && order !== 'ipv6first') return [...found];
  const first = order === 'ipv4first' ? IPV4 : IPV6;
  return found.toSorted((a, b) => Number(b.family === first) - Number(a.family === first));
}

/** Never within the call, and an error that the callback throws is an uncaught one, as of Node. */
function answer<T>(promise: Promise<T>, done: Callback, results: (value: T) => unknown[]): void {
  promise.then(
    (value) => process.nextTick(done, null, ...results(value)),
    (error: unknown) => process.nextTick(done, error),
  );
}

const notFound = (syscall: string, hostname: string): Error =>
  Object.assign(new Error(`${syscall} ENOTFOUND ${hostname}`), { code: 'ENOTFOUND', syscall, hostname });

function refused(what: string, host: unknown): Promise<never> {
  const message = `${what} of ${String(host)} is refused: at NETWORK=proxy the worker looks up addresses alone`;
  return Promise.reject(Object.assign(new Error(message), { code: NETWORK_REFUSED }));
}
