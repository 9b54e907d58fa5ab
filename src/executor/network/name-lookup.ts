import { Resolver } from 'node:dns/promises';
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';

const HOSTS_FILE = '/etc/hosts';
const LOOPBACK = ['127.0.0.1', '::1'];
const TIMEOUT_MS = 3_000;
const TRIES = 2;

/** A name has no address, or no server answered; `code` as of Node's dns. */
export class NameError extends Error {
  override name = 'NameError';

  constructor(
    readonly code: string,
    host: string,
  ) {
    super(code === 'ENOTFOUND' ? `there is no host ${host}` : `the name ${host} could not be looked up`);
  }
}

/**
 * Finds the addresses of names, in the machine's hosts file and then by DNS. Not by `dns.lookup`: that holds
 * one of the few threads that the whole process has for files, and code that looks up slow names could block all of them.
 */
export class NameLookup {
  private hosts: ReadonlyMap<string, string[]> = new Map();
  private hostsAtMs = -1;

  constructor(
    readonly resolver: Pick<Resolver, 'resolve4' | 'resolve6'> = new Resolver({
      timeout: TIMEOUT_MS,
      tries: TRIES,
    }),
    private readonly hostsFile = HOSTS_FILE,
  ) {}

  /** Addresses of a host, IPv4 first; of an address itself. @throws {NameError} when there is none. */
  async addressesOf(host: string): Promise<string[]> {
    if (isIP(host) !== 0) return [host];
    const local = this.localAddresses(host);
    if (local.length > 0) return local;
    const found = await Promise.allSettled([this.resolver.resolve4(host), this.resolver.resolve6(host)]);
    const addresses = found.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (addresses.length > 0) return addresses;
    const codes = found.map((answer) =>
      answer.status === 'rejected' ? (answer.reason as { code?: string }).code : '',
    );
    throw new NameError(
      codes.every((code) => code === 'ENOTFOUND' || code === 'ENODATA') ? 'ENOTFOUND' : 'EAI_AGAIN',
      host,
    );
  }

  private localAddresses(host: string): string[] {
    const found = this.readHosts().get(host);
    if (found) return found;
    return host === 'localhost' || host.endsWith('.localhost') ? LOOPBACK : [];
  }

  private readHosts(): ReadonlyMap<string, string[]> {
    try {
      const { mtimeMs } = statSync(this.hostsFile);
      if (mtimeMs === this.hostsAtMs) return this.hosts;
      this.hostsAtMs = mtimeMs;
      this.hosts = parseHosts(readFileSync(this.hostsFile, 'utf8'));
    } catch {
      this.hosts = new Map();
    }
    return this.hosts;
  }
}

function parseHosts(text: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of names.map((each) => each.toLowerCase()))
      hosts.set(
        name,
        [...(hosts.get(name) ?? []), address].toSorted((a, b) => isIP(a) - isIP(b)),
      );
  }
  return hosts;
}
