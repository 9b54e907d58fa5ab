import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { CommandError, EXIT } from '../output/exit.js';

/** A worker that was logged in to. */
export interface Profile {
  url: string;
  /** null: it asks for none. */
  token: string | null;
}

/** All of them, and the one that counts where none is named. */
export interface Profiles {
  current: string | null;
  profiles: Record<string, Profile>;
}

type Environment = Readonly<Record<string, string | undefined>>;

const OPEN_TO_OTHERS = 0o077;
const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** Keeps profiles in one file that only its owner may read. */
export class ProfileStore {
  readonly file: string;

  /** `$XDG_CONFIG_HOME/bifrost/profiles.json`, or in `~/.config`. */
  constructor(env: Environment) {
    const folder = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
    this.file = join(folder, 'bifrost', 'profiles.json');
  }

  /** @throws {CommandError} when others may read the file, or it cannot be read. */
  read(): Profiles {
    let text: string;
    try {
      if (process.platform !== 'win32' && (statSync(this.file).mode & OPEN_TO_OTHERS) !== 0)
        throw new CommandError(
          EXIT.usage,
          `${this.file}: others may read it, and it has tokens: chmod 600 it, and change the tokens`,
        );
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { current: null, profiles: {} };
      if (error instanceof CommandError) throw error;
      throw new CommandError(EXIT.usage, `${this.file}: ${(error as Error).message}`);
    }
    return parse(text, this.file);
  }

  /** Replaces all that there is. A reader sees the former file or the new one. */
  write(profiles: Profiles): void {
    const draft = `${this.file}.${process.pid}`;
    try {
      mkdirSync(dirname(this.file), { recursive: true, mode: 0o700 });
      writeFileSync(draft, `${JSON.stringify(profiles, null, 2)}\n`, { mode: 0o600 });
      // The mode above is that of a new file alone.
      chmodSync(draft, 0o600);
      renameSync(draft, this.file);
    } catch (error) {
      throw new CommandError(EXIT.usage, `${this.file}: ${(error as Error).message}`);
    }
  }

  /** @throws {CommandError} when there is none of that name. */
  find(name: string): Profile {
    const { profiles } = this.read();
    const found = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
    if (found) return found;
    const names = Object.keys(profiles).join(', ');
    throw new CommandError(
      EXIT.usage,
      `there is no profile ${name}; ${names ? `there are: ${names}` : 'bifrost login makes one'}`,
    );
  }

  /** The one that counts where none is named. */
  current(): Profile | null {
    const { current, profiles } = this.read();
    return current !== null && Object.hasOwn(profiles, current) ? (profiles[current] ?? null) : null;
  }
}

/** @throws {CommandError} for what cannot be the name of a profile. */
export function profileName(text: string): string {
  if (NAME.test(text) && text !== '__proto__') return text;
  throw new CommandError(EXIT.usage, `--profile ${text}: must have letters, digits and . _ - only`);
}

function parse(text: string, file: string): Profiles {
  try {
    const { current, profiles } = JSON.parse(text) as Partial<Profiles>;
    const entries = Object.entries(profiles ?? {}).filter(([, profile]) => typeof profile?.url === 'string');
    return {
      current: typeof current === 'string' ? current : null,
      profiles: Object.fromEntries(
        entries.map(([name, { url, token }]) => [
          name,
          { url, token: typeof token === 'string' ? token : null },
        ]),
      ),
    };
  } catch {
    throw new CommandError(EXIT.usage, `${file}: is not JSON; remove it and log in again`);
  }
}
