import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import { ARTIFACTS_FOLDER, faultOfFileName } from '../../contract/fields/file-names.js';
import { inspectValue } from '../channel/primordials.js';
import { OwnGetter } from './own-getter.js';

type Bytes = string | NodeJS.ArrayBufferView;

/** `context.artifacts`: files that come out of the execution. */
export interface UserArtifacts {
  /** Folder: what lies in it when the execution ends comes out. Made when it is first asked for. */
  readonly dir: string;
  /** Writes one of them; one of the same name is replaced. */
  write(name: string, data: Bytes | Iterable<Bytes> | AsyncIterable<Bytes>): Promise<void>;
}

/** It only writes into the scratch folder, as the code itself could: the worker believes nothing of it. */
export function createUserArtifacts({
  scratch,
  keepsArtifacts,
}: Pick<ExecuteCommand, 'scratch' | 'keepsArtifacts'>): UserArtifacts {
  const dir = `${scratch}/${ARTIFACTS_FOLDER}`;
  const make = (): string => {
    if (!keepsArtifacts)
      throw new Error('context.artifacts: the worker cannot see the folder of its runners on this machine');
    mkdirSync(dir, { recursive: true });
    return dir;
  };
  const artifacts: Omit<UserArtifacts, 'dir'> = {
    async write(name, data) {
      const fault = typeof name === 'string' ? faultOfFileName(name) : 'must be a text';
      if (fault !== null) throw new TypeError(`artifacts.write: the name ${inspectValue(name)} ${fault}`);
      await writeFile(`${make()}/${name}`, data);
    },
  };
  return dirOf.put(artifacts, make);
}

const dirOf = new OwnGetter<'dir', string>('dir');
